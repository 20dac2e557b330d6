"""A reader at its post: opened, watched, shown the sale, and opened again when it went away."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

from host.clock import Clock
from host.health import READER, Board
from host.ledger import loans, sales
from host.ledger.loans import Loan
from host.ledger.records import SaleState
from host.readers.base import (
    Button,
    Look,
    Press,
    Reader,
    ReaderError,
    ReaderGone,
    ReaderOpener,
    SeveralCards,
    Show,
)
from host.store.errors import StoreError
from host.supervise import PAUSES_S
from host.till import Till, picture

log = logging.getLogger(__name__)

WAIT_MS = 250
"""How long one look at the field may take; a stop is noticed after at most this."""


class Borrower(Protocol):
    """Somebody to whom a till's reader is lent, such as the card desk (`host.ledger.loans`)."""

    def serve(self, loan: Loan, reader: Reader, over: Callable[[], bool]) -> None:
        """Do the loan's job; returning ends the loan, unless it is `over` before: then it stays.

        Called in the reader's own thread. Raises `ReaderGone` when the reader went away; the job
        is served again when it is back, or after a restart.
        """


WAITING: Final = (SaleState.READY, SaleState.DECLINED)
"""The states in which a sale waits for a card, and may be given up on the reader."""

NOBODY: Final[Mapping[str, Borrower]] = MappingProxyType({})


class ReaderPost:
    """One reader serving one terminal; a broken one never disturbs the others.

    It serves the till, and while the reader is lent, the borrower.
    """

    def __init__(
        self,
        till: Till,
        opener: ReaderOpener,
        board: Board,
        clock: Clock,
        *,
        borrowers: Mapping[str, Borrower] = NOBODY,
        pauses: Sequence[float] = PAUSES_S,
    ) -> None:
        self.till = till
        self._open = opener
        self._board = board
        self._clock = clock
        self._borrowers = borrowers
        self._lent = False
        self._pauses = pauses
        self._reader: Reader | None = None
        self._free = threading.Event()
        self._shown: Show | None = None
        self._instead: Show | None = None
        """What is shown in place of the sale until the card has left."""
        self._offered: str | None = None
        """The sale that the reader shows and that its Cancel button gives up."""
        self._given_up: deque[str] = deque()
        self._lock = threading.Lock()

    @property
    def _part(self) -> str:
        return f"{READER}:{self.till.terminal.terminal_id}"

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop: the body of the reader's supervised thread."""
        failed = 0
        while not stop.is_set():
            try:
                with self._open() as reader:
                    failed = 0
                    self._reader = reader
                    reader.on_press = self._pressed
                    self._clear(reader, stop)
                    self._board.report(self._part, True, f"{reader.info.name} ready")
                    self._serve(reader, stop)
            except ReaderGone as error:
                if stop.is_set():  # `close` interrupted the wait
                    break
                self._board.report(self._part, False, str(error))
                log.warning("reader of %s: %s", self.till.terminal.terminal_id, error)
                stop.wait(self._pauses[min(failed, len(self._pauses) - 1)])
                failed += 1
            finally:
                self._reader, self._shown, self._instead = None, None, None
                self._offered = None
                self._free.clear()
        self._board.report(self._part, False, "stopped")

    def fault(self, _error: BaseException) -> None:
        """Say that this post's thread failed; why is in the log, which no cashier sees."""
        self._board.report(self._part, False, "the reader failed and is started again")

    def close(self) -> None:
        """Interrupt a wait on the reader, so that a stop takes no time. Any thread."""
        reader = self._reader
        if reader is not None:
            reader.close()

    def wait_free(self, timeout_s: float) -> bool:
        """True when the reader is open and no card lies on it: the next one will be seen."""
        return self._free.wait(timeout_s)

    def refresh(self) -> None:
        """Show what the terminal's sale says now, if it changed. Any thread."""
        reader = self._reader
        if reader is None or self._lent:
            return
        terminal_id = self.till.terminal.terminal_id
        with self._lock:  # around the look too: a picture of an older look must not come last
            sale = sales.latest(self.till.db, terminal_id)
            card_there = not self._free.is_set()
            self._offered = sale.sale_id if sale and sale.state in WAITING else None
            show = self._instead or picture(sale, self._clock.now(), card_there=card_there)
            if show != self._shown:
                self._shown = show
                reader.show(show)

    def _clear(self, reader: Reader, stop: threading.Event) -> None:
        """Wait out what lies there when the reader is opened: it was laid down for another sale.

        Without this a card forgotten on a reader that drops out and comes back would pay for the
        next customer.
        """
        try:
            lying = reader.wait_card(WAIT_MS) is not None
        except SeveralCards:
            lying = True
        if lying:
            log.info("%s: a card lay there already", self._part)
            self._board.report(self._part, False, "a card lies on the reader; lift it")
            self._until_gone(reader, stop)

    def _serve(self, reader: Reader, stop: threading.Event) -> None:
        self._free.set()
        while not stop.is_set():
            if (loan := loans.of(self.till.db, self.till.terminal.terminal_id)) is not None:
                self._lend(loan, reader, stop)
                continue
            self._give_up()
            self.refresh()
            try:
                link = reader.wait_card(WAIT_MS)
            except SeveralCards:
                self._take(reader, self.till.several_cards)
            else:
                if link is None:
                    continue
                self._take(reader, partial(self.till.presented, link))
            self._until_gone(reader, stop)

    def _pressed(self, press: Press) -> None:
        """Remember the sale that was shown when Cancel was pressed. The driver's thread."""
        if press.button is Button.CANCEL and (sale_id := self._offered) is not None:
            self._given_up.append(sale_id)
        elif press.tip_percent is not None:
            log.info("a tip of %d %% on the reader: tips are chosen on the till", press.tip_percent)

    def _give_up(self) -> None:
        """Cancel what a person gave up on the reader; a sale that went on meanwhile stays."""
        while self._given_up:
            try:
                sales.cancel(self.till.db, self._given_up.popleft())
            except StoreError as error:  # the sale is still shown, so whoever pressed sees it
                log.error("a sale of %s could not be cancelled: %s", self._part, error)

    def _lend(self, loan: Loan, reader: Reader, stop: threading.Event) -> None:
        borrower = self._borrowers.get(loan.borrower)
        if borrower is None:
            log.warning("%s was lent to %s, which is not here", self._part, loan.borrower)
        else:
            self._board.report(self._part, True, f"{reader.info.name}, lent to the {loan.borrower}")
            with self._lock:
                self._lent, self._offered = True, None
            try:
                borrower.serve(loan, reader, stop.is_set)
            finally:
                self._lent, self._shown = False, None
            self._board.report(self._part, True, f"{reader.info.name} ready")
        if not stop.is_set():
            loans.give_back(self.till.db, loan.terminal_id, loan.job_id)

    def _take(self, reader: Reader, decide: Callable[[], object]) -> None:
        """Let the till decide about what was laid down, and show what it decided."""
        self._free.clear()
        try:
            decide()
        except ReaderGone:
            raise
        except ReaderError as error:
            log.warning("card on %s not read: %s", self._part, error)
        except StoreError as error:
            # The claim is all or nothing: nothing was taken, so another tap is safe.
            log.error("claim on %s not written: %s", self._part, error)
            self._board.report("ledger", False, str(error))
            self._instead = Show(Look.RETRY, ("Not taken", "see the status dots"))
        self.refresh()

    def _until_gone(self, reader: Reader, stop: threading.Event) -> None:
        told = sales.latest(self.till.db, self.till.terminal.terminal_id)
        while not stop.is_set() and not reader.wait_gone(WAIT_MS):
            self._give_up()
            self.refresh()
            sale = sales.current(self.till.db, self.till.terminal.terminal_id)
            if sale is not None and (told is None or sale.sale_id != told.sale_id):
                told = sale  # charged while a card lies there: nobody should have to guess
                with contextlib.suppress(StoreError):
                    self.till.lying()
        self._instead = None
        self._free.set()
