"""What a reader shows is a pure function of the sale, the time and the field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.ledger import rates, sales, stores
from host.ledger.bills import Bill
from host.ledger.claims import Claimed
from host.ledger.codes import Code, Refused
from host.ledger.rates import Rate
from host.ledger.records import Sale, SaleState
from host.readers.base import Look, Show
from host.till import APPROVED_MS, charge, picture
from tests.host.test_till import Link
from tests.support.counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with counter(tmp_path) as opened:
        yield opened


def show(sale: Sale | None, *, after: int = 0, there: bool = False) -> Show:
    now = sale.changed_at if sale else 0
    return picture(sale, now + after, card_there=there)


def test_without_a_sale_it_is_idle(at: Counter) -> None:
    assert show(None) == Show(Look.IDLE)


def test_a_ready_sale_shows_its_amount(at: Counter) -> None:
    assert show(at.arm(21_000)) == Show(Look.READY, ("21 000 sat", "ready"))


def test_an_approved_sale_goes_idle_by_itself_after_its_time(at: Counter) -> None:
    card, sale = at.card(), at.arm(100)
    card.twin.power_on()
    assert isinstance(at.till.presented(Link(card.twin.transceive)), Claimed)
    approved = at.sale(sale.sale_id)
    assert show(approved, after=APPROVED_MS - 1).look is Look.APPROVED
    assert show(approved, after=APPROVED_MS) == Show(Look.IDLE)


def test_a_declined_sale_shows_why_while_the_card_lies_and_is_ready_afterwards(at: Counter) -> None:
    sale = at.arm(100)
    at.till.refuse(sale, Refused(Code.BALANCE_LOW))
    now = at.sale(sale.sale_id)
    assert show(now, there=True) == Show(Look.DECLINED, ("Not enough balance", "100 sat"))
    assert show(now) == Show(Look.READY, ("100 sat", "Not enough balance"))


def test_a_sale_being_checked_never_looks_free(at: Counter) -> None:
    sale = at.arm(100)
    sales.move(at.db, sale.sale_id, SaleState.AUTHORISING)
    assert show(at.sale(sale.sale_id)).look is Look.READ
    sales.move(at.db, sale.sale_id, SaleState.CHECKING)
    assert show(at.sale(sale.sale_id), after=3_600_000).look is Look.CHECKING


def test_a_cancelled_sale_is_idle(at: Counter) -> None:
    sale = at.arm(100)
    sales.cancel(at.db, sale.sale_id)
    assert show(at.sale(sale.sale_id)) == Show(Look.IDLE)


def test_an_approved_sale_is_idle_when_the_clock_was_set_back(at: Counter) -> None:
    card, sale = at.card(), at.arm(100)
    card.twin.power_on()
    assert isinstance(at.till.presented(Link(card.twin.transceive)), Claimed)
    assert show(at.sale(sale.sale_id), after=-1) == Show(Look.IDLE)


def test_a_sale_that_was_keyed_in_the_currency_says_so_to_the_holder(at: Counter) -> None:
    stores.set_currency(at.db, "main", "EUR")
    rates.put(at.db, Rate("EUR", "60000.00", "fixed", at.clock.now()))
    sale = charge(at.db, at.board, at.till.terminal, Bill((1250,), "EUR"))
    assert isinstance(sale, Sale)
    assert show(sale) == Show(Look.READY, ("12.50 EUR", "ready"))
