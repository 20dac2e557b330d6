"""Every movement of money of a store, for accountants, in the order of their ids, which is time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from host.store.tx import Place, Row

COLUMNS: Final = (
    "e.entry_id, e.at, e.kind, e.available_msat, e.held_msat, e.pull_payment_id, a.name,"
    " e.payout_id, e.card_id, c.alias, e.reason, e.person_id"
)

_BATCH: Final = f"""
    SELECT {COLUMNS} FROM entries e
    JOIN pull_payments a ON a.pull_payment_id = e.pull_payment_id
    LEFT JOIN cards c ON c.card_id = e.card_id
    WHERE e.entry_id > :after AND a.store_id = :store_id AND e.at >= :since AND e.at < :until
    ORDER BY e.entry_id LIMIT :size
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Movements:
    """Which movements: of a store, from `since` until before `until` (epoch ms)."""

    store_id: str
    since: int
    until: int


def batches(db: Place, which: Movements, *, size: int = 2_000) -> Iterator[list[Row]]:
    """Rows of `COLUMNS`, some at a time; each batch is a read of its own."""
    after = ""
    while True:
        rows = _batch(db, which, after, size)
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1]["entry_id"]


def _batch(db: Place, which: Movements, after: str, size: int) -> list[Row]:
    params: dict[str, Any] = {
        "after": after,
        "store_id": which.store_id,
        "since": which.since,
        "until": which.until,
        "size": size,
    }
    return db.read(lambda tx: tx.all(_BATCH, params))
