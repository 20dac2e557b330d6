"""What people try against a dashboard: guesses, stolen sessions, headers, scripts and formulas.

Forged requests (CSRF) are in `test_security` and, for every route, in `test_isolation`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import pace
from dashboard.access import COOKIE, DEVICE_COOKIE
from host.clock import MINUTE, ManualClock
from host.ledger import (
    devices,
    history,
    people,
    print_jobs,
    pull_payments,
    refunds,
    sales,
    shifts,
    stores,
    z_reports,
)
from host.ledger.permissions import Role
from host.ledger.print_jobs import PrinterRow
from host.ledger.records import Card, Sale
from host.ledger.sales import Basket
from host.money import sats
from tests.support.busy import failed
from tests.support.forms import csrf_of
from tests.support.others import foreign
from tests.support.shop import Shop

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
PASSWORD = "correct horse"


def enter(client: FlaskClient, password: str) -> int:
    form = {"name": "ada", "password": password, "csrf_token": csrf_of(client, "/sign-in")}
    return client.post("/sign-in", data=form).status_code


def test_passwords_are_not_guessed(app: Flask, shop: Shop, clock: ManualClock) -> None:
    people.create(shop.db, "ada", Role.MANAGER, password=PASSWORD)
    for number in range(5):
        assert enter(app.test_client(), f"guess {number}") == 403
    assert enter(app.test_client(), PASSWORD) == 403, "locked, whoever asks from wherever"
    codes = {enter(app.test_client(), f"guess {number}") for number in range(20)}
    assert 429 in codes, "and whoever goes on is told to wait before anything is hashed"
    clock.advance(60 * MINUTE)
    assert enter(app.test_client(), PASSWORD) == 302


def test_cookies_that_somebody_makes_up_bring_no_budget_of_their_own(
    app: Flask, shop: Shop
) -> None:
    def ask(number: int, path: str, method: str = "GET") -> int:
        client = app.test_client()
        for name in (COOKIE, DEVICE_COOKIE):
            client.set_cookie(name, f"made up {number}")
        return client.open(path, method=method).status_code

    assert 429 in {ask(number, "/sign-in/link/x") for number in range(pace.SIGN_IN.burst + 1)}
    assert 429 in {ask(number, "/sign-in") for number in range(pace.PAGES.burst + 1)}
    client = app.test_client()
    client.set_cookie(COOKIE, shop.session())
    assert client.get("/status").status_code == 200, "whoever is signed in has their own"


def test_half_a_character_is_no_text(cashier: FlaskClient) -> None:
    headers = {"X-CSRFToken": csrf_of(cashier), "Content-Type": "application/json"}
    body = '{"lines": [5], "note": "\\ud83d", "sale_id": "\\ud83d", "pin": "\\ud83d"}'
    for path in ("/till/charge", "/till/late-noted", "/till/cancel", "/till/pin", "/device"):
        assert cashier.post(path, data=body, headers=headers).status_code < 500, path


def test_a_stolen_session_is_worth_nothing_after_signing_out(app: Flask, shop: Shop) -> None:
    token = shop.session()
    owner, thief = app.test_client(), app.test_client()
    for client in (owner, thief):
        client.set_cookie(COOKIE, token)
    thief_form = csrf_of(thief)
    assert thief.get("/overview").status_code == 200
    owner.post("/sign-in/out", data={"csrf_token": csrf_of(owner)})
    headers = {"Accept": "application/json"}
    for path in ("/overview", "/api/payouts", "/live", "/payouts/export.csv", "/audit"):
        assert thief.get(path, headers=headers).status_code == 401, path
    form = {"csrf_token": thief_form, "name": "Owned"}
    assert thief.post("/settings/name", data=form).status_code == 401
    store = stores.get(shop.db, "main")
    assert store
    assert store.name == "Corner shop"


@pytest.mark.parametrize("text", ["x\r\nSet-Cookie: a=b", "x\nX-Evil: 1", "x%0d%0aX-Evil: 1"])
def test_no_text_gets_into_the_headers_of_an_answer(
    manager: FlaskClient, shop: Shop, text: str
) -> None:
    card = shop.card("Ann")
    file = {"file": (io.BytesIO(b"x"), text + '.csv"; a="b')}
    token = {"csrf_token": csrf_of(manager), "inside": "1"}
    answers = [
        manager.get("/sign-in", query_string={"next": f"/{text}"}),
        manager.get("/payouts/export.csv", query_string={"boltcardId": text}),
        manager.get("/sales/export.csv", query_string={"storeId": text}),
        manager.get("/payouts", query_string={"storeId": text, "before": text}),
        manager.get("/audit/export.csv", query_string={"subject": text}),
        manager.post(f"/cards/{card.card_id}/alias", data=token | {"alias": text}),
        manager.post("/settings/name", data=token | {"name": text}),
        manager.post("/history", data=token | file),
    ]
    for answer in answers:
        assert answer.status_code < 500
        names = {name.lower() for name, _ in answer.headers}
        assert "x-evil" not in names
        assert "a=b" not in str(answer.headers.getlist("Set-Cookie"))
        assert all("\n" not in value for _, value in answer.headers)


def written(shop: Shop, text: str) -> Iterator[str]:
    """A text in every field that somebody may fill; then the addresses of what shows it."""
    card: Card = shop.card(text)
    paid = shop.pay(card, 100).payout
    refunds.refund(shop.db, str(paid.sale_id), sats(10), text)
    lost = failed(shop, card, 7, text)
    theirs = foreign(shop, 50, text)
    noted = sales.open(shop.db, "main", sats(5), terminal_id="till-1", basket=Basket(note=text))
    assert isinstance(noted, Sale)
    account = pull_payments.create(shop.db, "main", text)
    pull_payments.fund(shop.db, account.pull_payment_id, sats(1), text)
    who = people.create(shop.db, text, Role.MANAGER, store_id="main")
    stores.change(shop.db, "main", name=text)
    stores.rename_terminal(shop.db, "till-1", text[:80], None)
    devices.trust(shop.db, text[:80], "till-1")
    print_jobs.configure(shop.db, [PrinterRow(text, ("till-1",), drawer=False)])
    shift = shifts.start(shop.db, "till-1", who)
    report = z_reports.close(shop.db, "main", person=who)
    past = {
        "payout_id": "old1",
        "pull_payment_id": "pp",
        "amount": "0.00000100",
        "currency": "BTC",
        "status": "Failed",
        "created_at": "2026-03-01",
        "boltcard_id": "c1",
        "boltcard_alias": text,
        "recipient_address": text,
        "error_message": text,
        "metadata": {"x": text},
    }
    history.take(shop.db, "main", io.BytesIO(json.dumps([past]).encode()), text)
    yield from ("/overview", "/payouts", "/sales", "/cards", "/pull-payments", "/reports")
    yield from ("/people", "/terminals", "/settings", "/history", "/audit", "/status")
    yield from (f"/payouts/{paid.payout_id}", f"/payouts/{lost.payout_id}", "/payouts/old1")
    yield from (f"/sales/{paid.sale_id}", f"/sales/{theirs.sale_id}", f"/sales/{noted.sale_id}")
    yield from (f"/cards/{card.card_id}", f"/pull-payments/{account.pull_payment_id}")
    yield from ("/till", "/till/recent", f"/till/recent/{paid.sale_id}", "/shift", "/device")
    yield from (f"/till/receipts/{paid.sale_id}", "/reports/tills", "/reports/shifts")
    yield from (f"/reports/shifts/{shift.shift_id}", f"/reports/z/{report.report_id}")


def test_a_script_in_any_field_is_text_on_every_page(manager: FlaskClient, shop: Shop) -> None:
    shown = 0
    for path in written(shop, SCRIPT):
        page = manager.get(path).text
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        shown += "&lt;script&gt;alert" in page
    assert shown > 12


def test_a_script_in_an_address_is_not_thrown_back(manager: FlaskClient, shop: Shop) -> None:
    names = (
        *("q", "boltcardId", "state", "status", "method", "subject", "person", "action"),
        *("before", "after", "startDate", "storeId", "next", "origin", "check", "first"),
    )
    for path in ("/overview", "/payouts", "/sales", "/cards", "/audit", "/reports", "/sign-in"):
        for name in names:
            page = manager.get(path, query_string={name: SCRIPT}).text
            assert "<script>alert" not in page, (path, name)
            assert "<img src=x" not in page, (path, name)


def test_no_cell_of_any_file_is_a_formula(manager: FlaskClient, shop: Shop) -> None:
    for _ in written(shop, FORMULA):
        pass
    files = ("/payouts/export.csv", "/sales/export.csv", "/audit/export.csv")
    reports = ("/reports/days.csv", "/reports/cards.csv", "/reports/ledger.csv")
    found = 0
    tills = ("/reports/tills.csv", "/reports/tills/x.csv")
    for path in (*files, *reports, *tills):
        text = manager.get(path).text
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
            assert not [cell for cell in row if cell[:1] in {"=", "+", "@", "\t", "\r"}], path
            found += sum(cell.startswith("'=HYPERLINK") for cell in row)
    assert found > 5
