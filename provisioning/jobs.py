"""The card desk's jobs: what a technician asked for, how far it is, and a line for each tap.

A job is written here by whatever process has the page, and done by the one that has the reader:
the ledger is the bus. A job and the loan of its terminal's reader begin and end together, so that
no sale starts meanwhile. Events: `desk.started`, `desk.step`, `desk.card`, `desk.ended`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from sqlite_utils import Database, Migrations

from host.clock import DAY
from host.ledger import audit, loans
from host.ledger.codes import Refused
from host.store.engine import Engine
from host.store.tx import Place, Row, Tx
from provisioning import journal, slips
from provisioning.orders import NewCard
from provisioning.template import Entry

BORROWER: Final = "desk"
"""The card desk's name among those a reader is lent to."""
PINS_KEPT_MS: Final = DAY

_migrations = Migrations("card desk")


@_migrations(name="001_jobs")
def _tables(db: Database) -> None:
    db.execute(
        "CREATE TABLE desk_jobs (job_id INTEGER PRIMARY KEY, store_id TEXT NOT NULL REFERENCES"
        " stores (store_id), terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),"
        " person_id TEXT, kind TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'done',"
        " 'stopped')), total INTEGER, options TEXT NOT NULL, step TEXT NOT NULL,"
        " created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT"
    )
    db.execute("CREATE INDEX desk_jobs_of ON desk_jobs (terminal_id, job_id)")
    db.execute(
        "CREATE TABLE desk_entries (job_id INTEGER NOT NULL REFERENCES desk_jobs (job_id),"
        " position INTEGER NOT NULL, alias TEXT NOT NULL, card TEXT NOT NULL, pin TEXT,"
        " state TEXT NOT NULL CHECK (state IN ('todo', 'begun', 'done')), uid TEXT,"
        " PRIMARY KEY (job_id, position)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE desk_taps (job_id INTEGER NOT NULL REFERENCES desk_jobs (job_id),"
        " tap INTEGER NOT NULL, at INTEGER NOT NULL, uid TEXT, sign TEXT NOT NULL"
        " CHECK (sign IN ('done', 'aside', 'again')), title TEXT NOT NULL, says TEXT NOT NULL,"
        " next TEXT NOT NULL, code TEXT, ms INTEGER NOT NULL, facts TEXT NOT NULL,"
        " PRIMARY KEY (job_id, tap)) STRICT, WITHOUT ROWID"
    )


def prepare(db: Engine) -> None:
    """Make the tables of the journal and of the desk where they are missing."""
    journal.prepare(db)
    journal.migrate(db, _migrations)


class Kind(StrEnum):
    """What is done to every card of a job."""

    ISSUE = "issue"
    VERIFY = "verify"
    REPAIR = "repair"
    REKEY = "rekey"
    WIPE = "wipe"
    DIAGNOSE = "diagnose"


class DeskState(StrEnum):
    """A job is open until its cards are done, or until somebody stops it."""

    OPEN = "open"
    DONE = "done"
    STOPPED = "stopped"


class Sign(StrEnum):
    """How one tap ended."""

    DONE = "done"
    ASIDE = "aside"
    """Lay this card aside: another tap changes nothing."""
    AGAIN = "again"
    """Another tap may end it."""


@dataclass(frozen=True, slots=True)
class DeskJob:
    """One job; `total` None goes on until it is stopped."""

    job_id: int
    store_id: str
    terminal_id: str
    person_id: str | None
    kind: Kind
    state: DeskState
    total: int | None
    options: dict[str, bool]
    step: dict[str, Any]
    created_at: int
    changed_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        values = dict(zip(row.keys(), row, strict=True))
        values |= {"kind": Kind(row["kind"]), "state": DeskState(row["state"])}
        return cls(
            **values | {"options": json.loads(row["options"]), "step": json.loads(row["step"])}
        )

    @property
    def open(self) -> bool:
        return self.state is DeskState.OPEN


@dataclass(frozen=True, slots=True)
class Line:
    """What one tap came to, in words for the technician."""

    sign: Sign
    says: str
    next: str = ""
    title: str = ""
    uid: str | None = None
    code: str | None = None
    ms: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    tap: int = 0
    at: int = 0

    @classmethod
    def of(cls, row: Row) -> Self:
        values = dict(zip(row.keys(), row, strict=True))
        return cls(**values | {"sign": Sign(row["sign"]), "facts": json.loads(row["facts"])})


@dataclass(frozen=True, slots=True)
class Planned:
    """One card of a batch, and how far it is."""

    position: int
    card: NewCard
    state: str
    uid: str | None
    pin: str | None = field(default=None, repr=False)
    """Sealed (`slips`)."""

    def entry(self) -> Entry:
        return Entry(self.card)


def start(
    db: Engine,
    *,
    store_id: str,
    terminal_id: str,
    kind: Kind,
    person: str,
    secret: bytes,
    entries: Sequence[Entry] = (),
    total: int | None = None,
    options: dict[str, bool] | None = None,
) -> DeskJob | Refused:
    """Open a job, which borrows the reader. Refused: `sale_open`, `reader_lent`."""
    total = len(entries) if kind is Kind.ISSUE else total

    def write(tx: Tx) -> DeskJob | Refused:
        newest = tx.one("SELECT max(job_id) FROM desk_jobs")
        job_id = 1 + (newest[0] or 0 if newest else 0)
        loan = loans.take(tx, terminal_id, BORROWER, job_id, person)
        if isinstance(loan, Refused):
            return loan
        tx.run(
            "INSERT INTO desk_jobs (job_id, store_id, terminal_id, person_id, kind, state, total,"
            " options, step, created_at, changed_at) VALUES (:id, :store, :terminal, :person,"
            " :kind, 'open', :total, :options, '{}', :now, :now)",
            {
                "id": job_id,
                "store": store_id,
                "terminal": terminal_id,
                "person": person,
                "kind": kind,
                "total": total,
                "options": json.dumps(options or {}),
                "now": tx.now,
            },
        )
        _plan(tx, job_id, entries, secret)
        _forget_old_pins(tx)
        facts = {"total": total, "terminal_id": terminal_id, **(options or {})}
        audit.append(tx, person, f"desk.{kind}", str(job_id), facts)
        return _tell(tx, "started", job_id)

    return db.transaction(write)


def _plan(tx: Tx, job_id: int, entries: Sequence[Entry], secret: bytes) -> None:
    for position, entry in enumerate(entries, 1):
        place = f"{job_id}/{position}"
        tx.run(
            "INSERT INTO desk_entries (job_id, position, alias, card, pin, state)"
            " VALUES (:id, :position, :alias, :card, :pin, 'todo')",
            {
                "id": job_id,
                "position": position,
                "alias": entry.card.alias,
                "card": json.dumps(entry.card.to_json()),
                "pin": slips.seal(secret, place, entry.pin) if entry.pin else None,
            },
        )


def _forget_old_pins(tx: Tx) -> None:
    tx.run(
        "UPDATE desk_entries SET pin = NULL WHERE pin IS NOT NULL AND job_id IN"
        " (SELECT job_id FROM desk_jobs WHERE created_at < :then)",
        {"then": tx.now - PINS_KEPT_MS},
    )


def get(db: Place, job_id: int) -> DeskJob | None:
    """The job of this number."""
    row = db.read(lambda tx: tx.one("SELECT * FROM desk_jobs WHERE job_id = :id", {"id": job_id}))
    return DeskJob.of(row) if row else None


def latest(db: Place, terminal_id: str) -> DeskJob | None:
    """The newest job of a terminal, open or over."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT * FROM desk_jobs WHERE terminal_id = :id ORDER BY job_id DESC LIMIT 1",
            {"id": terminal_id},
        )
    )
    return DeskJob.of(row) if row else None


def is_open(db: Place, job_id: int) -> bool:
    """Whether the job is still to be worked on."""
    job = get(db, job_id)
    return job is not None and job.open


def lines(db: Place, job_id: int) -> list[Line]:
    """The job's taps, newest first."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT tap, at, uid, sign, title, says, next, code, ms, facts FROM desk_taps"
            " WHERE job_id = :id ORDER BY tap DESC",
            {"id": job_id},
        )
    )
    return [Line.of(row) for row in rows]


def planned(db: Place, job_id: int) -> list[Planned]:
    """The cards of a batch, in their order."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT position, card, state, uid, pin FROM desk_entries WHERE job_id = :id"
            " ORDER BY position",
            {"id": job_id},
        )
    )
    return [
        Planned(row[0], NewCard.from_json(json.loads(row[1])), row[2], row[3], row[4])
        for row in rows
    ]


def step(db: Place, job_id: int, now: dict[str, Any]) -> None:
    """What is going on at the reader this moment."""

    def write(tx: Tx) -> None:
        tx.run(
            "UPDATE desk_jobs SET step = :step, changed_at = :now WHERE job_id = :id",
            {"step": json.dumps(now), "now": tx.now, "id": job_id},
        )
        _tell(tx, "step", job_id)

    db.transaction(write)


def be_sure(db: Place, job_id: int, uid: str, yes: bool, person: str | None) -> bool:
    """Answer what the job asks about the card of this UID; False when it asks no more."""

    def write(tx: Tx) -> bool:
        job = get(tx, job_id)
        asks = job is not None and job.open and job.step.get("at") == "asked"
        if job is None or not asks or job.step.get("uid") != uid or "yes" in job.step:
            return False
        step(tx, job_id, job.step | {"yes": yes})
        if yes:
            facts = {"uid": uid, "alias": job.step.get("alias")}
            audit.append(tx, person, "desk.sure", str(job_id), facts)
        return True

    return db.transaction(write)


def answer(db: Place, job_id: int) -> bool | None:
    """What was answered to what the job asks now; None while nobody has."""
    job = get(db, job_id)
    return job.step.get("yes") if job is not None else None


def record(
    db: Place, job_id: int, line: Line, position: int | None = None, state: str = "done"
) -> None:
    """Keep a tap's line; `position` is the batch's card that it brought to this state."""

    def write(tx: Tx) -> None:
        newest = tx.one("SELECT max(tap) FROM desk_taps WHERE job_id = :id", {"id": job_id})
        tx.run(
            "INSERT INTO desk_taps (job_id, tap, at, uid, sign, title, says, next, code, ms,"
            " facts) VALUES (:id, :tap, :now, :uid, :sign, :title, :says, :next, :code, :ms,"
            " :facts)",
            {
                "id": job_id,
                "tap": 1 + (newest[0] or 0 if newest else 0),
                "now": tx.now,
                "uid": line.uid,
                "sign": line.sign,
                "title": line.title,
                "says": line.says,
                "next": line.next,
                "code": line.code,
                "ms": line.ms,
                "facts": json.dumps(line.facts),
            },
        )
        if position is not None:
            tx.run(
                "UPDATE desk_entries SET state = :state, uid = :uid"
                " WHERE job_id = :id AND position = :position",
                {"state": state, "uid": line.uid, "id": job_id, "position": position},
            )
        _tell(tx, "card", job_id)

    db.transaction(write)


def end(db: Place, job_id: int, state: DeskState, person: str | None = None) -> DeskJob | None:
    """Close a job, which gives the reader back; None when it was closed before.

    What was begun on a card stays in the journal: that card is finished whenever it comes back.
    """

    def write(tx: Tx) -> DeskJob | None:
        job = get(tx, job_id)
        if job is None or not job.open:
            return None
        tx.run(
            "UPDATE desk_jobs SET state = :state, changed_at = :now WHERE job_id = :id",
            {"state": state, "now": tx.now, "id": job_id},
        )
        loans.give_back(tx, job.terminal_id, job_id)
        if state is DeskState.STOPPED:
            audit.append(tx, person, "desk.stopped", str(job_id))
        return _tell(tx, "ended", job_id)

    return db.transaction(write)


def _tell(tx: Tx, what: str, job_id: int) -> DeskJob:
    job = get(tx, job_id)
    assert job is not None  # noqa: S101 - it was written in this transaction
    data = {"job_id": job_id, "terminal_id": job.terminal_id}
    tx.event(f"desk.{what}", store_id=job.store_id, subject=str(job_id), data=data)
    return job
