"""What was begun on which card, durable before the first write: names and versions, never keys.

The journal lives in the ledger's file, so that a job's end and the card's row change in one
transaction. It has migrations of its own; `prepare` applies them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from sqlite_utils import Database, Migrations

from host.ntag424.values import Uid
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.errors import explain
from host.store.sqlite import connect
from host.store.tx import Place, Row, Tx
from provisioning.keysets import Derived, marker
from provisioning.plan import Plan, Use
from provisioning.trouble import Stop, TroubleCode

BUDGET = 20
"""Authentications of one card that may end nowhere; the card itself slows down after 50."""

_migrations = Migrations("provisioning")

_JOBS = """
    CREATE TABLE provisioning_jobs (
        job_id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL CHECK (length(uid) = 14),
        store_id TEXT NOT NULL REFERENCES stores (store_id),
        use TEXT NOT NULL CHECK (use IN ('program', 'rekey', 'wipe')),
        state TEXT NOT NULL CHECK (state IN ('open', 'done', 'replaced', 'abandoned')),
        old_sets TEXT NOT NULL,
        old_versions TEXT NOT NULL CHECK (length(old_versions) = 10),
        new_set TEXT NOT NULL,
        marker INTEGER NOT NULL CHECK (marker BETWEEN 0 AND 255),
        key_version INTEGER,
        url_base TEXT,
        random_id INTEGER NOT NULL CHECK (random_id IN (0, 1)),
        card TEXT NOT NULL,
        person_id TEXT,
        taps INTEGER NOT NULL,
        trouble TEXT,
        counter INTEGER,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    ) STRICT
"""


@_migrations(name="001_journal")
def _journal(db: Database) -> None:
    db.execute(_JOBS)
    db.execute(
        "CREATE UNIQUE INDEX provisioning_open ON provisioning_jobs (uid) WHERE state = 'open'"
    )
    db.execute("CREATE INDEX provisioning_of_card ON provisioning_jobs (uid, job_id)")
    db.execute(
        "CREATE TABLE provisioning_budgets (uid TEXT PRIMARY KEY CHECK (length(uid) = 14),"
        " spent INTEGER NOT NULL CHECK (spent >= 0), changed_at INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )


@_migrations(name="002_links")
def _links(db: Database) -> None:
    db.execute(
        "CREATE TABLE provisioning_links (token_hash TEXT PRIMARY KEY CHECK (length(token_hash)"
        " = 64), use TEXT NOT NULL CHECK (use IN ('program', 'reset')), store_id TEXT NOT NULL"
        " REFERENCES stores (store_id), facts TEXT NOT NULL, person_id TEXT NOT NULL,"
        " expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )


def prepare(db: Engine) -> None:
    """Make the journal's tables where they are missing."""
    migrate(db, _migrations)


def migrate(db: Engine, steps: Migrations) -> None:
    """Apply what is missing of these steps, all of it or none."""
    conn = connect(db.path, "rw")
    try:
        conn.execute("BEGIN IMMEDIATE")
        steps.apply(Database(conn, execute_plugins=False))
        conn.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain(error) from error
    finally:
        conn.close()


class JobState(StrEnum):
    """Where a job stands; the newest open one of a card is what `repair` finishes."""

    OPEN = "open"
    DONE = "done"
    REPLACED = "replaced"
    ABANDONED = "abandoned"
    """It ended before its first write."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the journal."""

    job_id: int
    uid: Uid
    store_id: str
    use: Use
    state: JobState
    old_sets: tuple[str, ...]
    old_versions: tuple[int, ...]
    new_set: str
    marker: int
    url_base: str | None
    random_id: bool
    card: dict[str, Any] = field(repr=False)
    """What the ledger is told at the end (`orders.NewCard`); it may hold a PIN's hash."""
    taps: int
    trouble: str | None
    counter: int | None
    created_at: int
    changed_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(
            job_id=row["job_id"],
            uid=Uid.parse(row["uid"]),
            store_id=row["store_id"],
            use=Use(row["use"]),
            state=JobState(row["state"]),
            old_sets=tuple(json.loads(row["old_sets"])),
            old_versions=tuple(bytes.fromhex(row["old_versions"])),
            new_set=row["new_set"],
            marker=row["marker"],
            url_base=row["url_base"],
            random_id=bool(row["random_id"]),
            card=json.loads(row["card"]),
            taps=row["taps"],
            trouble=row["trouble"],
            counter=row["counter"],
            created_at=row["created_at"],
            changed_at=row["changed_at"],
        )


def open_job(db: Place, uid: Uid) -> Job | None:
    """The unfinished job of a card."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT * FROM provisioning_jobs WHERE uid = :uid AND state = 'open'",
            {"uid": uid.hex()},
        )
    )
    return Job.of(row) if row else None


def history(db: Place, uid: Uid, limit: int = 20) -> list[Job]:
    """The jobs of a card, newest first."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT * FROM provisioning_jobs WHERE uid = :uid ORDER BY job_id DESC LIMIT :limit",
            {"uid": uid.hex(), "limit": limit},
        )
    )
    return [Job.of(row) for row in rows]


def newest_version(db: Place, uid: Uid) -> int:
    """The highest key version ever begun on this card, 0 for none.

    None is ever used twice: a wiped card counts its taps from the start again, and under the old
    keys its old taps would be good once more (THREATS 11).
    """
    row = db.read(
        lambda tx: tx.one(
            "SELECT max(key_version) AS newest FROM provisioning_jobs WHERE uid = :uid",
            {"uid": uid.hex()},
        )
    )
    return (row["newest"] or 0) if row else 0


def begin(
    tx: Tx,
    plan: Plan,
    *,
    store_id: str,
    url_base: str | None,
    card: dict[str, Any],
    person: str | None,
) -> int:
    """Write a job down, in place of an older unfinished one of this card; returns its id."""
    _close(tx, plan.uid, JobState.REPLACED)
    derived = Derived.parse(plan.new.name)
    row = {
        "uid": plan.uid.hex(),
        "store_id": store_id,
        "use": plan.use,
        "old_sets": json.dumps([one.name for one in plan.old]),
        "old_versions": bytes(plan.old_versions).hex(),
        "new_set": plan.new.name,
        "marker": plan.marker,
        "key_version": derived.version if derived else None,
        "url_base": url_base,
        "random_id": int(plan.random_id),
        "card": json.dumps(card),
        "person_id": person,
        "now": tx.now,
    }
    tx.run(
        "INSERT INTO provisioning_jobs (uid, store_id, use, state, old_sets, old_versions,"
        " new_set, marker, key_version, url_base, random_id, card, person_id, taps,"
        " created_at, changed_at) VALUES (:uid, :store_id, :use, 'open', :old_sets,"
        " :old_versions, :new_set, :marker, :key_version, :url_base, :random_id, :card,"
        " :person_id, 0, :now, :now)",
        row,
    )
    made = tx.one("SELECT last_insert_rowid() AS job_id")
    tx.event(
        "provisioning.begun", store_id=store_id, subject=plan.uid.hex(), data={"use": plan.use}
    )
    return int(made["job_id"]) if made else 0


def note_handed_out(
    tx: Tx, uid: Uid, store_id: str, derived: Derived, url_base: str, person: str | None
) -> None:
    """Keys were handed to a phone: this version is never used again on this card."""
    tx.run(
        "INSERT INTO provisioning_jobs (uid, store_id, use, state, old_sets, old_versions,"
        " new_set, marker, key_version, url_base, random_id, card, person_id, taps,"
        " created_at, changed_at) VALUES (:uid, :store_id, 'program', 'done', '[]',"
        " '0000000000', :new_set, :marker, :key_version, :url_base, 0, '{}', :person, 0,"
        " :now, :now)",
        {
            "uid": uid.hex(),
            "store_id": store_id,
            "new_set": derived.name,
            "marker": marker(derived.version),
            "key_version": derived.version,
            "url_base": url_base,
            "person": person,
            "now": tx.now,
        },
    )


def tap(tx: Tx, job_id: int) -> None:
    """Count one tap of a job."""
    tx.run(
        "UPDATE provisioning_jobs SET taps = taps + 1, changed_at = :now WHERE job_id = :id",
        {"now": tx.now, "id": job_id},
    )


def finish(tx: Tx, job: Job, counter: int | None) -> None:
    """The card was checked: the job is done, with the counter it showed last."""
    tx.run(
        "UPDATE provisioning_jobs SET state = 'done', counter = :counter, trouble = NULL,"
        " changed_at = :now WHERE job_id = :id",
        {"counter": counter, "now": tx.now, "id": job.job_id},
    )
    data = {"use": job.use, "counter": counter}
    tx.event("provisioning.done", store_id=job.store_id, subject=job.uid.hex(), data=data)


def note_trouble(tx: Tx, uid: Uid, code: TroubleCode) -> None:
    """Remember why the card's open job did not end on this tap."""
    tx.run(
        "UPDATE provisioning_jobs SET trouble = :code, changed_at = :now"
        " WHERE uid = :uid AND state = 'open'",
        {"code": code, "now": tx.now, "uid": uid.hex()},
    )
    tx.event("provisioning.trouble", subject=uid.hex(), data={"code": code})


def abandon(tx: Tx, uid: Uid) -> None:
    """End the card's open job before its first write: the card is as it was."""
    _close(tx, uid, JobState.ABANDONED)


def _close(tx: Tx, uid: Uid, state: JobState) -> None:
    tx.run(
        "UPDATE provisioning_jobs SET state = :state, changed_at = :now"
        " WHERE uid = :uid AND state = 'open'",
        {"state": state, "now": tx.now, "uid": uid.hex()},
    )


# --- the budget: what the card's own counters of failed authentications allow ------------------


def spend(tx: Tx, uid: Uid, count: int) -> None:
    """Take authentications out of a card's budget before they are made. Raises `Stop`.

    A crash in the middle leaves them spent, as the card has counted them too.
    """
    spent = _spent(tx, uid)
    if spent + count > BUDGET:
        raise Stop(TroubleCode.BUDGET_SPENT, f"{spent} of {BUDGET} spent")
    set_spent(tx, uid, spent + count)


def set_spent(tx: Tx, uid: Uid, spent: int) -> None:
    """What is spent: 0 after one that succeeded, for then the card counts from zero too."""
    tx.run(
        "INSERT INTO provisioning_budgets (uid, spent, changed_at) VALUES (:uid, :spent, :now)"
        " ON CONFLICT (uid) DO UPDATE SET spent = :spent, changed_at = :now",
        {"uid": uid.hex(), "spent": spent, "now": tx.now},
    )


def spent(db: Place, uid: Uid) -> int:
    """How many authentications of this card ended nowhere since the last that succeeded."""
    look: Callable[[Tx], int] = lambda tx: _spent(tx, uid)  # noqa: E731
    return db.read(look)


def _spent(tx: Tx, uid: Uid) -> int:
    row = tx.one("SELECT spent FROM provisioning_budgets WHERE uid = :uid", {"uid": uid.hex()})
    return int(row["spent"]) if row else 0
