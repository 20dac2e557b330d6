"""Payouts as lists and as files: by store, days, status and cards; paged by key, never by offset.

A list without cards is ordered by (day, id), one of cards by (created_at, id): the orders of the
indexes that find them, so a page costs the same wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from host.clock import DAY
from host.ledger.records import ENTRY_COLUMNS, PAYOUT_COLUMNS, Entry, Payout, PayoutStatus
from host.ledger.views import COUNT_CAP
from host.store.tx import Place, Row, Tx

MAX_CARDS: Final = 20
"""A name may stand for so many cards at most; a page looks at each of them by itself."""

_SLACK_MS: Final = 2 * DAY
"""A business day is within this of the UTC day of the same name: zone and cut-off together."""


@dataclass(frozen=True, slots=True)
class PayoutList:
    """Which payouts: business days, both ends included; `cards` None is every card."""

    store_id: str
    since_day: str
    until_day: str
    status: PayoutStatus | None = None
    cards: tuple[str, ...] | None = None


def page(
    db: Place, which: PayoutList, *, before: str | None = None, limit: int = 50
) -> list[Payout]:
    """Payouts, newest first; `before` the last payout's id for the page after it."""

    def look(tx: Tx) -> list[Payout]:
        if which.cards is None:
            return _newest(tx, which, None, before, limit)
        found = [
            payout for card in which.cards for payout in _newest(tx, which, card, before, limit)
        ]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]

    return db.read(look)


def count(db: Place, which: PayoutList) -> int:
    """How many payouts a list has, counted no further than `COUNT_CAP` + 1 (UX rule 10)."""

    def look(tx: Tx) -> int:
        found = 0
        for card in which.cards if which.cards is not None else (None,):
            where, params = _where(which, card)
            sql = f"SELECT count(*) FROM (SELECT 1 FROM payouts WHERE {where} LIMIT :cap)"  # noqa: S608
            row = tx.one(sql, params | {"cap": COUNT_CAP + 1 - found})
            found += int(row[0]) if row else 0
        return found

    return db.read(look)


EXPORT_COLUMNS: Final = (
    "p.day, p.id, p.created_at, p.completed_at, p.payout_id, p.status, p.amount, p.fee_msat,"
    " p.boltcard_id, p.boltcard_ntag, c.alias, p.counter, p.pull_payment_id, p.route,"
    " p.transaction_id, p.recipient_address, p.error_message"
)
"""What a file says of a payout: no preimage, and nothing that is kept for the machine only."""

_BATCH: Final = f"""
    SELECT {EXPORT_COLUMNS} FROM payouts p JOIN cards c ON c.card_id = p.boltcard_id
    WHERE {{where}} AND (p.day, p.id) > (:day, :id) AND p.id <= :last
    ORDER BY p.day, p.id LIMIT :size
"""  # noqa: S608


def batches(db: Place, which: PayoutList, *, size: int = 2_000) -> Iterator[list[Row]]:
    """Every payout of a list, oldest first, as rows of `EXPORT_COLUMNS`, some at a time.

    Each batch is a read of its own, so a slow download holds nothing up; what is made after the
    start is not in it.
    """
    newest = db.read(lambda tx: tx.one("SELECT max(id) FROM payouts"))
    where, params = _where_of_all(which)
    sql = _BATCH.format(where=where)
    at = {"day": "", "id": 0, "last": (newest[0] if newest else None) or 0, "size": size}
    while True:
        rows = _all(db, sql, params | at)
        if rows:
            yield rows
        if len(rows) < size:
            return
        at |= {"day": rows[-1]["day"], "id": rows[-1]["id"]}


def cards_named(
    db: Place, store_id: str, text: str, *, limit: int = MAX_CARDS + 1
) -> list[tuple[str, str]]:
    """Cards whose id or UID begins with a text, or whose alias contains it: (id, alias)."""
    row = {
        "store_id": store_id,
        "start": like(text.lower().replace(" ", "").replace(":", "")) + "%",
        "part": f"%{like(text)}%",
        "limit": limit,
    }
    rows = db.read(
        lambda tx: tx.all(
            "SELECT card_id, alias FROM cards WHERE store_id = :store_id"
            " AND (card_id LIKE :start ESCAPE '!' OR uid LIKE :start ESCAPE '!'"
            " OR alias LIKE :part ESCAPE '!') ORDER BY created_at, card_id LIMIT :limit",
            row,
        )
    )
    return [(one["card_id"], one["alias"]) for one in rows]


def _all(db: Place, sql: str, params: dict[str, Any]) -> list[Row]:
    return db.read(lambda tx: tx.all(sql, params))


def _newest(
    tx: Tx, which: PayoutList, card: str | None, before: str | None, limit: int
) -> list[Payout]:
    where, params = _where(which, card)
    first = "day" if card is None else "created_at"
    if before is not None:
        where += (
            f" AND ({first}, id) < (SELECT {first}, id FROM payouts"  # noqa: S608
            " WHERE payout_id = :before AND store_id = :store_id)"
        )
    sql = (
        f"SELECT {PAYOUT_COLUMNS} FROM payouts WHERE {where}"  # noqa: S608
        f" ORDER BY {first} DESC, id DESC LIMIT :limit"
    )
    rows = tx.all(sql, params | {"before": before, "limit": limit})
    return [Payout.of(row) for row in rows]


def _where(which: PayoutList, card: str | None) -> tuple[str, dict[str, Any]]:
    """Conditions and their values. A `+` keeps an index out of the way of the right one."""
    params: dict[str, Any] = {
        "store_id": which.store_id,
        "since": which.since_day,
        "until": which.until_day,
        "status": which.status,
        "card": card,
    }
    chosen = ["store_id = :store_id", "day BETWEEN :since AND :until"]
    if card is not None:
        chosen = [
            "boltcard_id = :card",
            "created_at BETWEEN :since_at AND :until_at",
            "+day BETWEEN :since AND :until",
            "+store_id = :store_id",
        ]
        params |= _times(which)
    if which.status is not None:
        chosen.append("status = :status")
        if which.status is not PayoutStatus.COMPLETED and card is None:
            chosen.append("status <> 'Completed'")  # says which index knows them
    return " AND ".join(chosen), params


def _where_of_all(which: PayoutList) -> tuple[str, dict[str, Any]]:
    """As `_where`, for all cards of a list at once."""
    where, params = _where(which, None)
    for name in ("store_id =", "day BETWEEN", "status =", "status <>"):
        where = where.replace(name, f"p.{name}")
    if which.cards is not None:
        names = {f"card{i}": card for i, card in enumerate(which.cards)}
        where += f" AND p.boltcard_id IN ({', '.join(':' + name for name in names)})"
        params |= names
    return where, params


def _times(which: PayoutList) -> dict[str, int]:
    """Between which times (epoch ms) the payouts of those days surely are."""
    epoch = date(1970, 1, 1)
    since = (date.fromisoformat(which.since_day) - epoch) // timedelta(days=1)
    until = (date.fromisoformat(which.until_day) - epoch) // timedelta(days=1)
    return {"since_at": since * DAY - _SLACK_MS, "until_at": (until + 1) * DAY + _SLACK_MS}


def like(text: str) -> str:
    """A text that stands for itself in LIKE … ESCAPE '!'."""
    return "".join(f"!{char}" if char in "!%_" else char for char in text)


def movements(db: Place, payout: Payout) -> list[Entry]:
    """The movements of money that a payout made, oldest first, with its refunds."""
    row = {
        "account": payout.pull_payment_id,
        "payout_id": payout.payout_id,
        "hold": f"{payout.payout_id}.hold",
        "end": f"{payout.payout_id}.end",
    }
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {ENTRY_COLUMNS} FROM entries WHERE entry_id IN (:hold, :end)"  # noqa: S608
            f" UNION ALL SELECT {ENTRY_COLUMNS} FROM entries WHERE pull_payment_id = :account"
            " AND payout_id = :payout_id AND kind = 'refund'"
            " AND kind NOT IN ('hold', 'release', 'settle') ORDER BY at, entry_id DESC",
            row,
        )
    )
    return [Entry.of(one) for one in rows]
