"""What was keyed in at a till, and how it becomes a sale: lines, tip, note, in one unit.

The unit is satoshi, or the store's currency; then an amount counts the currency's smallest unit
(cents, or whole yen). The whole bill, tip included, is converted once, at the rate that is kept
with the sale, to the nearest whole satoshi, halves up; its tip likewise. Parts that were rounded
one by one are never added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from host.ledger import rates, sales, settings, stores
from host.ledger.codes import Code, Refused
from host.ledger.rates import NO_CURRENCY, Rate
from host.ledger.records import Sale
from host.ledger.sales import MAX_NOTE, TIMEOUT_MS, Basket
from host.ledger.tips import TIPS
from host.money import SAT_PER_BTC, sats
from host.store.tx import Place, Tx

MOST_LINES: Final = 100
LARGEST: Final = 10**12
"""No line is larger, in any unit: what is above it was not meant."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What was keyed in: whole satoshi, or the smallest units of `unit`."""

    lines: tuple[int, ...]
    unit: str = NO_CURRENCY
    tip: int = 0
    note: str = ""

    @property
    def total(self) -> int:
        """All that is charged, the tip within it."""
        return sum(self.lines) + self.tip

    @property
    def fault(self) -> str | None:
        """The field that makes no sense, or None."""
        if not 0 < len(self.lines) <= MOST_LINES:
            return "lines"
        if not all(0 < line <= LARGEST for line in self.lines):
            return "lines"
        if not 0 <= self.tip <= LARGEST:
            return "tip"
        fits = len(self.note) <= MAX_NOTE and (self.note.isprintable() or not self.note)
        return None if fits else "note"


def charge(
    db: Place,
    store_id: str,
    terminal_id: str,
    bill: Bill,
    *,
    person_id: str | None = None,
    timeout_ms: int = TIMEOUT_MS,
) -> Sale | Refused:
    """Make a sale of a bill and arm its terminal, as `sales.open`.

    Refused besides: `rate_stale` where its currency has no rate that may be used, `amount_invalid`
    with the `field` that makes no sense, a tip that this store does not take among them.
    """
    if (field := bill.fault) is not None:
        return Refused(Code.AMOUNT_INVALID, {"field": field})

    def ring_up(tx: Tx) -> Sale | Refused:
        if bill.tip and not settings.get(tx, store_id, TIPS).on:
            return Refused(Code.AMOUNT_INVALID, {"field": "tip"})
        priced = _priced(tx, store_id, bill, person_id)
        if isinstance(priced, Refused):
            return priced
        amount_msat, basket = priced
        return sales.open(
            tx,
            store_id,
            amount_msat,
            terminal_id=terminal_id,
            timeout_ms=timeout_ms,
            basket=basket,
        )

    return db.transaction(ring_up)


def _priced(
    tx: Tx, store_id: str, bill: Bill, person_id: str | None
) -> tuple[int, Basket] | Refused:
    """What is charged in msat, and what is kept beside it."""
    if bill.unit == NO_CURRENCY:
        lines = tuple(map(str, bill.lines)) if len(bill.lines) > 1 else ()
        basket = Basket(sats(bill.tip), bill.note, lines, person_id=person_id)
        return sats(bill.total), basket
    store, rate = stores.get(tx, store_id), rates.of_store(tx, store_id)
    if store is None or store.currency != bill.unit:  # it changed since the page was loaded
        return Refused(Code.AMOUNT_INVALID, {"field": "unit"})
    if rate is None or rate.is_void(tx.now):
        return Refused(Code.RATE_STALE)
    lines = tuple(units_text(line, bill.unit) for line in bill.lines)
    fiat = units_text(bill.total, bill.unit)
    tip_msat = msat_of(bill.tip, rate)
    return msat_of(bill.total, rate), Basket(tip_msat, bill.note, lines, fiat, person_id)


def decimals(currency: str) -> int:
    """How many decimals the currency has: 2 for EUR, 0 for JPY."""
    return len(f"{rates.minor_unit(currency)}".partition(".")[2])


def units_text(units: int, currency: str) -> str:
    """An amount of the currency's smallest units as decimal text: 1250 is `12.50` in EUR."""
    return f"{Decimal(units).scaleb(-decimals(currency)):f}"


def msat_of(units: int, rate: Rate) -> int:
    """What an amount of the currency's smallest units is worth, rounded as said above, in msat."""
    worth = Fraction(rates.minor_unit(rate.currency)) * units / Fraction(rate.rate) * SAT_PER_BTC
    return sats(int(worth + Fraction(1, 2)))
