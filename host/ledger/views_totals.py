"""Sums of a range of days, from the totals kept beside the payouts: no payout is ever counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from host.ledger.records import PayoutStatus
from host.ledger.views import CardTotal, DayTotal
from host.store.tx import Place, Tx


@dataclass(frozen=True, slots=True)
class Range:
    """Business days of a store, both ends included; `cards` None is every card."""

    store_id: str
    since_day: str
    until_day: str
    cards: tuple[str, ...] | None = None

    def days(self) -> list[str]:
        """Every day of the range, in order."""
        first = date.fromisoformat(self.since_day)
        length = (date.fromisoformat(self.until_day) - first).days + 1
        return [(first + timedelta(days=n)).isoformat() for n in range(length)]


def by_day(db: Place, which: Range) -> list[DayTotal]:
    """What every day came to, by status."""
    where, params = _where(which)
    sql = (
        "SELECT day, status, sum(payouts), sum(amount) FROM daily_totals"  # noqa: S608
        f" WHERE {where} GROUP BY day, status HAVING sum(payouts) > 0 ORDER BY day, status"
    )
    rows = db.read(lambda tx: tx.all(sql, params))
    return [DayTotal(row[0], PayoutStatus(row[1]), row[2], row[3]) for row in rows]


def active_cards(db: Place, which: Range) -> int:
    """How many cards paid, or are paying, in a range."""
    where, params = _where(which)
    sql = (
        "SELECT count(DISTINCT boltcard_id) FROM daily_totals"  # noqa: S608
        f" WHERE {where} AND payouts > 0 AND status IN ('Completed', 'Pending', 'Processing')"
    )

    def look(tx: Tx) -> int:
        row = tx.one(sql, params)
        return int(row[0]) if row else 0

    return db.read(look)


def top_cards(db: Place, which: Range, *, limit: int = 8) -> list[CardTotal]:
    """The cards that paid most in a range."""
    where, params = _where(which)
    sql = (
        "SELECT t.boltcard_id, c.alias, t.payouts, t.amount FROM"  # noqa: S608
        " (SELECT boltcard_id, sum(payouts) AS payouts, sum(amount) AS amount"
        f" FROM daily_totals WHERE {where} AND status = 'Completed' AND payouts > 0"
        " GROUP BY boltcard_id ORDER BY amount DESC, boltcard_id LIMIT :limit) t"
        " JOIN cards c ON c.card_id = t.boltcard_id ORDER BY t.amount DESC, t.boltcard_id"
    )
    rows = db.read(lambda tx: tx.all(sql, params | {"limit": limit}))
    return [CardTotal(*row) for row in rows]


def _where(which: Range) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {
        "store_id": which.store_id,
        "since": which.since_day,
        "until": which.until_day,
    }
    if which.cards is None:
        return "store_id = :store_id AND day BETWEEN :since AND :until", params
    # Day by day and card by card: seeks in the primary key, whatever other cards did.
    days, day_names = _names("day", which.days())
    cards, card_names = _names("card", which.cards)
    params |= days | cards
    where = f"store_id = :store_id AND day IN ({day_names}) AND boltcard_id IN ({card_names})"
    return where, params


def _names(name: str, values: Sequence[str]) -> tuple[dict[str, str], str]:
    """Named parameters for a list of values, and the list that names them."""
    named = {f"{name}{i}": value for i, value in enumerate(values)}
    return named, ", ".join(f":{one}" for one in named)
