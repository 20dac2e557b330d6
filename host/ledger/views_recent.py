"""What a till shows of the sales behind it: the last payments, today's sum, and finding one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from host.clock import DAY
from host.ledger import days
from host.ledger.rates import minor_unit
from host.ledger.records import SALE_COLUMNS, Sale, Store
from host.money import MAX_MSAT, MSAT_PER_BTC, MSAT_PER_SAT
from host.store.tx import Place, Tx

FOUND_MS: Final = 90 * DAY
"""How far back is looked: what a customer brings back is younger."""

_PAYMENTS: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE terminal_id = :terminal_id
    AND (settled_at IS NOT NULL OR state IN ('authorising', 'checking'))
    ORDER BY sale_id DESC LIMIT :limit
"""  # noqa: S608

_TODAY: Final = """
    SELECT count(*), coalesce(sum(amount_msat), 0), coalesce(sum(tip_msat), 0) FROM sales
    WHERE terminal_id = :terminal_id AND settled_at >= :since
"""

_BACK: Final = """
    SELECT coalesce(sum(e.available_msat), 0) FROM entries e
    JOIN payouts p ON p.payout_id = e.payout_id JOIN sales s ON s.sale_id = p.sale_id
    WHERE e.entry_id >= :first AND e.kind = 'refund' AND e.at >= :since
        AND s.terminal_id = :terminal_id
"""
"""Ids begin with their time: only the day's entries are looked at."""

FITS: Final = """(
    amount_msat = :amount_msat OR fiat IN (:keyed, :whole)
    OR abs(amount_msat * CAST(rate AS REAL) / :btc - :fiat) < :near OR sale_id LIKE :number)
"""
"""Whether a sale is what somebody looks for, with the values of `Wanted.params`."""

_FIND: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE store_id = :store_id AND settled_at >= :since AND {FITS}
    ORDER BY settled_at DESC, sale_id DESC LIMIT :limit
"""  # noqa: S608

_NUMBER: Final = re.compile(r"[0-9a-f]{5}-?[0-9a-f]{5}|[0-9a-f]{21}", re.ASCII)
_AMOUNT: Final = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,8}))?", re.ASCII)
_UNITS: Final = re.compile(r"[\s\u00a0\u202f€$£¥₿]|sats?\b|[a-z]{3}\b")


@dataclass(frozen=True, slots=True)
class Today:
    """What a terminal took since its business day began; refunds are of any day's sales."""

    payments: int
    amount_msat: int
    tip_msat: int
    refunded_msat: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for: an amount in sats or in the currency, or a receipt's number."""

    amount_msat: int | None = None
    fiat: Decimal | None = None
    number: str = ""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """`2100`, `12,50 €` or `8F3A2-1C0D4`; None for what is none of them."""
        typed = text.strip().lower()
        number = typed.replace("-", "") if _NUMBER.fullmatch(typed) else ""
        match = _AMOUNT.fullmatch(_UNITS.sub("", typed))
        if match is None:
            return cls(number=number) if number else None
        whole, decimals = match[1], match[2]
        amount_msat = None if decimals is not None else int(whole) * MSAT_PER_SAT
        if amount_msat is not None and amount_msat > MAX_MSAT:
            amount_msat = None
        return cls(amount_msat, Decimal(f"{whole}.{decimals or 0}"), number)

    def params(self, currency: str) -> dict[str, Any]:
        """What `FITS` names; what was keyed in counts as it was."""
        unit, fiat = minor_unit(currency), self.fiat
        return {
            "amount_msat": self.amount_msat,
            "keyed": f"{fiat.quantize(unit):f}" if fiat is not None else None,
            "whole": f"{fiat.normalize():f}" if fiat is not None else None,
            "fiat": float(fiat) if fiat is not None else None,
            "near": float(unit) / 2,
            "btc": float(MSAT_PER_BTC),
            "number": f"%{self.number}" if self.number else None,
        }


def payments(db: Place, terminal_id: str, *, limit: int = 10) -> list[Sale]:
    """The newest sales of a terminal that were paid, or may have been, newest first."""
    rows = db.read(lambda tx: tx.all(_PAYMENTS, {"terminal_id": terminal_id, "limit": limit}))
    return [Sale.of(row) for row in rows]


def today(db: Place, terminal_id: str, store: Store) -> Today:
    """What a terminal took on the store's business day that is now."""
    day = days.business_day(db.now, store.timezone, store.cutoff_hour)
    since = days.begin_of(day, store.timezone, store.cutoff_hour)
    params = {"terminal_id": terminal_id, "since": since, "first": f"{since:011x}"}

    def count(tx: Tx) -> Today:
        ((number, amount, tips),) = tx.all(_TODAY, params)
        ((back,),) = tx.all(_BACK, params)
        return Today(number, amount, tips, back)

    return db.read(count)


def find(db: Place, store: Store, wanted: Wanted, *, limit: int = 20) -> list[Sale]:
    """Paid sales of a store that fit, newest first."""
    scope = {"store_id": store.store_id, "since": db.now - FOUND_MS, "limit": limit}
    params = wanted.params(store.currency) | scope
    return [Sale.of(row) for row in db.read(lambda tx: tx.all(_FIND, params))]
