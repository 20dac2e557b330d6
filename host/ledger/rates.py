"""The rate of the store's currency, as a row: every screen and every sale sees the same one.

A rate is decimal text, units of the currency for one bitcoin. It is kept with every sale (its own
columns), with its source and its time (UX rule 7); amounts themselves stay millisatoshi.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from host.ledger.errors import LedgerError
from host.money import MSAT_PER_BTC
from host.store.tx import Place

NO_CURRENCY: Final = "SATS"
"""The currency of a store that counts in satoshi alone: it needs no rate."""

_WHOLE_UNITS: Final = frozenset({"JPY", "KRW", "CLP", "VND", "ISK", "XAF", "XOF", "UGX", "RWF"})
_MOST: Final = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Rate:
    """What one bitcoin costs, who said so, and until when that is good. Times are epoch ms."""

    currency: str
    rate: str
    source: str
    at: int
    stale_at: int | None = None
    """From then on it is shown with a warning; None is never."""
    void_at: int | None = None
    """From then on no sale starts; None is never."""

    def is_stale(self, now: int) -> bool:
        return self.stale_at is not None and now >= self.stale_at

    def is_void(self, now: int) -> bool:
        return self.void_at is not None and now >= self.void_at


def parse(text: object) -> str:
    """The text of a rate above zero; raises `LedgerError`."""
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        raise LedgerError("rate: must be a number") from None
    if not value.is_finite() or not 0 < value < _MOST:
        raise LedgerError("rate: must be above zero, and no astronomic number")
    return f"{value.quantize(Decimal('0.01')):f}" if value >= 1 else f"{value:f}"


def put(db: Place, rate: Rate) -> None:
    """Keep the newest rate of a currency."""
    row = {
        "currency": rate.currency,
        "rate": rate.rate,
        "source": rate.source,
        "at": rate.at,
        "stale_at": rate.stale_at,
        "void_at": rate.void_at,
    }
    db.transaction(
        lambda tx: tx.run(
            "INSERT OR REPLACE INTO rates (currency, rate, source, at, stale_at, void_at)"
            " VALUES (:currency, :rate, :source, :at, :stale_at, :void_at)",
            row,
        )
    )


def forget(db: Place) -> None:
    """No rate is known any more: sales are in satoshi alone."""
    db.transaction(lambda tx: tx.run("DELETE FROM rates"))


def of_store(db: Place, store_id: str) -> Rate | None:
    """The rate of a store's currency, however old it is."""
    sql = (
        "SELECT r.currency, r.rate, r.source, r.at, r.stale_at, r.void_at"
        " FROM stores s JOIN rates r ON r.currency = s.currency WHERE s.store_id = :id"
    )
    row = db.read(lambda tx: tx.one(sql, {"id": store_id}))
    return Rate(*row) if row else None


def minor_unit(currency: str) -> Decimal:
    """The smallest unit of a currency, in whole ones: a cent, or one yen."""
    return Decimal(1) if currency in _WHOLE_UNITS or currency == NO_CURRENCY else Decimal("0.01")


def worth(amount_msat: int, rate: str, currency: str) -> Decimal:
    """An amount at a rate, rounded to the currency's smallest unit, as a receipt shows it."""
    exact = Decimal(amount_msat) * Decimal(rate) / MSAT_PER_BTC
    return exact.quantize(minor_unit(currency), ROUND_HALF_UP)


def fiat_text(amount_msat: int, rate: str, currency: str) -> str:
    """An amount in the store's currency, rounded for people: `1.23 EUR`. Never counted with."""
    value = worth(amount_msat, rate, currency)
    return f"{value:,f} {currency}".replace(",", " ")
