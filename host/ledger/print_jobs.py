"""What is to be printed: a queue in the ledger, so that nothing is lost and nothing waits for ever.

Whoever asks writes a row and goes on; the daemon's printers take it from there. A try is counted
before it is made: a job that brings its printer down is not tried without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, Self

from host.clock import MINUTE, SECOND
from host.ledger import ids
from host.ledger.errors import NotFound
from host.ledger.records import typed
from host.store.tx import Place, Row, Tx

PAUSES_MS: Final = (SECOND, 3 * SECOND, 10 * SECOND, 30 * SECOND)
"""How long until the second, third, … try."""

MAX_TRIES: Final = len(PAUSES_MS) + 1

PAPER_MS: Final = 15 * MINUTE
DRAWER_MS: Final = 10 * SECOND
"""A drawer opens while somebody waits for it, or not at all."""

TOO_LATE: Final = "it waited for the printer too long"
TOO_OFTEN: Final = "it was tried too often"
"""For a job that ended the daemon each time, so that nobody could say how the try went."""


class PrintKind(StrEnum):
    """What is printed: a receipt is the first of its sale, every later one a copy."""

    RECEIPT = "receipt"
    COPY = "copy"
    REFUND = "refund"
    REPORT = "report"
    DRAWER = "drawer"
    TEST = "test"


class PrintState(StrEnum):
    """Where a job stands; `failed` waits for a person, who retries or dismisses it."""

    QUEUED = "queued"
    PRINTED = "printed"
    FAILED = "failed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One thing to print at a terminal's printer; `lines` is what `receipts.paper.dump` made."""

    job_id: str
    store_id: str
    terminal_id: str
    printer: str
    kind: PrintKind
    subject: str | None
    """The sale, or the report."""
    lines: str
    state: PrintState
    tries: int
    error: str | None
    person_id: str | None
    created_at: int
    next_try_at: int
    expires_at: int
    ended_at: int | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {4: PrintKind, 7: PrintState}))


@dataclass(frozen=True, slots=True)
class PrinterRow:
    """A configured printer, the terminals it serves, and whether a cash drawer hangs on it."""

    printer: str
    terminals: tuple[str, ...]
    drawer: bool


_COLUMNS: Final = ", ".join(one.name for one in fields(PrintJob))


def configure(db: Place, printers: Iterable[PrinterRow]) -> None:
    """Say which printers there are now; what waits for one that is gone has failed."""

    def write(tx: Tx) -> None:
        tx.run("DELETE FROM printer_terminals")
        tx.run("DELETE FROM printers")
        for one in printers:
            tx.run(
                "INSERT INTO printers (printer, drawer) VALUES (:printer, :drawer)",
                {"printer": one.printer, "drawer": int(one.drawer)},
            )
            for terminal_id in one.terminals:
                tx.run(
                    "INSERT INTO printer_terminals (terminal_id, printer) VALUES (:id, :printer)",
                    {"id": terminal_id, "printer": one.printer},
                )
        gone = "state = 'queued' AND printer NOT IN (SELECT printer FROM printers)"
        for job in _all(tx, gone):
            fail(tx, job.job_id, f"printer {job.printer} is not configured any more")

    db.transaction(write)


def printer_of(db: Place, terminal_id: str) -> PrinterRow | None:
    """The printer that serves a terminal."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT p.printer, p.drawer FROM printer_terminals t JOIN printers p"
            " ON p.printer = t.printer WHERE t.terminal_id = :id",
            {"id": terminal_id},
        )
    )
    return PrinterRow(row["printer"], (terminal_id,), bool(row["drawer"])) if row else None


def printers_of(db: Place, store_id: str) -> list[str]:
    """The names of the printers that serve a store's terminals."""
    sql = (
        "SELECT DISTINCT p.printer FROM printer_terminals p JOIN terminals t"
        " ON t.terminal_id = p.terminal_id WHERE t.store_id = :id ORDER BY p.printer"
    )
    return [row[0] for row in db.read(lambda tx: tx.all(sql, {"id": store_id}))]


def add(
    db: Place,
    store_id: str,
    terminal_id: str,
    kind: PrintKind,
    lines: str,
    *,
    subject: str | None = None,
    person_id: str | None = None,
) -> PrintJob | None:
    """Ask for something to be printed; None where no printer serves the terminal.

    A second receipt of one sale is refused by the table: ask for a copy.
    """

    def write(tx: Tx) -> PrintJob | None:
        printer = printer_of(tx, terminal_id)
        if printer is None:
            return None
        last = tx.one("SELECT max(job_id) FROM print_jobs")
        job_id = ids.after(last[0], tx.now) if last and last[0] else ids.new(tx.now)
        lives = DRAWER_MS if kind is PrintKind.DRAWER else PAPER_MS
        row = {
            "job_id": job_id,
            "store_id": store_id,
            "terminal_id": terminal_id,
            "printer": printer.printer,
            "kind": kind,
            "subject": subject,
            "lines": lines,
            "person_id": person_id,
            "now": tx.now,
            "expires_at": tx.now + lives,
        }
        tx.run(
            "INSERT INTO print_jobs (job_id, store_id, terminal_id, printer, kind, subject, lines,"
            " state, person_id, created_at, next_try_at, expires_at)"
            " VALUES (:job_id, :store_id, :terminal_id, :printer, :kind, :subject, :lines,"
            " 'queued', :person_id, :now, :now, :expires_at)",
            row,
        )
        return _tell(tx, job_id)

    return db.transaction(write)


def has_receipt(db: Place, sale_id: str) -> bool:
    """Whether the receipt of a sale was printed, or is to be: the next one is a copy."""
    sql = (
        "SELECT 1 FROM print_jobs WHERE subject = :id AND kind = 'receipt' AND state <> 'dismissed'"
    )
    return db.read(lambda tx: tx.one(sql, {"id": sale_id})) is not None


def get(db: Place, job_id: str) -> PrintJob | None:
    """The job of this id."""
    found = _all(db, "job_id = :id", id=job_id)
    return found[0] if found else None


def waiting(db: Place, terminal_id: str) -> list[PrintJob]:
    """What a terminal's people should know: not printed after a try, or failed."""
    where = (
        "terminal_id = :id AND (state = 'failed' OR state = 'queued' AND"
        " (error IS NOT NULL OR expires_at <= :now)) ORDER BY job_id"
    )
    return db.read(lambda tx: _all(tx, where, id=terminal_id, now=tx.now))


def take(db: Place, printer: str) -> PrintJob | None:
    """The next job of a printer, its try counted; what came too late has failed."""
    due = "printer = :printer AND state = 'queued' AND next_try_at <= :now ORDER BY job_id LIMIT 1"

    def count(tx: Tx) -> PrintJob | None:
        while found := _all(tx, due, printer=printer, now=tx.now):
            job = found[0]
            if job.expires_at > tx.now and job.tries < MAX_TRIES:
                tx.run(
                    "UPDATE print_jobs SET tries = tries + 1, next_try_at = :at WHERE job_id = :id",
                    {"id": job.job_id, "at": tx.now + _pause(job.tries)},
                )
                return get(tx, job.job_id)
            why = TOO_LATE if job.expires_at <= tx.now else TOO_OFTEN
            fail(tx, job.job_id, f"{job.error}; {why}" if job.error else why)
        return None

    # Looked at often, written seldom: the write lock is not taken for a look.
    if not db.read(lambda tx: _all(tx, due, printer=printer, now=tx.now)):
        return None
    return db.transaction(count)


def next_try_at(db: Place, printer: str) -> int | None:
    """When a printer's next job is due (epoch ms); None when there is none."""
    sql = "SELECT min(next_try_at) FROM print_jobs WHERE printer = :id AND state = 'queued'"
    row = db.read(lambda tx: tx.one(sql, {"id": printer}))
    return int(row[0]) if row and row[0] is not None else None


def printed(db: Place, job_id: str) -> None:
    """The printer has taken it; what stood on it is forgotten here."""
    _end(db, job_id, PrintState.PRINTED, None)


def missed(db: Place, job: PrintJob, error: str) -> None:
    """A try went wrong: the job waits for the next one, or it was the last."""
    if job.kind is PrintKind.DRAWER or job.tries >= MAX_TRIES:
        return fail(db, job.job_id, error)

    def note(tx: Tx) -> None:
        tx.run(
            "UPDATE print_jobs SET error = :error, next_try_at = :at"
            " WHERE job_id = :id AND state = 'queued'",
            {"id": job.job_id, "error": error, "at": tx.now + _pause(job.tries - 1)},
        )
        _tell(tx, job.job_id)

    return db.transaction(note)


def fail(db: Place, job_id: str, error: str) -> None:
    """It is not printed, and somebody must know."""
    _end(db, job_id, PrintState.FAILED, error)


def retry(db: Place, job_id: str) -> PrintJob | None:
    """Try a job again from the start; None when it is over. A drawer is asked for anew instead."""

    def again(tx: Tx) -> PrintJob | None:
        job = get(tx, job_id)
        if job is None or job.state not in (PrintState.FAILED, PrintState.QUEUED):
            return None
        if job.kind is PrintKind.DRAWER:
            return None
        tx.run(
            "UPDATE print_jobs SET state = 'queued', tries = 0, error = NULL, ended_at = NULL,"
            " next_try_at = :now, expires_at = :until WHERE job_id = :id",
            {"id": job_id, "now": tx.now, "until": tx.now + PAPER_MS},
        )
        return _tell(tx, job_id)

    return db.transaction(again)


def dismiss(db: Place, job_id: str) -> None:
    """Somebody has read that it is not printed, and does without."""
    _end(db, job_id, PrintState.DISMISSED, None)


def _end(db: Place, job_id: str, state: PrintState, error: str | None) -> None:
    over = state is not PrintState.FAILED

    def write(tx: Tx) -> None:
        changed = tx.run(
            "UPDATE print_jobs SET state = :state, error = coalesce(:error, error),"
            " lines = CASE WHEN :over THEN '[]' ELSE lines END, ended_at = :now"
            " WHERE job_id = :id AND state IN ('queued', 'failed')",
            {"id": job_id, "state": state, "error": error, "over": int(over), "now": tx.now},
        )
        if changed:
            _tell(tx, job_id)

    db.transaction(write)


def _tell(tx: Tx, job_id: str) -> PrintJob:
    job = get(tx, job_id)
    if job is None:
        raise NotFound(f"job_id: there is no print job {job_id}")
    facts = {"terminal_id": job.terminal_id, "kind": job.kind, "subject": job.subject}
    if job.error:
        facts["error"] = job.error
    tx.event(f"print.{job.state}", store_id=job.store_id, subject=job_id, data=facts)
    return job


def _pause(tries: int) -> int:
    return PAUSES_MS[max(0, min(tries, len(PAUSES_MS) - 1))]


def _all(db: Place, where: str, **params: str | int) -> list[PrintJob]:
    sql = f"SELECT {_COLUMNS} FROM print_jobs WHERE {where}"  # noqa: S608
    return [PrintJob.of(row) for row in db.read(lambda tx: tx.all(sql, params))]
