"""How something gets onto paper: ask here and go on. The daemon's printers do the rest."""

from __future__ import annotations

from collections.abc import Iterable

from host.ledger import audit, people, print_jobs
from host.ledger.errors import LedgerError
from host.ledger.permissions import Person
from host.ledger.print_jobs import PrintJob, PrintKind
from host.receipts import paper
from host.receipts.paper import Piece
from host.store.tx import Place, Tx


def submit(
    db: Place,
    store_id: str,
    terminal_id: str,
    kind: PrintKind,
    lines: Iterable[Piece],
    *,
    subject: str | None = None,
    person_id: str | None = None,
) -> PrintJob | None:
    """Have pieces of paper printed at a terminal; None where no printer serves it.

    It is written down and nothing is waited for. What cannot be printed is told at the terminal,
    where somebody retries or dismisses it.
    """
    text = paper.dump(lines)
    return print_jobs.add(
        db, store_id, terminal_id, kind, text, subject=subject, person_id=person_id
    )


def open_drawer(
    db: Place, store_id: str, terminal_id: str, person: Person | None, reason: str = ""
) -> PrintJob:
    """Kick the cash drawer of a terminal; who did it is kept.

    `NotAllowed` without `drawer.open`; `LedgerError` where there is no drawer. `person` None is
    the machine's owner at the command line.
    """

    def ask(tx: Tx) -> PrintJob:
        people.must(person, "drawer.open", store_id)
        printer = print_jobs.printer_of(tx, terminal_id)
        if printer is None or not printer.drawer:
            raise LedgerError("drawer: no cash drawer serves this terminal")
        who = person.person_id if person else None
        job = submit(tx, store_id, terminal_id, PrintKind.DRAWER, [], person_id=who)
        assert job is not None  # noqa: S101 - its printer was found just now
        facts = {"printer": printer.printer, "reason": reason}
        audit.append(tx, who, "drawer.open", terminal_id, facts)
        return job

    return db.transaction(ask)
