"""Our payouts as lists and files: by store, days, status and cards; paged by key, never by offset.

A list without cards is ordered by (day, id), one of cards by (created_at, id): the orders of the
indexes that find them, so a page costs the same wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from host.clock import DAY
from host.ledger.records import ENTRY_COLUMNS, PAYOUT_COLUMNS, Entry, Payout, PayoutStatus
from host.ledger.views import COUNT_CAP
from host.ledger.views_totals import Origin, Range, by_day
from host.store.tx import Place, Row, Tx

MAX_CARDS: Final = 20
"""A name may stand for so many cards at most; a page looks at each of them by itself."""

_SLACK_MS: Final = 2 * DAY
"""A business day is within this of the UTC day of the same name: zone and cut-off together."""


@dataclass(frozen=True, slots=True)
class PayoutList:
    """Which payouts: business days, both ends included; None is every card, and both origins."""

    store_id: str
    since_day: str
    until_day: str
    status: PayoutStatus | None = None
    cards: tuple[str, ...] | None = None
    origin: Origin | None = None

    def range(self) -> Range:
        """The same days and cards, to be summed up."""
        return Range(self.store_id, self.since_day, self.until_day, self.cards, self.origin)


class Mark(NamedTuple):
    """The row after which a page begins: the list's first key, then what orders rows within it."""

    first: str | int
    created_at: int
    id: int


def page(
    db: Place, which: PayoutList, *, before: str | None = None, limit: int = 50
) -> list[Payout]:
    """Payouts of ours, newest first; `before` the last payout's id for the page after it."""

    def look(tx: Tx) -> list[Payout]:
        mark = mark_of(tx, which, before) if before is not None else None
        if before is not None and mark is None:
            return []
        return newest(tx, which, mark, limit)

    return db.read(look)


def mark_of(tx: Tx, which: PayoutList, payout_id: str) -> Mark | None:
    """Where a payout of the store stands in a list; None where there is no such payout."""
    row = tx.one(
        "SELECT day, created_at, id FROM payouts WHERE payout_id = :id AND store_id = :store_id",
        {"id": payout_id, "store_id": which.store_id},
    )
    if row is None:
        return None
    first = row["day"] if which.cards is None else row["created_at"]
    return Mark(first, row["created_at"], row["id"])


def newest(tx: Tx, which: PayoutList, mark: Mark | None, limit: int) -> list[Payout]:
    """Payouts of ours after a mark, the newest first."""
    if which.cards is None:
        return _newest(tx, which, None, mark, limit)
    found = [payout for card in which.cards for payout in _newest(tx, which, card, mark, limit)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]


def count(db: Place, which: PayoutList) -> int:
    """How many payouts of ours a list has: counted no further than `COUNT_CAP` + 1 (UX rule 10).

    Of cards it is exact, because their daily totals know.
    """
    if which.cards is not None:
        days = by_day(db, replace(which.range(), origin=Origin.HERE))
        return sum(one.payouts for one in days if which.status in (None, one.status))
    where, params = _where(which, None)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM payouts WHERE {where} LIMIT :cap)"  # noqa: S608
    row = db.read(lambda tx: tx.one(sql, params | {"cap": COUNT_CAP + 1}))
    return int(row[0]) if row else 0


EXPORT_COLUMNS: Final = (
    "day, id, created_at, completed_at, payout_id, status, amount, fee_msat, boltcard_id,"
    " boltcard_ntag, counter, pull_payment_id, route, transaction_id, recipient_address,"
    " error_message"
)
"""What a file says of a payout: no preimage, and nothing that is kept for the machine only."""

_BATCH: Final = f"""
    SELECT {EXPORT_COLUMNS} FROM payouts
    WHERE {{where}} AND {{place}} AND id <= :last ORDER BY day, id LIMIT :size
"""  # noqa: S608


def batches(db: Place, which: PayoutList, *, size: int = 2_000) -> Iterator[list[Row]]:
    """Every payout of a list, oldest first, as rows of `EXPORT_COLUMNS`, some at a time.

    Each batch is a read of its own, so a slow download holds nothing up; what is made after the
    start is not in it.
    """
    newest = db.read(lambda tx: tx.one("SELECT max(id) FROM payouts"))
    where, params = _where_of_all(which)
    # First the rest of a day, then the days after it: each finds its place in the index at once.
    # The days after are another `since`: of two lower bounds SQLite might walk from the first.
    rest = _BATCH.format(where=where, place="day = :day AND id > :id")
    later = _BATCH.format(where=where, place="1 = 1")
    at = params | {"day": "", "id": 0, "last": (newest[0] if newest else None) or 0}
    while True:
        rows = _all(db, rest, at | {"size": size}) if at["day"] else []
        if len(rows) < size:
            after = {"since": _day(at["day"], 1)} if at["day"] else {}
            rows += _all(db, later, at | after | {"size": size - len(rows)})
        if rows:
            yield rows
        if len(rows) < size:
            return
        at |= {"day": rows[-1]["day"], "id": rows[-1]["id"]}


def aliases(db: Place, store_id: str) -> dict[str, str]:
    """The aliases of all cards of a store, for a file that names a card in every line."""
    sql = "SELECT card_id, alias FROM cards WHERE store_id = :store_id"
    return {row[0]: row[1] for row in _all(db, sql, {"store_id": store_id})}


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


def _day(day: str, later: int) -> str:
    """The day some days later, or before."""
    return (date.fromisoformat(day) + timedelta(days=later)).isoformat()


def _all(db: Place, sql: str, params: dict[str, Any]) -> list[Row]:
    return db.read(lambda tx: tx.all(sql, params))


def _newest(
    tx: Tx, which: PayoutList, card: str | None, mark: Mark | None, limit: int
) -> list[Payout]:
    where, params = _where(which, card)
    first = "day" if card is None else "created_at"
    order = f"ORDER BY {first} DESC, id DESC LIMIT :limit"
    sql = f"SELECT {PAYOUT_COLUMNS} FROM payouts WHERE {where} AND {{place}} {order}"  # noqa: S608
    if mark is None:
        rows = tx.all(sql.format(place="1 = 1"), params | {"limit": limit})
        return [Payout.of(row) for row in rows]
    # First the rest of the mark's day, then the days before: each finds its place in the index
    # at once, where a comparison of pairs, or a second upper bound, might walk there.
    at = params | {"first": mark.first, "mark": mark.id, "limit": limit}
    rows = tx.all(sql.format(place=f"{first} = :first AND id < :mark"), at)
    before = (
        {"until": _day(str(mark.first), -1)} if card is None else {"until_at": mark.created_at - 1}
    )
    rows += tx.all(sql.format(place="1 = 1"), params | before | {"limit": limit - len(rows)})
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
    if which.cards is not None:
        names = {f"card{i}": card for i, card in enumerate(which.cards)}
        where += f" AND boltcard_id IN ({', '.join(':' + name for name in names)})"
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


def days_of(db: Place, payout_ids: Iterable[str]) -> set[str]:
    """The business days of some payouts."""

    def look(tx: Tx) -> set[str]:
        sql = "SELECT day FROM payouts WHERE payout_id = :id"
        rows = [tx.one(sql, {"id": one}) for one in dict.fromkeys(payout_ids)]
        return {row["day"] for row in rows if row is not None}

    return db.read(look)


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
