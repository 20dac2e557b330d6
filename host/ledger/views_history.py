"""Payouts of another system as lists: the order and the filters of our own (`views_payouts`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from host.ledger.records import PayoutStatus, typed
from host.ledger.views import COUNT_CAP
from host.ledger.views_payouts import Mark, PayoutList, like
from host.ledger.views_totals import Origin, by_day
from host.store.tx import Place, Row, Tx


@dataclass(frozen=True, slots=True)
class Imported:
    """One payout that another system made: it moved no money of ours."""

    id: int
    payout_id: str
    pull_payment_id: str
    store_id: str
    from_store: str | None
    amount_msat: int
    status: PayoutStatus
    created_at: int
    completed_at: int | None
    boltcard_id: str | None
    boltcard_ntag: str | None
    recipient_address: str | None
    transaction_id: str | None
    error_message: str | None
    metadata: str | None
    day: str
    import_id: str
    alias: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {6: PayoutStatus}))


@dataclass(frozen=True, slots=True)
class PastCard:
    """A card of the other system: its sums as the usage file told them, None without one."""

    boltcard_id: str
    alias: str | None
    boltcard_ntag: str | None
    total_payouts: int | None
    total_amount_msat: int | None
    first_used: int | None
    last_used: int | None


_SELECT: Final = """
    SELECT p.id, p.payout_id, p.pull_payment_id, p.store_id, p.from_store, p.amount, p.status,
        p.created_at, p.completed_at, p.boltcard_id, p.boltcard_ntag, p.recipient_address,
        p.transaction_id, p.error_message, p.metadata, p.day, p.import_id, c.alias
    FROM history_payouts p LEFT JOIN history_cards c
        ON c.store_id = p.store_id AND c.boltcard_id = p.boltcard_id
"""

_BATCH: Final = f"""
    {_SELECT} WHERE {{where}} AND (p.day, p.created_at, p.id) > (:day, :at, :id)
    ORDER BY p.day, p.created_at, p.id LIMIT :size
"""


def any_of(db: Place, store_id: str) -> bool:
    """Whether the store has a history of another system."""
    sql = "SELECT 1 FROM history_imports WHERE store_id = :id LIMIT 1"
    return db.one(sql, {"id": store_id}) is not None


def get(db: Place, store_id: str, payout_id: str) -> Imported | None:
    """The imported payout of this id in a store."""
    sql = f"{_SELECT} WHERE p.store_id = :store_id AND p.payout_id = :id"
    row = db.one(sql, {"store_id": store_id, "id": payout_id})
    return Imported.of(row) if row else None


def mark_of(tx: Tx, which: PayoutList, payout_id: str) -> Mark | None:
    """Where an imported payout stands in a list."""
    found = get(tx, which.store_id, payout_id)
    if found is None:
        return None
    first = found.day if which.cards is None else found.created_at
    return Mark(first, found.created_at, found.id)


def newest(tx: Tx, which: PayoutList, mark: Mark | None, limit: int) -> list[Imported]:
    """Imported payouts after a mark, the newest first."""
    if which.cards is None:
        return _newest(tx, which, None, mark, limit)
    found = [one for card in which.cards for one in _newest(tx, which, card, mark, limit)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]


def count(db: Place, which: PayoutList) -> int:
    """How many imported payouts a list has, counted no further than `COUNT_CAP` + 1."""
    days = by_day(db, replace(which.range(), origin=Origin.IMPORTED))
    every = sum(one.payouts for one in days if which.status in (None, one.status))
    return min(every, COUNT_CAP + 1)


def batches(db: Place, which: PayoutList, *, size: int = 2_000) -> Iterator[list[Imported]]:
    """Every imported payout of a list, oldest first, some at a time."""
    where, params = _where(which, None)
    if which.cards is not None:
        names = {f"card{i}": card for i, card in enumerate(which.cards)}
        where += f" AND p.boltcard_id IN ({', '.join(':' + name for name in names)})"
        params |= names
    sql = _BATCH.format(where=where)
    at: dict[str, Any] = {"day": "", "at": 0, "id": 0, "size": size}
    while True:
        found = [Imported.of(row) for row in _all(db, sql, params | at)]
        if found:
            yield found
        if len(found) < size:
            return
        at |= {"day": found[-1].day, "at": found[-1].created_at, "id": found[-1].id}


def cards_named(db: Place, store_id: str, text: str, *, limit: int) -> list[tuple[str, str]]:
    """Imported cards whose id or UID begins with a text, or whose alias has it: (id, alias)."""
    sql = (
        "SELECT boltcard_id, coalesce(alias, '') FROM history_cards WHERE store_id = :store_id"
        " AND (boltcard_id LIKE :start ESCAPE '!' OR boltcard_ntag LIKE :start ESCAPE '!'"
        " OR alias LIKE :part ESCAPE '!') ORDER BY boltcard_id LIMIT :limit"
    )
    row = {"store_id": store_id, "start": f"{like(text)}%", "part": f"%{like(text)}%"}
    return [(one[0], one[1]) for one in _all(db, sql, row | {"limit": limit})]


def cards(db: Place, store_id: str, *, limit: int = 100) -> list[PastCard]:
    """The cards of the other system, the last used first."""
    sql = (
        "SELECT boltcard_id, alias, boltcard_ntag, total_payouts, total_amount, first_used,"
        " last_used FROM history_cards WHERE store_id = :store_id"
        " ORDER BY last_used DESC, boltcard_id LIMIT :limit"
    )
    return [PastCard(*row) for row in _all(db, sql, {"store_id": store_id, "limit": limit})]


def _newest(
    tx: Tx, which: PayoutList, card: str | None, mark: Mark | None, limit: int
) -> list[Imported]:
    where, params = _where(which, card)
    order = "p.created_at DESC, p.id DESC"
    place = "(p.created_at, p.id) < (:at, :id)"
    if card is None:
        order, place = f"p.day DESC, {order}", "(p.day, p.created_at, p.id) < (:first, :at, :id)"
    if mark is None:
        place = "1 = 1"
    else:
        params |= {"first": mark.first, "at": mark.created_at, "id": mark.id}
    sql = f"{_SELECT} WHERE {where} AND {place} ORDER BY {order} LIMIT :limit"
    return [Imported.of(row) for row in tx.all(sql, params | {"limit": limit})]


def _where(which: PayoutList, card: str | None) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {
        "store_id": which.store_id,
        "since": which.since_day,
        "until": which.until_day,
        "status": which.status,
        "card": card,
    }
    chosen = ["p.store_id = :store_id", "p.day BETWEEN :since AND :until"]
    chosen += ["p.status = :status"] if which.status is not None else []
    chosen += ["p.boltcard_id = :card"] if card is not None else []
    return " AND ".join(chosen), params


def _all(db: Place, sql: str, params: dict[str, Any]) -> list[Row]:
    return db.read(lambda tx: tx.all(sql, params))
