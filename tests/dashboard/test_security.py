"""Who may call the dashboard, from where, and what it answers strangers (THREATS 27, 28)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.guard import HEADERS
from host.ledger import sales
from tests.support.forms import csrf_of, post
from tests.support.shop import Shop


def test_every_view_says_who_it_is_open_to(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            assert hasattr(app.view_functions[rule.endpoint], "open_to"), rule


def test_a_view_that_does_not_say_it_is_closed(app: Flask, manager: FlaskClient) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert manager.get("/forgotten").status_code == 403


def test_a_stranger_changes_nothing(app: Flask, shop: Shop) -> None:
    client = app.test_client()
    token = csrf_of(client, "/sign-in")
    for path in ("/till/charge", "/till/cancel", "/till/again", "/sign-in/out"):
        response = client.post(path, json={"lines": [1]}, headers={"X-CSRFToken": token})
        assert response.status_code == 401, path
    assert sales.latest(shop.db, "till-1") is None


def test_a_cashier_sees_the_till_and_nothing_else(cashier: FlaskClient) -> None:
    assert cashier.get("/till").status_code == 200
    assert cashier.get("/status").status_code == 200
    for path in ("/payouts", "/payouts/x", "/overview", "/cards"):
        assert cashier.get(path).status_code == 403, path
    assert "/payouts" not in cashier.get("/till").text
    assert cashier.get("/").headers["Location"] == "/till"


def test_a_change_without_the_forms_token_is_refused(cashier: FlaskClient, shop: Shop) -> None:
    response = cashier.post("/till/charge", json={"lines": [5]})
    assert response.status_code == 400
    assert response.get_json()["code"] == "page_too_old"
    assert sales.latest(shop.db, "till-1") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8425"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_change_started_by_another_site_is_refused(
    cashier: FlaskClient, shop: Shop, headers: dict[str, str]
) -> None:
    headers = {**headers, "X-CSRFToken": csrf_of(cashier), "Accept": "application/json"}
    response = cashier.post("/till/charge", json={"lines": [5]}, headers=headers)
    assert response.status_code == 403
    assert sales.latest(shop.db, "till-1") is None


def test_our_own_pages_may_change_things(cashier: FlaskClient) -> None:
    token = csrf_of(cashier)
    headers = {"X-CSRFToken": token, "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    response = cashier.post("/till/charge", json={"lines": [5]}, headers=headers)
    assert response.status_code == 200


def test_another_site_may_link_to_a_page_but_not_read_it(cashier: FlaskClient) -> None:
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert cashier.get("/till", headers={**cross, "Sec-Fetch-Dest": "document"}).status_code == 200
    assert cashier.get("/till", headers={**cross, "Sec-Fetch-Dest": "iframe"}).status_code == 403
    for path in ("/till/state", "/live", "/status/now"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert cashier.get(path, headers=headers).status_code == 403, path


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.evil.example", "evil"])
def test_a_name_that_is_not_ours_is_refused(cashier: FlaskClient, host: str) -> None:
    assert cashier.get("/till", headers={"Host": host}).status_code == 400
    assert cashier.get("/static/js/till.js", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8424", "localhost:8424"])
def test_our_own_names_are_served(app: Flask, host: str) -> None:
    assert app.test_client().get("/sign-in", headers={"Host": host}).status_code == 200


def test_every_answer_carries_the_hardening_headers(manager: FlaskClient) -> None:
    for path in ("/till", "/till/state", "/payouts", "/nothing", "/static/js/till.js"):
        with manager.get(path) as response:
            for name, value in HEADERS.items():
                assert response.headers[name] == value, (path, name)
    assert manager.get("/till").headers["Cache-Control"] == "no-store"


def test_a_large_body_is_refused(cashier: FlaskClient) -> None:
    response = post(cashier, "/till/charge", {"lines": ["1" * 70_000]})
    assert response.status_code in {400, 413}


def test_an_error_shows_words_and_no_detail(manager: FlaskClient) -> None:
    page = manager.get("/nothing", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is no such page" in page.text
    data = manager.get("/nothing", headers={"Accept": "application/json"}).get_json()
    assert data["code"] == "http_404"
