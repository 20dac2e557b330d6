"""Reads for screens and reports: pages by key, sums that were kept, nothing that counts rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from host.ledger.days import business_day
from host.ledger.errors import NotFound
from host.ledger.records import PAYOUT_COLUMNS, USAGE_COLUMNS, Payout, PayoutStatus, Usage
from host.ledger.stores import get as get_store
from host.store.tx import Place, Tx

COUNT_CAP: Final = 10_000
"""No list is counted further: `10 000+` (UX rule 10)."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payouts a list shows; None is all. Days are business days, both ends included."""

    status: PayoutStatus | None = None
    card_id: str | None = None
    since_day: str | None = None
    until_day: str | None = None


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one business day of a store came to, by status."""

    day: str
    status: PayoutStatus
    payouts: int
    amount_msat: int
    imported: bool = False
    """Of the history that was taken in from another system (`history`)."""


@dataclass(frozen=True, slots=True)
class CardTotal:
    """What one card really paid in a range of days."""

    boltcard_id: str
    alias: str
    payouts: int
    amount_msat: int


def recent_payouts(
    db: Place,
    store_id: str,
    *,
    before: str | None = None,
    limit: int = 50,
    only: Filter = Filter(),
) -> list[Payout]:
    """Payouts of a store, newest first; `before` the last payout's id for the next page."""
    where, params = _where(store_id, only)
    key = _key(only)
    if before is not None:
        where += f" AND {key} < (SELECT {key[1:-1]} FROM payouts WHERE payout_id = :before)"  # noqa: S608
    first, second = key[1:-1].split(", ")
    sql = (
        f"SELECT {PAYOUT_COLUMNS} FROM payouts WHERE {where}"  # noqa: S608
        f" ORDER BY {first} DESC, {second} DESC LIMIT :limit"
    )
    rows = db.read(lambda tx: tx.all(sql, {**params, "before": before, "limit": limit}))
    return [Payout.of(row) for row in rows]


def each_payout(tx: Tx, store_id: str, only: Filter = Filter()) -> Iterator[Payout]:
    """Every payout of a list, oldest first, one at a time: for exports of any size."""
    where, params = _where(store_id, only)
    key = _key(only)[1:-1]
    sql = f"SELECT {PAYOUT_COLUMNS} FROM payouts WHERE {where} ORDER BY {key}"  # noqa: S608
    return (Payout.of(row) for row in tx.each(sql, params))


def count_payouts(db: Place, store_id: str, only: Filter = Filter()) -> int:
    """How many payouts a list has, counted no further than `COUNT_CAP` + 1."""
    where, params = _where(store_id, only)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM payouts WHERE {where} LIMIT :cap)"  # noqa: S608
    row = db.read(lambda tx: tx.one(sql, {**params, "cap": COUNT_CAP + 1}))
    return int(row[0]) if row else 0


def usage(db: Place, store_id: str | None = None) -> list[Usage]:
    """What every card that ever paid came to, the last used first."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {USAGE_COLUMNS} FROM boltcard_usage"  # noqa: S608
            " WHERE :store_id IS NULL OR store_id = :store_id"
            " ORDER BY last_used DESC, boltcard_id",
            {"store_id": store_id},
        )
    )
    return [Usage.of(row) for row in rows]


def usage_of(db: Place, card_id: str) -> Usage | None:
    """What one card came to; None when it never paid."""
    row = db.read(
        lambda tx: tx.one(
            f"SELECT {USAGE_COLUMNS} FROM boltcard_usage WHERE boltcard_id = :id",  # noqa: S608
            {"id": card_id},
        )
    )
    return Usage.of(row) if row else None


def totals(db: Place, store_id: str, since_day: str, until_day: str) -> list[DayTotal]:
    """Sums of each business day and status in a range, both ends included."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT day, status, sum(payouts), sum(amount) FROM daily_totals"
            " WHERE store_id = :store_id AND day BETWEEN :since AND :until"
            " GROUP BY day, status HAVING sum(payouts) > 0 ORDER BY day, status",
            {"store_id": store_id, "since": since_day, "until": until_day},
        )
    )
    return [DayTotal(row[0], PayoutStatus(row[1]), row[2], row[3]) for row in rows]


def top_cards(
    db: Place, store_id: str, since_day: str, until_day: str, *, limit: int = 10
) -> list[CardTotal]:
    """The cards that paid most in a range of days."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT t.boltcard_id, c.alias, sum(t.payouts), sum(t.amount) AS paid"
            " FROM daily_totals t JOIN cards c ON c.card_id = t.boltcard_id"
            " WHERE t.store_id = :store_id AND t.day BETWEEN :since AND :until"
            " AND t.status = 'Completed'"
            " GROUP BY t.boltcard_id HAVING sum(t.payouts) > 0"
            " ORDER BY paid DESC, t.boltcard_id LIMIT :limit",
            {"store_id": store_id, "since": since_day, "until": until_day, "limit": limit},
        )
    )
    return [CardTotal(*row) for row in rows]


def today(db: Place, store_id: str) -> str:
    """The business day a store is in now."""

    def look(tx: Tx) -> str:
        store = get_store(tx, store_id)
        if store is None:
            raise NotFound(f"store_id: there is no store {store_id}")
        return business_day(tx.now, store.timezone, store.cutoff_hour)

    return db.read(look)


def _key(only: Filter) -> str:
    """What a list is ordered by: the columns of the index that finds it, so nothing is sorted."""
    return "(day, id)" if only.card_id is None else "(created_at, id)"


def _where(store_id: str, only: Filter) -> tuple[str, dict[str, Any]]:
    """Conditions and parameters; texts never come from outside, values are always bound."""
    conditions = {
        "status = :status": only.status,
        "boltcard_id = :card_id": only.card_id,
        "day >= :since": only.since_day,
        "day <= :until": only.until_day,
    }
    chosen = [text for text, value in conditions.items() if value is not None]
    params = {"status": only.status, "card_id": only.card_id}
    params |= {"since": only.since_day, "until": only.until_day, "store_id": store_id}
    if only.status not in (None, PayoutStatus.COMPLETED):
        chosen.append("status <> 'Completed'")  # says which index knows them
    return " AND ".join(["store_id = :store_id", *chosen]), params
