"""From what was keyed in to a sale: units, rounding, tips, notes, and the rate that was used."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.clock import MINUTE
from host.ledger import bills, rates, sales, settings, stores
from host.ledger.bills import LARGEST, Bill, decimals, msat_of, units_text
from host.ledger.codes import Code, Refused
from host.ledger.rates import Rate
from host.ledger.records import Sale
from host.ledger.tips import TIPS, Tips
from host.money import MSAT_PER_BTC, sats
from tests.support.books import STORE, Shop, code

EUR = Rate("EUR", "60000.00", "fixed", 0)


def euros(here: Shop, **more: int) -> None:
    stores.set_currency(here.db, STORE, "EUR")
    rates.put(here.db, Rate("EUR", "60000.00", "example", here.clock.now(), **more))


def charge(here: Shop, bill: Bill) -> Sale | Refused:
    stores.ensure_terminal(here.db, "t", STORE)
    return bills.charge(here.db, STORE, "t", bill)


def charged(here: Shop, bill: Bill) -> Sale:
    sale = charge(here, bill)
    assert isinstance(sale, Sale), sale
    return sale


def test_one_line_in_satoshi_is_a_sale_of_that_amount(here: Shop) -> None:
    sale = charged(here, Bill((2100,)))
    assert (sale.amount_msat, sale.fiat, sale.data) == (sats(2100), None, {})


def test_lines_tip_and_note_are_kept_and_the_tip_is_within_the_amount(here: Shop) -> None:
    settings.put(here.db, STORE, TIPS, Tips(on=True))
    sale = charged(here, Bill((1800, 300), tip=210, note="Table 4"))
    assert (sale.amount_msat, sale.tip_msat, sale.note) == (sats(2310), sats(210), "Table 4")
    assert sale.data == {"lines": ["1800", "300"]}


def test_a_bill_in_the_currency_is_converted_once_at_the_rate_that_is_kept(here: Shop) -> None:
    euros(here)
    settings.put(here.db, STORE, TIPS, Tips(on=True))
    sale = charged(here, Bill((1250, 333), "EUR", tip=158))
    assert (sale.fiat, sale.data["lines"]) == ("17.41", ["12.50", "3.33"])
    assert sale.amount_msat == sats(29_017)  # 17.41 / 60000 BTC is 29016.67 sats
    assert sale.tip_msat == sats(2_633)  # 1.58 / 60000 BTC is 2633.33 sats
    assert (sale.rate, sale.rate_source, sale.currency) == ("60000.00", "example", "EUR")


@pytest.mark.parametrize(
    ("units", "rate", "sat"),
    [
        (1, Rate("EUR", "60000.00", "f", 0), 17),  # 16.67
        (3, Rate("EUR", "2000000.00", "f", 0), 2),  # 1.5: halves up
        (1, Rate("EUR", "2000000.00", "f", 0), 1),  # 0.5: halves up
        (1, Rate("EUR", "3000000.00", "f", 0), 0),  # 0.33: nothing is left of it
        (100, Rate("JPY", "10000000.00", "f", 0), 1_000),
    ],
)
def test_the_nearest_whole_satoshi_is_charged_halves_up(units: int, rate: Rate, sat: int) -> None:
    assert msat_of(units, rate) == sats(sat)


@given(
    st.integers(1, LARGEST),
    st.decimals("0.01", "100000000", places=2, allow_nan=False),
    st.sampled_from(["EUR", "JPY"]),
)
def test_a_conversion_is_never_off_by_more_than_half_a_satoshi(
    units: int, rate: Decimal, currency: str
) -> None:
    exact = Decimal(units) * rates.minor_unit(currency) / rate * MSAT_PER_BTC
    made = msat_of(units, Rate(currency, f"{rate:f}", "f", 0))
    assert made % 1_000 == 0
    assert abs(Decimal(made) - exact) <= Decimal(500) + exact * Decimal("1e-25")


@given(st.integers(0, LARGEST), st.sampled_from(["EUR", "JPY"]))
def test_units_are_told_as_the_decimal_text_that_was_keyed_in(units: int, currency: str) -> None:
    text = units_text(units, currency)
    assert Decimal(text) == units * rates.minor_unit(currency)
    assert len(text.partition(".")[2]) == decimals(currency)


def test_an_amount_that_is_worth_no_satoshi_is_refused(here: Shop) -> None:
    stores.set_currency(here.db, STORE, "EUR")
    rates.put(here.db, Rate("EUR", "3000000.00", "example", 0))
    assert code(charge(here, Bill((1,), "EUR"))) is Code.AMOUNT_INVALID


def test_a_currency_without_a_rate_or_with_a_void_one_is_refused(here: Shop) -> None:
    stores.set_currency(here.db, STORE, "EUR")
    assert code(charge(here, Bill((100,), "EUR"))) is Code.RATE_STALE
    euros(here, void_at=here.clock.now() + MINUTE)
    assert isinstance(charge(here, Bill((100,), "EUR")), Sale)
    here.clock.advance(MINUTE)
    for unit in ("EUR", "SATS"):
        assert code(charge(here, Bill((100,), unit))) is Code.RATE_STALE


def test_a_stale_rate_is_good_enough(here: Shop) -> None:
    euros(here, stale_at=here.clock.now())
    assert isinstance(charge(here, Bill((100,), "EUR")), Sale)


def test_another_currency_than_the_stores_is_refused(here: Shop) -> None:
    euros(here)
    assert charge(here, Bill((100,), "USD")) == Refused(Code.AMOUNT_INVALID, {"field": "unit"})


@pytest.mark.parametrize(
    ("bill", "field"),
    [
        (Bill(()), "lines"),
        (Bill((1,) * 101), "lines"),
        (Bill((5, 0)), "lines"),
        (Bill((5, -1)), "lines"),
        (Bill((LARGEST + 1,)), "lines"),
        (Bill((5,), tip=-1), "tip"),
        (Bill((5,), tip=1), "tip"),
        (Bill((5,), note="x" * 201), "note"),
        (Bill((5,), note="a\nb"), "note"),
    ],
)
def test_what_makes_no_sense_names_its_field_and_arms_nothing(
    here: Shop, bill: Bill, field: str
) -> None:
    assert charge(here, bill) == Refused(Code.AMOUNT_INVALID, {"field": field})
    assert sales.latest(here.db, "t") is None
