"""Shifts: somebody's time at a terminal, and what was taken in it.

A sale is of the shift that whoever charged it has open there as the money comes (step 009). One
that settles after its shift was closed is of no shift, and is in the terminal's Z report all the
same. A closed shift is never changed, and nothing is added to it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

from host.ledger import audit, ids, people, stores, till_lines, till_report
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.permissions import Person
from host.ledger.rates import NO_CURRENCY
from host.ledger.till_lines import Scope
from host.ledger.till_report import Body, Span
from host.store.tx import Place, Row, Tx

WORK: Final = "shift.work"
CLOSE_ANY: Final = "report.close"
"""Whoever closes the till may close a shift that somebody forgot."""

MAX_NOTE: Final = 200
_MOST_MINOR: Final = 10**12


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift; the cash is in the smallest unit of `currency`, None where nobody counted."""

    shift_id: str
    store_id: str
    terminal_id: str
    person_id: str
    opened_at: int
    closed_at: int | None
    currency: str
    opening_minor: int | None
    counted_minor: int | None
    note: str

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*row)

    @property
    def open(self) -> bool:
        return self.closed_at is None

    @property
    def has_cash(self) -> bool:
        """Whether there is anything to count, or was counted: nobody has satoshi in a drawer."""
        counted = self.opening_minor is not None or self.counted_minor is not None
        return counts_cash(self.currency) or counted


def counts_cash(currency: str) -> bool:
    """Whether a shop of this currency has cash in a drawer."""
    return currency != NO_CURRENCY


_COLUMNS: Final = ", ".join(one.name for one in fields(Shift))

_INSERT: Final = f"""
    INSERT INTO shifts ({_COLUMNS}) VALUES (:shift_id, :store_id, :terminal_id, :person_id, :now,
        NULL, :currency, :opening_minor, NULL, '')
"""  # noqa: S608

_CLOSE: Final = """
    UPDATE shifts SET closed_at = :now, counted_minor = :counted_minor, note = :note
    WHERE shift_id = :shift_id
"""


def start(
    db: Place, terminal_id: str, person: Person, *, opening_minor: int | None = None
) -> Shift:
    """Open a shift of this person at a terminal; `Taken` when one is open there already."""
    _check_cash(opening_minor, "opening")

    def begin(tx: Tx) -> Shift:
        terminal = stores.get_terminal(tx, terminal_id)
        store = stores.get(tx, terminal.store_id) if terminal else None
        if store is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        people.must(person, WORK, store.store_id)
        if current(tx, terminal_id, person.person_id) is not None:
            raise Taken(f"person: {person.name} has a shift open here")
        newest = recent(tx, store.store_id, limit=1)
        row: dict[str, Any] = {
            "shift_id": ids.after(newest[0].shift_id, tx.now) if newest else ids.new(tx.now),
            "store_id": store.store_id,
            "terminal_id": terminal_id,
            "person_id": person.person_id,
            "currency": store.currency,
            "opening_minor": opening_minor,
        }
        tx.run(_INSERT, row | {"now": tx.now})
        _tell(tx, "shift.opened", row, person, {"opening_minor": opening_minor})
        return _need(tx, row["shift_id"])

    return db.transaction(begin)


def finish(
    db: Place,
    shift_id: str,
    person: Person | None = None,
    *,
    counted_minor: int | None = None,
    note: str = "",
) -> Shift:
    """Close a shift for good: its own person, or somebody who may close the till.

    `person` None is the machine's owner at the command line.
    """
    _check_cash(counted_minor, "counted")
    words = " ".join(note.split())
    if len(words) > MAX_NOTE or not (words.isprintable() or not words):
        raise LedgerError(f"note: at most {MAX_NOTE} characters")

    def end(tx: Tx) -> Shift:
        shift = _need(tx, shift_id)
        own = person is not None and person.person_id == shift.person_id
        people.must(person, WORK if own else CLOSE_ANY, shift.store_id)
        if not shift.open:
            raise LedgerError("shift: it is closed already")
        values = {"shift_id": shift_id, "counted_minor": counted_minor, "note": words}
        tx.run(_CLOSE, values | {"now": tx.now})
        row = {"store_id": shift.store_id, "terminal_id": shift.terminal_id, "shift_id": shift_id}
        facts = {"counted_minor": counted_minor, "of": shift.person_id}
        _tell(tx, "shift.closed", row, person, facts)
        return _need(tx, shift_id)

    return db.transaction(end)


def get(db: Place, shift_id: str) -> Shift | None:
    """The shift of this id."""
    sql = f"SELECT {_COLUMNS} FROM shifts WHERE shift_id = :id"  # noqa: S608
    row = db.read(lambda tx: tx.one(sql, {"id": shift_id}))
    return Shift.of(row) if row else None


def current(db: Place, terminal_id: str, person_id: str) -> Shift | None:
    """The shift that a person has open at a terminal."""
    sql = (
        f"SELECT {_COLUMNS} FROM shifts WHERE terminal_id = :terminal_id"  # noqa: S608
        " AND person_id = :person_id AND closed_at IS NULL"
    )
    params = {"terminal_id": terminal_id, "person_id": person_id}
    row = db.read(lambda tx: tx.one(sql, params))
    return Shift.of(row) if row else None


def recent(
    db: Place,
    store_id: str,
    *,
    before: str | None = None,
    person_id: str | None = None,
    limit: int = 50,
) -> list[Shift]:
    """A store's shifts, newest first, of one person where named; `before` an id to go on from."""
    sql = (
        f"SELECT {_COLUMNS} FROM shifts WHERE store_id = :store_id AND shift_id < :before"  # noqa: S608
        " AND (:person_id IS NULL OR person_id = :person_id) ORDER BY shift_id DESC LIMIT :limit"
    )
    params = {"store_id": store_id, "before": before or "~", "person_id": person_id, "limit": limit}
    return [Shift.of(row) for row in db.read(lambda tx: tx.all(sql, params))]


def report(db: Place, shift: Shift) -> Body:
    """What was taken in a shift, so far or in all."""
    scope = Scope(shift.store_id, shift.terminal_id, shift.shift_id)

    def look(tx: Tx) -> Body:
        until_at = tx.now if shift.closed_at is None else shift.closed_at
        span = Span(0, till_lines.newest(tx, scope), shift.opened_at, until_at)
        who = people.get(tx, shift.person_id)
        told = till_report.tell(tx, scope, span, "shift")
        return told | {"person": who.name if who else shift.person_id}

    return db.read(look)


def _check_cash(minor: int | None, field: str) -> None:
    if minor is not None and not 0 <= minor <= _MOST_MINOR:
        raise LedgerError(f"{field}: must be zero or more")


def _tell(
    tx: Tx, kind: str, row: dict[str, Any], person: Person | None, facts: dict[str, Any]
) -> None:
    who = person.person_id if person else None
    data = {"terminal_id": row["terminal_id"], "person_id": who}
    tx.event(kind, store_id=row["store_id"], subject=row["shift_id"], data=data)
    audit.append(tx, who, kind, row["shift_id"], data | facts)


def _need(tx: Tx, shift_id: str) -> Shift:
    shift = get(tx, shift_id)
    if shift is None:
        raise NotFound(f"shift_id: there is no shift {shift_id}")
    return shift
