"""Sums of a range of days, from the totals kept beside the payouts: no payout is ever counted.

What another system paid before (`history`) is summed with ours, unless a range wants one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from host.ledger.records import PayoutStatus
from host.ledger.views import CardTotal, DayTotal
from host.store.tx import Place, Tx


class Origin(StrEnum):
    """Where a payout was made: in this ledger, or in another system before."""

    HERE = "here"
    IMPORTED = "imported"


_TABLES: Final = {Origin.HERE: "daily_totals", Origin.IMPORTED: "history_days"}


@dataclass(frozen=True, slots=True)
class Range:
    """Business days of a store, both ends included; None is every card, and both origins."""

    store_id: str
    since_day: str
    until_day: str
    cards: tuple[str, ...] | None = None
    origin: Origin | None = None

    def days(self) -> list[str]:
        """Every day of the range, in order."""
        first = date.fromisoformat(self.since_day)
        length = (date.fromisoformat(self.until_day) - first).days + 1
        return [(first + timedelta(days=n)).isoformat() for n in range(length)]


def by_day(db: Place, which: Range) -> list[DayTotal]:
    """What every day came to, by status, ours and imported apart."""
    where, params = _where(which)

    def look(tx: Tx) -> list[DayTotal]:
        found = []
        for origin, table in _tables(which):
            sql = (
                f"SELECT day, status, sum(payouts), sum(amount) FROM {table}"  # noqa: S608
                f" WHERE {where} GROUP BY day, status HAVING sum(payouts) > 0 ORDER BY day, status"
            )
            imported = origin is Origin.IMPORTED
            found += [
                DayTotal(day, PayoutStatus(status), payouts, amount, imported)
                for day, status, payouts, amount in tx.all(sql, params)
            ]
        return found

    return db.read(look)


def active_cards(db: Place, which: Range) -> int:
    """How many cards paid, or are paying, in a range."""
    source, params = _of_cards(which)
    sql = (
        f"SELECT count(DISTINCT boltcard_id) FROM ({source})"  # noqa: S608
        " WHERE status IN ('Completed', 'Pending', 'Processing')"
    )
    row = db.one(sql, params)
    return int(row[0]) if row else 0


def top_cards(db: Place, which: Range, *, limit: int = 8) -> list[CardTotal]:
    """The cards that paid most in a range."""
    source, params = _of_cards(which)
    sql = (
        "SELECT t.boltcard_id, coalesce(c.alias, h.alias, ''), t.payouts, t.amount FROM"  # noqa: S608
        " (SELECT boltcard_id, sum(payouts) AS payouts, sum(amount) AS amount"
        f" FROM ({source}) WHERE status = 'Completed'"
        " GROUP BY boltcard_id ORDER BY amount DESC, boltcard_id LIMIT :limit) t"
        " LEFT JOIN cards c ON c.card_id = t.boltcard_id LEFT JOIN history_cards h"
        " ON h.store_id = :store_id AND h.boltcard_id = t.boltcard_id"
        " ORDER BY t.amount DESC, t.boltcard_id"
    )
    rows = db.read(lambda tx: tx.all(sql, params | {"limit": limit}))
    return [CardTotal(*row) for row in rows]


def _tables(which: Range) -> list[tuple[Origin, str]]:
    return [pair for pair in _TABLES.items() if which.origin in (None, pair[0])]


def _of_cards(which: Range) -> tuple[str, dict[str, Any]]:
    """The rows of a range that a card stands behind, of one table or both."""
    where, params = _where(which)
    columns = "boltcard_id, status, payouts, amount"
    parts = [
        f"SELECT {columns} FROM {table} WHERE {where} AND payouts > 0 AND boltcard_id <> ''"  # noqa: S608
        for _, table in _tables(which)
    ]
    return " UNION ALL ".join(parts), params


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
