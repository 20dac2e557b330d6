"""What a cashier keys in and how it is charged: units, tips, notes, QR codes, signing out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.bolt11 import Network
from host.clock import ManualClock
from host.ledger import incoming, people, rates, sales, settings, stores
from host.ledger.permissions import Role
from host.ledger.rates import Rate
from host.ledger.records import SaleState
from host.ledger.tips import TIPS, Tips
from host.lightning.embedded import EmbeddedWallet, Fault
from host.money import sats
from host.screen import Screen
from tests.support.forms import csrf_of, post
from tests.support.shop import Shop


@pytest.fixture
def wallet(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedWallet]:
    made = EmbeddedWallet(tmp_path / "net.db", "shop", clock)
    yield made
    made.close()


@pytest.fixture
def context(context: DashboardContext, wallet: EmbeddedWallet) -> Iterator[DashboardContext]:
    screen = Screen(context.db, wallet, context.clock, Network.REGTEST)
    yield replace(context, screen=screen)
    screen.stop()


@pytest.fixture
def app(context: DashboardContext) -> Flask:
    return create_app(context)


def euros(shop: Shop) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    rates.put(shop.db, Rate("EUR", "60000.00", "fixed", shop.clock.now()))


def charge(client: FlaskClient, **bill: Any) -> dict[str, Any]:
    answer: dict[str, Any] = post(client, "/till/charge", bill).get_json()
    return answer


def act(client: FlaskClient, path: str, sale: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = post(client, path, {"sale_id": sale["sale_id"]}).get_json()
    return answer


# -- bills ---------------------------------------------------------------------------------------


def test_a_sale_in_the_currency_shows_what_was_keyed_in_and_the_satoshi(
    cashier: FlaskClient, shop: Shop
) -> None:
    euros(shop)
    sale = charge(cashier, unit="EUR", lines=[123_456], note="  Table  4 ")["sale"]
    assert (sale["amount"], sale["unit"]) == ("1\u00a0234.56", "EUR")
    assert (sale["also"], sale["note"]) == ("2\u00a0057\u00a0600 sats", "Table 4")
    kept = sales.current(shop.db, "till-1")
    cashiers = people.by_name(shop.db, "cashier")
    assert kept is not None
    assert cashiers is not None
    assert (kept.fiat, kept.person_id) == ("1234.56", cashiers.person_id)


def test_the_page_knows_the_currency_its_decimals_and_the_tips(
    cashier: FlaskClient, shop: Shop
) -> None:
    assert (cashier.get("/till/state").get_json()["tips"]) is None
    euros(shop)
    settings.put(shop.db, "main", TIPS, Tips(on=True, percents=(5, 20), own=False))
    state = cashier.get("/till/state").get_json()
    assert (state["rate"]["currency"], state["rate"]["decimals"]) == ("EUR", 2)
    assert state["tips"] == {"percents": [5, 20], "own": False}


def test_a_tip_is_shown_in_the_unit_that_was_keyed_in(cashier: FlaskClient, shop: Shop) -> None:
    settings.put(shop.db, "main", TIPS, Tips(on=True))
    sale = charge(cashier, lines=[2_000], tip=100)["sale"]
    assert (sale["amount"], sale["tip"]) == ("2\u00a0100", "100\u00a0sats")
    act(cashier, "/till/cancel", sale)
    euros(shop)
    sale = charge(cashier, unit="EUR", lines=[2_000], tip=150)["sale"]
    assert (sale["amount"], sale["tip"]) == ("21.50", "1.50\u00a0EUR")


@pytest.mark.parametrize(
    "bill",
    [
        {},
        {"lines": 5},
        {"lines": ["5"]},
        {"lines": [True]},
        {"lines": [5], "tip": "1"},
        {"lines": [5], "tip": None},
        {"lines": [5], "note": "x" * 201},
        {"lines": [5], "unit": "EUR"},
        {"lines": [5], "tip": 1},
    ],
)
def test_a_bill_that_makes_no_sense_arms_nothing(
    cashier: FlaskClient, shop: Shop, bill: dict[str, Any]
) -> None:
    assert charge(cashier, **bill)["code"] == "amount_invalid"
    assert sales.latest(shop.db, "till-1") is None


def test_a_very_old_rate_bars_the_till_before_anything_is_charged(
    cashier: FlaskClient, shop: Shop
) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    now = shop.clock.now()
    rates.put(shop.db, Rate("EUR", "60000.00", "fixed", now, stale_at=now, void_at=now))
    state = cashier.get("/till/state").get_json()
    assert state["state"] == "blocked"
    assert state["barred"]["says"] == "The exchange rate is too old"
    assert charge(cashier, lines=[5])["code"] == "rate_stale"


# -- the QR code ---------------------------------------------------------------------------------


def test_a_code_is_shown_as_a_picture_and_as_text_and_put_away(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = charge(cashier, lines=[21])["sale"]
    shown = act(cashier, "/till/qr", sale)["sale"]
    assert (shown["says"], shown["qr"]["invoice"][:6]) == ("Scan to pay", "lnbcrt")
    assert 0 < shown["qr"]["left_ms"] <= 120_000
    picture = cashier.get(f"/till/qr/{sale['sale_id']}.svg")
    assert (picture.mimetype, picture.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert picture.data.startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')
    assert cashier.get("/till/state").get_json()["sale"]["qr"] == shown["qr"]
    hidden = act(cashier, "/till/qr/hide", sale)["sale"]
    assert (hidden["says"], hidden["qr"]) == ("Tap the card", None)
    assert cashier.get(f"/till/qr/{sale['sale_id']}.svg").status_code == 404


def test_a_wallet_that_is_down_shows_no_code_and_says_so(
    cashier: FlaskClient, wallet: EmbeddedWallet
) -> None:
    sale = charge(cashier, lines=[21])["sale"]
    wallet.script_default(Fault.DOWN)
    answer = act(cashier, "/till/qr", sale)
    assert (answer["code"], answer["detail"]["part"]) == ("store_offline", "lightning")
    assert cashier.get("/till/state").get_json()["sale"]["says"] == "Tap the card"


def test_only_the_code_of_the_sale_on_the_screen_is_shown(cashier: FlaskClient) -> None:
    charge(cashier, lines=[21])
    assert act(cashier, "/till/qr", {"sale_id": "other"})["code"] == "sale_closed"
    assert cashier.get("/till/qr/other.svg").status_code == 404


def test_a_till_without_a_wallet_says_that_there_is_no_code(
    context: DashboardContext, shop: Shop
) -> None:
    client = create_app(replace(context, screen=None)).test_client()
    client.set_cookie(COOKIE, shop.session(Role.CASHIER))
    sale = charge(client, lines=[21])["sale"]
    assert act(client, "/till/qr", sale)["code"] == "store_offline"
    assert act(client, "/till/cancel", sale)["state"] == "cancelled"


def test_a_code_that_was_put_away_and_paid_late_is_told_in_words(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = charge(cashier, lines=[21])["sale"]
    act(cashier, "/till/qr", sale)
    act(cashier, "/till/cancel", sale)
    (code,) = incoming.offered(shop.db, sale["sale_id"])
    incoming.settle(shop.db, code.payment_hash)
    (late,) = cashier.get("/till/state").get_json()["late"]
    words = "21 sats were paid by the QR code after the sale of 15:07 was closed."
    assert late["words"].startswith(words)


# -- leaving the till ----------------------------------------------------------------------------


def sign_out(client: FlaskClient) -> str:
    """Leave, and read the page that comes."""
    form = {"csrf_token": csrf_of(client, "/till")}
    return client.post("/sign-in/out", data=form, follow_redirects=True).text


def test_signing_out_cancels_a_sale_that_only_waits_and_says_so(
    cashier: FlaskClient, shop: Shop
) -> None:
    charge(cashier, lines=[2_100])
    words = "The sale of 2\u00a0100 sats was cancelled: nothing was charged."
    assert words in sign_out(cashier)
    assert sales.current(shop.db, "till-1") is None


def test_signing_out_puts_a_code_away_with_its_sale(cashier: FlaskClient, shop: Shop) -> None:
    act(cashier, "/till/qr", charge(cashier, lines=[21])["sale"])
    assert "was cancelled" in sign_out(cashier)
    assert sales.current(shop.db, "till-1") is None


def test_signing_out_keeps_a_sale_that_may_be_paid_at_this_moment(
    cashier: FlaskClient, shop: Shop, wallet: EmbeddedWallet
) -> None:
    act(cashier, "/till/qr", charge(cashier, lines=[21])["sale"])
    wallet.script_default(Fault.DOWN)
    assert "A payment of 21 sats is still being checked" in sign_out(cashier)
    kept = sales.current(shop.db, "till-1")
    assert kept is not None
    assert kept.data[sales.QR]


def test_signing_out_keeps_a_sale_that_is_being_checked(cashier: FlaskClient, shop: Shop) -> None:
    sale = charge(cashier, lines=[21])["sale"]
    for state in (SaleState.AUTHORISING, SaleState.CHECKING):
        sales.move(shop.db, sale["sale_id"], state)
    assert "still being checked" in sign_out(cashier)
    assert sales.current(shop.db, "till-1") is not None


def test_signing_out_leaves_the_sale_of_somebody_else_alone(
    cashier: FlaskClient, manager: FlaskClient, shop: Shop
) -> None:
    charge(manager, lines=[21])
    assert "cancelled" not in sign_out(cashier)
    armed = sales.current(shop.db, "till-1")
    assert armed is not None
    assert armed.amount_msat == sats(21)
