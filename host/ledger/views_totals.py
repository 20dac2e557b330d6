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
_OF_STORE: Final = {Origin.HERE: "store_days", Origin.IMPORTED: "history_days"}
"""Where the sums of all cards of a day are."""


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
        tables = _OF_STORE if which.cards is None else _TABLES
        for origin, table in _tables(which, tables):
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


def days_known(db: Place, store_id: str) -> tuple[str, str] | None:
    """The first and the last day with a payout, ours or imported; None where there is none."""
    ends = " UNION ALL ".join(
        f"SELECT {end}(day) AS day FROM {table} WHERE store_id = :store_id"  # noqa: S608
        for table in _OF_STORE.values()
        for end in ("min", "max")
    )
    row = db.one(f"SELECT min(day), max(day) FROM ({ends})", {"store_id": store_id})  # noqa: S608
    return (row[0], row[1]) if row is not None and row[0] is not None else None


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


def _tables(which: Range, tables: dict[Origin, str]) -> list[tuple[Origin, str]]:
    return [pair for pair in tables.items() if which.origin in (None, pair[0])]


def _of_cards(which: Range) -> tuple[str, dict[str, Any]]:
    """The rows of a range that a card stands behind: whole months are one row a card."""
    where, params = _where(which)
    sources = dict(_tables(which, _TABLES))
    found = [(table, where) for table in sources.values()]
    months = _months(which)
    if months is not None and which.cards is None and Origin.HERE in sources:
        first, last = months
        params |= {"first": first[:7], "last": last[:7]}
        params |= {"head": _day(first, -1), "tail": _day(_month_after(last), 0)}
        of_store = "store_id = :store_id"
        found.remove(("daily_totals", where))
        found += [
            ("card_months", f"{of_store} AND month BETWEEN :first AND :last"),
            ("daily_totals", f"{of_store} AND day BETWEEN :since AND :head"),
            ("daily_totals", f"{of_store} AND day BETWEEN :tail AND :until"),
        ]
    columns = "boltcard_id, status, payouts, amount"
    parts = [
        f"SELECT {columns} FROM {table} WHERE {which_rows} AND payouts > 0 AND boltcard_id <> ''"  # noqa: S608
        for table, which_rows in found
    ]
    return " UNION ALL ".join(parts), params


def _months(which: Range) -> tuple[str, str] | None:
    """The first days of the first and the last month that are whole in a range."""
    first = which.since_day
    if not first.endswith("-01"):
        first = _month_after(first)
    last = f"{_day(which.until_day, 1)[:7]}-01"
    last = f"{_day(last, -1)[:7]}-01"
    return (first, last) if first <= last else None


def _month_after(day: str) -> str:
    """The first day of the next month."""
    return f"{_day(f'{day[:7]}-28', 4)[:7]}-01"


def _day(day: str, later: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=later)).isoformat()


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
