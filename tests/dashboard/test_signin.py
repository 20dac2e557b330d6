"""Signing in by a link that works once, or by a name and a password; signing out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.access import COOKIE, local_path
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.clock import DAY, HOUR, ManualClock
from host.ledger import people
from host.ledger.permissions import Role
from tests.support.forms import csrf_of
from tests.support.shop import Shop


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def enter(browser: FlaskClient, name: str, password: str, query: str = "") -> TestResponse:
    form = {"name": name, "password": password, "csrf_token": csrf_of(browser, "/sign-in")}
    return browser.post(f"/sign-in{query}", data=form, headers={"Accept": "text/html"})


def link(shop: Shop, role: Role = Role.MANAGER) -> str:
    person = people.create(shop.db, "ada", role)
    return f"/sign-in/link/{people.one_time_link(shop.db, person.person_id)}"


def test_a_link_signs_in_once(browser: FlaskClient, app: Flask, shop: Shop) -> None:
    path = link(shop)
    response = browser.get(path)
    assert response.status_code == 302
    assert browser.get("/till").status_code == 200
    other = app.test_client().get(path)
    assert other.status_code == 403
    assert "was used or is too old" in other.text


def test_the_same_browser_may_follow_its_link_again(browser: FlaskClient, shop: Shop) -> None:
    path = link(shop)
    browser.get(path)
    assert browser.get(path).headers["Location"] == "/"


def test_a_browser_that_looks_ahead_does_not_use_the_link_up(
    browser: FlaskClient, shop: Shop
) -> None:
    path = link(shop)
    assert browser.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 403
    assert browser.get(path).status_code == 302


def test_the_sessions_cookie_is_kept_from_scripts_and_other_sites(
    browser: FlaskClient, shop: Shop
) -> None:
    cookie = browser.get(link(shop)).headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_password_signs_in_and_goes_where_the_person_wanted(
    browser: FlaskClient, shop: Shop
) -> None:
    people.create(shop.db, "ada", Role.MANAGER, password="correct horse")
    response = enter(browser, "ada", "correct horse", "?next=/payouts")
    assert response.headers["Location"] == "/payouts"
    assert browser.get("/payouts").status_code == 200


def test_a_wrong_name_and_a_wrong_password_look_the_same(browser: FlaskClient, shop: Shop) -> None:
    people.create(shop.db, "ada", Role.MANAGER, password="correct horse")
    wrong = [enter(browser, "ada", "battery"), enter(browser, "bob", "battery")]
    for response in wrong:
        assert response.status_code == 403
        assert "Name or password is wrong" in response.text
    pages = [response.text.replace("ada", "x").replace("bob", "x") for response in wrong]
    assert len(pages[0]) == len(pages[1])


def test_after_signing_out_the_session_is_over_everywhere(browser: FlaskClient, shop: Shop) -> None:
    browser.get(link(shop))
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None
    form = {"csrf_token": csrf_of(browser)}
    assert browser.post("/sign-in/out", data=form).status_code == 302
    browser.set_cookie(COOKIE, cookie.value)
    assert browser.get("/till").status_code == 401


@pytest.mark.parametrize("ms", [8 * HOUR + 1, 7 * DAY + 1])
def test_a_session_ends_when_it_is_old(
    browser: FlaskClient, shop: Shop, clock: ManualClock, ms: int
) -> None:
    browser.get(link(shop))
    clock.advance(ms)
    assert browser.get("/till").status_code == 401


def test_somebody_of_another_store_sees_and_charges_nothing_here(
    browser: FlaskClient, shop: Shop
) -> None:
    from host.ledger import stores

    stores.create(shop.db, "Other shop", store_id="other")
    person = people.create(shop.db, "eve", Role.MANAGER, store_id="other")
    browser.get(f"/sign-in/link/{people.one_time_link(shop.db, person.person_id)}")
    for path in ("/till", "/till/state", "/payouts?storeId=main", "/cards?storeId=main"):
        assert browser.get(path).status_code == 403, path


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/payouts?before=x", "/payouts?before=x"),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("https://evil.example", None),
        ("javascript:alert(1)", None),
        ("payouts", None),
        ("", None),
        (None, None),
    ],
)
def test_signing_in_never_leads_to_another_site(target: str | None, path: str | None) -> None:
    assert local_path(target) == path


def test_the_first_manager_sets_a_password_of_their_own_before_anything_else(
    context: DashboardContext, shop: Shop
) -> None:
    client = create_app(replace(context, demo=None)).test_client()
    page = client.get("/sign-in").text
    assert "Nobody has a password yet" in page
    assert "<code>manager</code>" in page
    first = people.create(shop.db, "manager", Role.MANAGER)
    link = people.one_time_link(shop.db, first.person_id)
    answer = client.get(f"/sign-in/link/{link}")
    assert answer.headers["Location"] == "/me?first=1"
    page = client.get("/me?first=1").text
    assert "a password of your own" in page
    assert "Later" in page
    form = {"csrf_token": csrf_of(client), "password": "correct horse", "again": "correct horse"}
    client.post("/me/password", data=form)
    assert "Nobody has a password yet" not in create_app(context).test_client().get("/sign-in").text
    link = people.one_time_link(shop.db, first.person_id)
    assert client.get(f"/sign-in/link/{link}").headers["Location"] == "/"
