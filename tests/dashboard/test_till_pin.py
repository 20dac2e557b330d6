"""The PIN at the till: asked for, wrong, locked, unlocked; and what else stands beside a sale."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.context import DashboardContext
from dashboard.state import till_state
from host.clock import MINUTE, ManualClock
from host.ledger import cards, incoming, rates, sales, stores
from host.ledger.claims import Claimed
from host.ledger.codes import Code, Refused
from host.ledger.rates import Rate
from host.ledger.records import SaleState
from host.money import sats
from host.till import arm
from tests.support.forms import post
from tests.support.pins import PIN, PinDesk
from tests.support.shop import Shop


@pytest.fixture
def desk(shop: Shop, context: DashboardContext) -> PinDesk:
    return PinDesk(shop, context.pads)


def type_pin(client: FlaskClient, sale_id: str, pin: str) -> dict[str, Any]:
    answer: dict[str, Any] = post(client, "/till/pin", {"sale_id": sale_id, "pin": pin}).get_json()
    return answer


def test_the_same_tap_pays_once_its_pin_is_typed(
    cashier: FlaskClient, shop: Shop, desk: PinDesk
) -> None:
    sale = shop.arm(2100)
    card = desk.card()
    desk.lay(card)
    state = cashier.get("/till/state").get_json()
    assert (state["state"], state["sale"]["pin"]) == ("declined", True)
    assert state["sale"]["says"] == "Enter the PIN"
    done = type_pin(cashier, sale.sale_id, PIN)
    assert (done["state"], done["sale"]["pin"]) == ("approved", False)
    assert shop.counters[card.card_id] == 1  # no second tap


def test_threats_19_wrong_thrice_locks_and_a_manager_unlocks(
    cashier: FlaskClient, shop: Shop, desk: PinDesk
) -> None:
    sale = shop.arm(5)
    card = desk.card()
    desk.lay(card)
    said = [type_pin(cashier, sale.sale_id, "1111")["sale"] for _ in range(3)]
    assert [one["code"] for one in said] == ["pin_wrong", "pin_wrong", "pin_locked"]
    assert [one["pin"] for one in said] == [True, True, False]
    assert said[0]["says"] == "Wrong PIN, 2 tries left"
    assert type_pin(cashier, sale.sale_id, PIN)["code"] == "k1_expired"  # nobody waits any more
    assert desk.lay(card) == Refused(Code.PIN_LOCKED)
    cards.unlock_pin(shop.db, card.card_id)
    desk.lay(card)
    assert type_pin(cashier, sale.sale_id, PIN)["state"] == "approved"
    assert "tries left" not in cashier.get("/till/state").get_json()["sale"]["says"]


def test_another_card_takes_the_place_of_the_one_that_waits(
    cashier: FlaskClient, shop: Shop, desk: PinDesk
) -> None:
    sale = shop.arm(5)
    desk.lay(desk.card())
    assert isinstance(desk.lay(shop.card("Ben")), Claimed)
    answer = post(cashier, "/till/pin", {"sale_id": sale.sale_id, "pin": PIN})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "sale_closed")


def test_a_pin_of_an_earlier_sale_is_not_used(
    cashier: FlaskClient, shop: Shop, desk: PinDesk
) -> None:
    old = shop.arm(5)
    desk.lay(desk.card())
    new = shop.arm(7)
    assert type_pin(cashier, old.sale_id, PIN)["code"] == "sale_closed"
    assert type_pin(cashier, new.sale_id, PIN)["code"] == "k1_expired"
    current = sales.current(shop.db, "till-1")
    assert current is not None
    assert (current.sale_id, current.state) == (new.sale_id, SaleState.READY)


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "１２３４", None, {}])
def test_what_is_no_pin_counts_as_no_try(
    cashier: FlaskClient, shop: Shop, desk: PinDesk, pin: Any
) -> None:
    sale = shop.arm(5)
    card = desk.card()
    desk.lay(card)
    assert type_pin(cashier, sale.sale_id, pin)["code"] == "request_invalid"
    assert type_pin(cashier, sale.sale_id, PIN)["state"] == "approved"


def test_below_its_threshold_no_pin_is_asked_for(shop: Shop, desk: PinDesk) -> None:
    card = desk.card(from_sat=100)
    shop.arm(99)
    assert isinstance(desk.lay(card), Claimed)
    shop.arm(100)
    assert desk.lay(card) == Refused(Code.PIN_REQUIRED)


def test_threats_19_a_pin_reaches_no_row_and_no_log(
    cashier: FlaskClient, shop: Shop, desk: PinDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sale = shop.arm(5)
    card = desk.card(pin="82645173")
    desk.lay(card)
    type_pin(cashier, sale.sale_id, "91827364")
    type_pin(cashier, sale.sale_id, "82645173")
    names = shop.db.read(
        lambda tx: [r[0] for r in tx.all("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    )
    rows = shop.db.read(
        lambda tx: [tuple(row) for name in names for row in tx.all(f"SELECT * FROM {name}")]  # noqa: S608
    )
    assert not re.search("82645173|91827364", repr(rows) + caplog.text)
    assert "82645173" not in repr(desk.pads)


# -- money that came too late ----------------------------------------------------------------------


def test_money_for_a_closed_sale_is_shown_until_somebody_notes_it(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = shop.arm(2100)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    given = (bytes(32), "lnbcrt1", shop.clock.now() + MINUTE, "cards.example")
    assert incoming.offer(shop.db, sale, *given)
    incoming.decline(shop.db, sale.sale_id, Code.FOREIGN_REFUSED, {"words": "no"})
    assert cashier.get("/till/state").get_json()["sale"]["more"] == "no"
    sales.cancel(shop.db, sale.sale_id)
    incoming.settle(shop.db, bytes(32))
    (late,) = cashier.get("/till/state").get_json()["late"]
    assert "2\u00a0100 sats were paid by a card of cards.example" in late["words"]
    state = post(cashier, "/till/late-noted", {"sale_id": sale.sale_id}).get_json()
    assert state["late"] == []


# -- the store's currency --------------------------------------------------------------------------


def rated(shop: Shop, **more: int) -> Rate:
    """The store counts in euros, one bitcoin is 60 000 of them."""
    stores.set_currency(shop.db, "main", "EUR")
    rate = Rate("EUR", "60000.00", "fixed", shop.clock.now(), **more)
    rates.put(shop.db, rate)
    return rate


def test_a_sale_keeps_its_rate_and_the_page_shows_its_worth(
    cashier: FlaskClient, shop: Shop
) -> None:
    rate = rated(shop)
    sale = shop.arm(2100)
    assert (sale.rate, sale.rate_source, sale.rate_at) == ("60000.00", "fixed", rate.at)
    rates.put(shop.db, replace(rate, rate="90000.00"))
    state = cashier.get("/till/state").get_json()
    assert state["sale"]["also"] == "1.26 EUR"
    assert (state["rate"]["rate"], state["rate"]["old"]) == ("90000.00", False)


def test_without_a_rate_nothing_is_said_about_it(context: DashboardContext, shop: Shop) -> None:
    sale = shop.arm(5)
    state = till_state(context, context.terminal)
    assert (state["rate"], state["sale"]["also"], sale.rate) == (None, "", None)


def test_a_stale_rate_warns_and_a_very_stale_one_blocks(
    context: DashboardContext, shop: Shop, clock: ManualClock
) -> None:
    now = clock.now()
    rated(shop, stale_at=now + MINUTE, void_at=now + 2 * MINUTE)
    clock.advance(MINUTE)
    shop.dots()
    assert till_state(context, context.terminal)["rate"]["old"] is True
    shop.arm(5)
    clock.advance(MINUTE)
    shop.dots()
    refused = arm(shop.db, shop.board, shop.terminal, sats(5))
    assert refused == Refused(Code.RATE_STALE)
