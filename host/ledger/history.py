"""Taking in what another system did before: looked through as a whole, then written in batches.

A file is first read from end to end: one bad line, and nothing of it is taken. Then it is written
some rows at a time, so that no tap ever waits for it. Each payout is taken once, by its id; a file
that is given again changes nothing, and one that was interrupted goes on where it stopped. What
had not ended yet may come again with its end; what has ended stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, Final, Self

from host.ledger import audit, ids, stores
from host.ledger.days import business_day
from host.ledger.errors import NotFound
from host.ledger.history_file import (
    MAX_PROBLEMS,
    BadFile,
    Kind,
    Past,
    PastPayout,
    PastUsage,
    Problem,
    read,
)
from host.ledger.records import UNRESOLVED, PayoutStatus, Store, typed
from host.store.tx import Place, Row, Tx

BATCH: Final = 200
"""Rows in one transaction: some milliseconds under the write lock."""

Progress = Callable[[int, int], None]
"""Told how many rows of how many are in."""

_KEPT: Final = """
    SELECT payout_id, pull_payment_id, from_store, amount, status, created_at, completed_at,
        boltcard_id, boltcard_ntag, recipient_address, transaction_id, error_message, metadata, day
    FROM history_payouts WHERE store_id = :store_id AND payout_id = :payout_id
"""

_OURS: Final = "SELECT 1 FROM payouts WHERE payout_id = :payout_id"

_TAKE: Final = """
    INSERT INTO history_payouts (payout_id, pull_payment_id, store_id, from_store, amount, status,
        created_at, completed_at, boltcard_id, boltcard_ntag, recipient_address, transaction_id,
        error_message, metadata, day, import_id)
    VALUES (:payout_id, :pull_payment_id, :store_id, :from_store, :amount, :status, :created_at,
        :completed_at, :boltcard_id, :boltcard_ntag, :recipient_address, :transaction_id,
        :error_message, :metadata, :day, :import_id)
    ON CONFLICT (store_id, payout_id) DO UPDATE SET status = excluded.status,
        completed_at = excluded.completed_at, transaction_id = excluded.transaction_id,
        error_message = excluded.error_message, recipient_address = excluded.recipient_address,
        boltcard_id = excluded.boltcard_id, boltcard_ntag = excluded.boltcard_ntag,
        metadata = excluded.metadata, import_id = excluded.import_id
"""

_DAY: Final = """
    INSERT INTO history_days (store_id, day, boltcard_id, status, payouts, amount)
    VALUES (:store_id, :day, :card, :status, :payouts, :amount)
    ON CONFLICT (store_id, day, boltcard_id, status) DO UPDATE SET
        payouts = payouts + excluded.payouts, amount = amount + excluded.amount
"""

_LESS: Final = """
    UPDATE history_days SET payouts = payouts - 1, amount = amount - :amount
    WHERE store_id = :store_id AND day = :day AND boltcard_id = :card AND status = :status
"""

_CARD: Final = """
    INSERT INTO history_cards (store_id, boltcard_id, alias, boltcard_ntag)
    VALUES (:store_id, :boltcard_id, :alias, :boltcard_ntag)
    ON CONFLICT (store_id, boltcard_id) DO UPDATE SET
        alias = coalesce(excluded.alias, alias),
        boltcard_ntag = coalesce(excluded.boltcard_ntag, boltcard_ntag)
"""

_USED: Final = """
    INSERT INTO history_cards (store_id, boltcard_id, alias, total_payouts, total_amount,
        first_used, last_used)
    VALUES (:store_id, :boltcard_id, :alias, :total_payouts, :total_amount, :first_used, :last_used)
    ON CONFLICT (store_id, boltcard_id) DO UPDATE SET alias = coalesce(excluded.alias, alias),
        total_payouts = excluded.total_payouts, total_amount = excluded.total_amount,
        first_used = excluded.first_used, last_used = excluded.last_used
"""

_USED_ALREADY: Final = """
    SELECT 1 FROM history_cards WHERE store_id = :store_id AND boltcard_id = :boltcard_id
        AND (:alias IS NULL OR alias IS :alias) AND total_payouts IS :total_payouts
        AND total_amount IS :total_amount AND first_used IS :first_used AND last_used IS :last_used
"""


_ID: Final = {Kind.PAYOUTS: "payout_id", Kind.USAGE: "boltcard_id"}

_FACTS: Final = tuple(
    one.name for one in fields(PastPayout) if one.name not in {"payout_id", "alias"}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking a file would do."""

    kind: Kind
    rows: int
    new: int
    changed: int
    """Payouts that have ended since they were taken, or cards whose sums are others now."""
    sha256: bytes

    @property
    def to_take(self) -> int:
        return self.new + self.changed


@dataclass(frozen=True, slots=True)
class Import:
    """A file that was taken, or is being taken."""

    import_id: str
    store_id: str
    at: int
    person_id: str | None
    name: str
    sha256: bytes
    kind: Kind
    planned: int
    taken: int

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {6: Kind}))


_IMPORT_COLUMNS: Final = ", ".join(one.name for one in fields(Import))

_NOTE: Final = f"""
    INSERT INTO history_imports ({_IMPORT_COLUMNS})
    VALUES (:import_id, :store_id, :at, :person_id, :name, :sha256, :kind, :planned, 0)
"""  # noqa: S608


def plan(db: Place, store_id: str, file: BinaryIO, *, only: str | None = None) -> Plan:
    """Look through a whole file; raises `BadFile` naming each line and field that is wrong."""
    problems: list[Problem] = []
    first: dict[str, tuple[int, int]] = {}
    others: set[str | None] = set()
    kind, rows, new, changed = Kind.PAYOUTS, 0, 0, 0
    for batch in _batches(read(file, db.now, only)):
        kind = Kind.PAYOUTS if isinstance(batch[0][1], PastPayout) else Kind.USAGE
        others |= {past.from_store for _, past in batch}
        fresh = []
        for line, past in batch:
            at, told = first.setdefault(_name(past), (line, hash(past)))
            if at == line:
                fresh.append((line, past))
            elif told != hash(past):
                words = f"{_name(past)} is in line {at} already, with other facts"
                problems.append(Problem(line, _ID[kind], words))
        more_new, more_changed, wrong = _compare(db, store_id, fresh)
        rows, new, changed = rows + len(batch), new + more_new, changed + more_changed
        problems += wrong
        if len(problems) >= MAX_PROBLEMS:
            break
    problems += _as_a_whole(rows, others, only)
    if problems:
        raise BadFile(problems[:MAX_PROBLEMS])
    return Plan(kind, rows, new, changed, _digest(file))


def take(
    db: Place,
    store_id: str,
    file: BinaryIO,
    name: str,
    *,
    only: str | None = None,
    person: str | None = None,
    progress: Progress = lambda done, of: None,
) -> Plan:
    """Take a file in. Raises `BadFile`, and then nothing of it was taken."""
    store = stores.get(db, store_id)
    if store is None:
        raise NotFound(f"store_id: there is no store {store_id}")
    planned = plan(db, store_id, file, only=only)
    if not planned.to_take:
        return planned
    import_id = ids.new(db.now)
    row = {
        "import_id": import_id,
        "store_id": store_id,
        "person_id": person,
        "name": stores.check_name(name[-120:], "file"),
        "sha256": planned.sha256,
        "kind": planned.kind,
        "planned": planned.to_take,
    }
    db.transaction(lambda tx: _begin(tx, row))
    done = 0
    for batch in _batches(read(file, db.now, only)):
        done += db.transaction(partial(_write, store, import_id, batch))
        progress(done, planned.to_take)
    return planned


def imports(db: Place, store_id: str, limit: int = 50) -> list[Import]:
    """The files that were taken, the newest first."""
    sql = (
        f"SELECT {_IMPORT_COLUMNS} FROM history_imports WHERE store_id = :store_id"  # noqa: S608
        " ORDER BY at DESC, import_id DESC LIMIT :limit"
    )
    rows = db.read(lambda tx: tx.all(sql, {"store_id": store_id, "limit": limit}))
    return [Import.of(row) for row in rows]


def _begin(tx: Tx, row: dict[str, Any]) -> None:
    tx.run(_NOTE, row | {"at": tx.now})
    facts = {"file": row["name"], "sha256": row["sha256"].hex(), "rows": row["planned"]}
    facts |= {"kind": row["kind"], "store_id": row["store_id"]}
    audit.append(tx, row["person_id"], "history.import", row["import_id"], facts)


def _write(store: Store, import_id: str, rows: list[tuple[int, Past]], tx: Tx) -> int:
    done = 0
    for line, past in rows:
        if isinstance(past, PastUsage):
            done += _take_usage(tx, store, past)
        else:
            done += _take_payout(tx, store, import_id, line, past)
    if done:
        counted = "UPDATE history_imports SET taken = taken + :done WHERE import_id = :id"
        tx.run(counted, {"done": done, "id": import_id})
        tx.event("history.imported", store_id=store.store_id, subject=import_id)
    return done


def _take_payout(tx: Tx, store: Store, import_id: str, line: int, past: PastPayout) -> int:
    row = asdict(past) | {"store_id": store.store_id, "card": past.boltcard_id or ""}
    kept = tx.one(_KEPT, row)
    wrong = _problem(line, past, kept, ours=kept is None and tx.one(_OURS, row) is not None)
    if wrong is not None:
        raise BadFile([wrong])
    if kept is not None:
        if _same(past, kept):
            return 0
        before = {"card": kept["boltcard_id"] or "", "status": kept["status"]}
        tx.run(_LESS, row | before | {"day": kept["day"]})
    day = kept["day"] if kept else business_day(past.created_at, store.timezone, store.cutoff_hour)
    tx.run(_TAKE, row | {"day": day, "import_id": import_id})
    tx.run(_DAY, row | {"day": day, "payouts": 1})
    if past.boltcard_id is not None:
        tx.run(_CARD, row)
    return 1


def _take_usage(tx: Tx, store: Store, past: PastUsage) -> int:
    row = asdict(past) | {"store_id": store.store_id}
    if tx.one(_USED_ALREADY, row) is not None:
        return 0
    tx.run(_USED, row)
    return 1


def _compare(
    db: Place, store_id: str, rows: list[tuple[int, Past]]
) -> tuple[int, int, list[Problem]]:
    """How many rows are new and how many changed, and which ones cannot be right."""

    def look(tx: Tx) -> tuple[int, int, list[Problem]]:
        new, changed, problems = 0, 0, []
        for line, past in rows:
            row = asdict(past) | {"store_id": store_id}
            if isinstance(past, PastUsage):
                known = "SELECT 1 FROM history_cards WHERE store_id = :store_id"
                there = tx.one(f"{known} AND boltcard_id = :boltcard_id", row) is not None
                changed += there and tx.one(_USED_ALREADY, row) is None
                new += not there
                continue
            kept = tx.one(_KEPT, row)
            wrong = _problem(line, past, kept, ours=kept is None and tx.one(_OURS, row) is not None)
            problems += [wrong] if wrong else []
            new += kept is None
            changed += kept is not None and not _same(past, kept)
        return new, changed, problems

    return db.read(look)


def _problem(line: int, past: PastPayout, kept: Row | None, *, ours: bool) -> Problem | None:
    """Why a payout cannot be taken: it is ours, or it is in the history with other facts."""
    if ours:
        return Problem(line, "payout_id", "is a payout of this ledger itself, not of its history")
    if kept is None or _same(past, kept):
        return None
    ended = PayoutStatus(kept["status"]) not in UNRESOLVED
    for name in _FACTS if ended else ("amount", "created_at"):
        if getattr(past, name) != kept[name]:
            return Problem(line, name, f"payout {past.payout_id} is in the history with another")
    return None


def _same(past: PastPayout, kept: Row) -> bool:
    return all(getattr(past, name) == kept[name] for name in _FACTS)


def _as_a_whole(rows: int, others: set[str | None], only: str | None) -> list[Problem]:
    if not rows:
        return [Problem(1, "file", "has no rows" + (f" of store {only}" if only else ""))]
    if len(others) > 1:
        names = ", ".join(sorted(one or "none" for one in others))
        return [Problem(1, "store_id", f"several stores ({names}); take one at a time")]
    return []


def _name(past: Past) -> str:
    return past.payout_id if isinstance(past, PastPayout) else past.boltcard_id


def _batches(rows: Iterator[tuple[int, Past]]) -> Iterator[list[tuple[int, Past]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _digest(file: BinaryIO) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    return digest.digest()
