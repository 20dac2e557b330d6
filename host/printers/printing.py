"""How something gets onto paper: ask here and go on. The daemon's printers do the rest."""

from __future__ import annotations

from collections.abc import Iterable

from host.ledger import audit, people, print_jobs
from host.ledger.errors import LedgerError
from host.ledger.permissions import Person
from host.ledger.print_jobs import PrintJob, PrintKind
from host.receipts import layout, paper
from host.receipts import receipt as receipts
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


def receipt(
    db: Place,
    sale_id: str,
    *,
    simulated: bool,
    terminal_id: str | None = None,
    person_id: str | None = None,
    once: bool = False,
) -> PrintJob | None:
    """Have the receipt of a paid sale printed, at its own terminal unless another is named.

    What is printed after the first one says that it is a copy; with `once` nothing is. None where
    no printer serves the terminal. Raises `LedgerError` for a sale that was not paid.
    """
    # Laid out before the write lock is taken: a claim must not wait for typography.
    copy = print_jobs.has_receipt(db, sale_id)
    if copy and once:
        return None
    made = receipts.of_sale(db, sale_id, copy=copy, simulated=simulated)
    text = paper.dump(layout.pieces(made))

    def ask(tx: Tx) -> PrintJob | None:
        if not copy and print_jobs.has_receipt(tx, sale_id):
            return None  # somebody else was faster: that receipt comes out
        kind = PrintKind.COPY if copy else PrintKind.RECEIPT
        sale = made.sale
        at = terminal_id or sale.terminal_id
        job = print_jobs.add(
            tx, sale.store_id, at, kind, text, subject=sale_id, person_id=person_id
        )
        if job is not None and copy:
            audit.append(tx, person_id, "sale.reprint", sale_id, {"terminal_id": at})
        return job

    return db.transaction(ask)


def refund(
    db: Place,
    sale_id: str,
    entry_id: str,
    terminal_id: str,
    *,
    simulated: bool,
    person_id: str | None = None,
) -> PrintJob | None:
    """Have the receipt of one refund printed; None where no printer serves the terminal."""
    made = receipts.of_refund(db, sale_id, entry_id, simulated=simulated)
    return submit(
        db,
        made.store.store_id,
        terminal_id,
        PrintKind.REFUND,
        layout.pieces(made),
        subject=sale_id,
        person_id=person_id,
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
