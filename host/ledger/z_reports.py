"""X and Z reports: what a till took since its last Z, and that same told for good, with a number.

Each terminal has a row of Z reports of its own, and each store has one for all of it. Within a row
the numbers go 1, 2, 3 without a gap, as the Z counter of a cash register does: whoever holds the
papers of one till sees a missing one. A report takes up at the very line where the one before it
ended, so every line is in exactly one Z of its terminal, and in exactly one of its store. Each
carries the hash of the one before it, and the head of the audit trail.

An X report is the same figures, not numbered and not kept; it changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from host.ledger import audit, ids, people, till_figures, till_lines, till_report
from host.ledger.permissions import Person
from host.ledger.till_lines import Line, Scope
from host.ledger.till_report import Body, Span
from host.store.tx import Place, Row, Tx

CLOSE: Final = "report.close"
_START: Final = bytes(32)
_JSON: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class ZReport:
    """One Z report; `terminal_id` None is the whole store."""

    report_id: str
    store_id: str
    terminal_id: str | None
    number: int
    span: Span
    person_id: str | None
    body: Body
    hash: bytes

    @property
    def scope(self) -> Scope:
        return Scope(self.store_id, self.terminal_id)


_COLUMNS: Final = (
    "report_id, store_id, terminal_id, number, after_line, until_line, from_at, until_at,"
    " person_id, body, hash"
)

_LAST: Final = f"""
    SELECT {_COLUMNS} FROM z_reports
    WHERE store_id = :store_id AND coalesce(terminal_id, '') = coalesce(:terminal_id, '')
    ORDER BY number DESC LIMIT 1
"""  # noqa: S608

_NUMBERED: Final = f"""
    SELECT {_COLUMNS} FROM z_reports
    WHERE store_id = :store_id AND coalesce(terminal_id, '') = coalesce(:terminal_id, '')
        AND number = :number
"""  # noqa: S608

_RECENT: Final = f"""
    SELECT {_COLUMNS} FROM z_reports
    WHERE store_id = :store_id AND report_id < :before ORDER BY report_id DESC LIMIT :limit
"""  # noqa: S608

_INSERT: Final = f"""
    INSERT INTO z_reports ({_COLUMNS}) VALUES (:report_id, :store_id, :terminal_id, :number,
        :after_line, :until_line, :from_at, :until_at, :person_id, :body, :hash)
"""  # noqa: S608


def interim(db: Place, store_id: str, terminal_id: str | None = None) -> Body:
    """The X report: what came since the last Z, up to now."""
    return draft(db, Scope(store_id, terminal_id))[1]


def draft(db: Place, scope: Scope, kind: str = "x") -> tuple[Span, Body]:
    """What came since the last Z, and which lines that are."""

    def look(tx: Tx) -> tuple[Span, Body]:
        after, from_at = _edge(_last(tx, scope))
        span = Span(after, till_lines.newest(tx, scope, after), from_at, tx.now)
        return span, till_report.tell(tx, scope, span, kind)

    return db.read(look)


def close(
    db: Place, store_id: str, terminal_id: str | None = None, person: Person | None = None
) -> ZReport:
    """Make the next Z report; `NotAllowed` without `report.close` there.

    `person` None is the machine's owner at the command line. The sums are made on a snapshot, so
    that no till waits for them; lines that come meanwhile have higher numbers, and are in the next.
    """
    people.must(person, CLOSE, store_id)
    scope, who = Scope(store_id, terminal_id), person.person_id if person else None
    while True:
        span, body = draft(db, scope, "z")

        def keep(tx: Tx, span: Span = span, body: Body = body) -> ZReport | None:
            return _keep(tx, scope, span, body, who)

        made = db.transaction(keep)
        if made is not None:  # else somebody else made one between the look and now
            return made


def _keep(tx: Tx, scope: Scope, span: Span, body: Body, who: str | None) -> ZReport | None:
    last = _last(tx, scope)
    if _edge(last) != (span.after, span.from_at):
        return None
    newest = tx.one(_RECENT, {"store_id": scope.store_id, "before": "~", "limit": 1})
    row: dict[str, Any] = {
        "report_id": ids.after(newest["report_id"], tx.now) if newest else ids.new(tx.now),
        "store_id": scope.store_id,
        "terminal_id": scope.terminal_id,
        "number": last.number + 1 if last else 1,
        "after_line": span.after,
        "until_line": span.until,
        "from_at": span.from_at,
        "until_at": span.until_at,
        "person_id": who,
        "body": _JSON(body),
    }
    digest = _digest(last.hash if last else _START, tuple(row.values()))
    tx.run(_INSERT, row | {"hash": digest})
    facts = {
        "number": row["number"],
        "terminal_id": scope.terminal_id,
        "net_msat": body["total"]["net_msat"],
        "hash": digest.hex(),
    }
    tx.event("report.closed", store_id=scope.store_id, subject=row["report_id"], data=facts)
    audit.append(tx, who, CLOSE, row["report_id"], facts | {"store_id": scope.store_id})
    return get(tx, row["report_id"])


def get(db: Place, report_id: str) -> ZReport | None:
    """The Z report of this id."""
    sql = f"SELECT {_COLUMNS} FROM z_reports WHERE report_id = :id"  # noqa: S608
    row = db.read(lambda tx: tx.one(sql, {"id": report_id}))
    return _of(row) if row else None


def last(db: Place, store_id: str, terminal_id: str | None = None) -> ZReport | None:
    """The newest Z report of a terminal, or of a whole store."""
    return db.read(lambda tx: _last(tx, Scope(store_id, terminal_id)))


def numbered(db: Place, store_id: str, terminal_id: str | None, number: int) -> ZReport | None:
    """The Z report of this number, of a terminal or of a whole store."""
    params = {"store_id": store_id, "terminal_id": terminal_id, "number": number}
    row = db.read(lambda tx: tx.one(_NUMBERED, params))
    return _of(row) if row else None


def recent(
    db: Place, store_id: str, *, before: str | None = None, limit: int = 50
) -> list[ZReport]:
    """A store's Z reports of all its rows, newest first; `before` an id for the page after."""
    params = {"store_id": store_id, "before": before or "~", "limit": limit}
    return [_of(row) for row in db.read(lambda tx: tx.all(_RECENT, params))]


def lines(tx: Tx, report: ZReport) -> Iterator[Line]:
    """What a report counted, line by line."""
    return till_lines.each(tx, report.scope, report.span.after, report.span.until)


def verify(db: Place) -> list[str]:
    """Is every report there, unchanged, and does it say what its lines say? What does not."""
    return db.read(lambda tx: list(problems(tx)))


def problems(tx: Tx) -> Iterator[str]:
    """As `verify`, inside a transaction."""
    order = "store_id, coalesce(terminal_id, ''), number"
    before: ZReport | None = None
    for row in tx.each(f"SELECT {_COLUMNS} FROM z_reports ORDER BY {order}"):  # noqa: S608
        told, report = tuple(row), _of(row)
        if before is not None and before.scope != report.scope:
            before = None
        name = f"Z report {report.number} of {report.terminal_id or report.store_id}"
        number, after = (before.number + 1, before.span.until) if before else (1, 0)
        if (report.number, report.span.after) != (number, after):
            yield f"{name}: it does not take up where the one before it ended"
        elif _digest(before.hash if before else _START, told[:-1]) != report.hash:
            yield f"{name} was changed"
        figures = till_figures.sum_up(lines(tx, report), lambda _: "")
        if figures.total.told() != report.body["total"]:
            yield f"{name}: its lines come to something else"
        before = report


def _edge(report: ZReport | None) -> tuple[int, int | None]:
    """Where the report after this one takes up: its last line, and its time."""
    return (report.span.until, report.span.until_at) if report else (0, None)


def _last(tx: Tx, scope: Scope) -> ZReport | None:
    row = tx.one(_LAST, {"store_id": scope.store_id, "terminal_id": scope.terminal_id})
    return _of(row) if row else None


def _of(row: Row) -> ZReport:
    report_id, store_id, terminal_id, number, *span, person_id, body, digest = row
    return ZReport(
        report_id, store_id, terminal_id, number, Span(*span), person_id, json.loads(body), digest
    )


def _digest(previous: bytes, told: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(previous + _JSON(told).encode()).digest()
