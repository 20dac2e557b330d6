"""A terminal's reader, lent by its till to something else: to the card desk, for one job.

A loan and an open sale exclude each other, and both are taken under the write lock, so a card is
never charged by one and written by the other. The loan is a row, so any process may ask for it,
and it outlives a restart; whoever owns the reader sees the row and lends it (`host.post`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.ledger import sales
from host.ledger.codes import Code, Refused
from host.ledger.errors import NotFound
from host.ledger.stores import get_terminal
from host.store.tx import Place, Tx

_COLUMNS: Final = "terminal_id, borrower, job_id, person_id, lent_at"


@dataclass(frozen=True, slots=True)
class Loan:
    """Who has a terminal's reader, and for which of his jobs."""

    terminal_id: str
    borrower: str
    job_id: int
    person_id: str | None
    lent_at: int


def of(db: Place, terminal_id: str) -> Loan | None:
    """The loan of this terminal's reader."""
    row = db.read(
        lambda tx: tx.one(
            f"SELECT {_COLUMNS} FROM reader_loans WHERE terminal_id = :id",  # noqa: S608
            {"id": terminal_id},
        )
    )
    return Loan(*row) if row else None


def take(
    db: Place, terminal_id: str, borrower: str, job_id: int, person: str | None
) -> Loan | Refused:
    """Borrow a reader. Refused: `sale_open`, or `reader_lent` to somebody already."""

    def lend(tx: Tx) -> Loan | Refused:
        terminal = get_terminal(tx, terminal_id)
        if terminal is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        if of(tx, terminal_id) is not None:
            return Refused(Code.READER_LENT)
        if sales.current(tx, terminal_id) is not None:
            return Refused(Code.SALE_OPEN)
        loan = Loan(terminal_id, borrower, job_id, person, tx.now)
        tx.run(
            "INSERT INTO reader_loans (terminal_id, borrower, job_id, person_id, lent_at)"
            " VALUES (:terminal_id, :borrower, :job_id, :person_id, :now)",
            {
                "terminal_id": terminal_id,
                "borrower": borrower,
                "job_id": job_id,
                "person_id": person,
                "now": tx.now,
            },
        )
        _tell(tx, "reader.lent", terminal.store_id, loan)
        return loan

    return db.transaction(lend)


def give_back(db: Place, terminal_id: str, job_id: int) -> bool:
    """End the loan of this job; False, and nothing changes, when it is over already."""

    def end(tx: Tx) -> bool:
        loan, terminal = of(tx, terminal_id), get_terminal(tx, terminal_id)
        if loan is None or terminal is None or loan.job_id != job_id:
            return False
        tx.run("DELETE FROM reader_loans WHERE terminal_id = :id", {"id": terminal_id})
        _tell(tx, "reader.returned", terminal.store_id, loan)
        return True

    return db.transaction(end)


def _tell(tx: Tx, kind: str, store_id: str, loan: Loan) -> None:
    data = {"terminal_id": loan.terminal_id, "borrower": loan.borrower, "job_id": loan.job_id}
    tx.event(kind, store_id=store_id, subject=loan.terminal_id, data=data)
