"""One printer at work: it takes its jobs from the ledger, one after the other.

A printer that is away, out of paper or slow holds up its own jobs and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from host.health import Board
from host.ledger import print_jobs
from host.ledger.print_jobs import PrinterRow, PrintJob, PrintKind
from host.printers.automatic import Automatic
from host.printers.encode import encode, kick
from host.printers.errors import PrinterMissing, PrinterTrouble
from host.printers.printer import Printer
from host.printers.settings import PrinterConfig
from host.printers.wire import Wire, open_wire
from host.receipts import paper
from host.store.engine import Engine

log = logging.getLogger(__name__)

LOOK_MS: Final = 1_000
NEWS: Final = ("print.queued",)

Body = Callable[[threading.Event], None]


class Station:
    """The worker of one printer."""

    def __init__(
        self,
        printer: PrinterConfig,
        db: Engine,
        board: Board,
        opener: Callable[[PrinterConfig], Wire] = open_wire,
    ) -> None:
        self._printer = Printer(printer, opener)
        self._name = printer.name
        self._db = db
        self._board = board

    def run(self, stop: threading.Event) -> None:
        """Print what comes, until `stop`."""
        self._printer.over = stop.is_set
        while not stop.is_set():
            seen = self._db.events.known_id  # first, so that what comes while we look wakes us
            if not self.step():
                self._db.events.wait(seen, self._pause_ms(), NEWS)

    def step(self) -> bool:
        """Print the next job, if one is due; False when there was none."""
        job = print_jobs.take(self._db, self._name)
        if job is None:
            return False
        part = f"printer:{self._name}"
        try:
            self._print(job)
        except PrinterTrouble as error:
            words = f"printer {self._name}: {error}"
            log.warning("%s of %s not printed: %s", job.kind, job.subject or "no sale", words)
            if isinstance(error, PrinterMissing):
                print_jobs.fail(self._db, job.job_id, words)
            else:
                print_jobs.missed(self._db, job, words)
            self._board.report(part, False, str(error))
        else:
            print_jobs.printed(self._db, job.job_id)
            self._board.report(part, True, "ready")
        return True

    def _print(self, job: PrintJob) -> None:
        config = self._printer.config
        if job.kind is PrintKind.DRAWER:
            self._printer.put(kick(config), paper=False)
        else:
            self._printer.put(encode(paper.load(job.lines), config))

    def _pause_ms(self) -> int:
        due = print_jobs.next_try_at(self._db, self._name)
        return LOOK_MS if due is None else max(1, min(LOOK_MS, due - self._db.now))


def bodies(
    printers: Iterable[PrinterConfig], db: Engine, board: Board, *, simulated: bool
) -> Iterator[tuple[str, Body]]:
    """Tell the ledger which printers there are, and what works for them, each by its name."""
    listed = list(printers)
    rows = [PrinterRow(one.name, one.terminals, one.drawer_pin != 0) for one in listed]
    print_jobs.configure(db, rows)
    if listed:
        yield "receipts", Automatic(db, simulated=simulated).run
    for printer in listed:
        yield f"printer {printer.name}", Station(printer, db, board).run
