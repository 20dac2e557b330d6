"""A reader at its post: opened, watched, shown the sale, and opened again when it went away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

from host.clock import Clock
from host.health import READER, Board
from host.ledger import sales
from host.readers.base import (
    Look,
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


class ReaderPost:
    """One reader serving one terminal; a broken one never disturbs the others."""

    def __init__(
        self,
        till: Till,
        opener: ReaderOpener,
        board: Board,
        clock: Clock,
        *,
        pauses: Sequence[float] = PAUSES_S,
    ) -> None:
        self.till = till
        self._open = opener
        self._board = board
        self._clock = clock
        self._pauses = pauses
        self._reader: Reader | None = None
        self._free = threading.Event()
        self._shown: Show | None = None
        self._instead: Show | None = None
        """What is shown in place of the sale until the card has left."""
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
                self._free.clear()
        self._board.report(self._part, False, "stopped")

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
        if reader is None:
            return
        terminal_id = self.till.terminal.terminal_id
        with self._lock:  # around the look too: a picture of an older look must not come last
            sale = sales.latest(self.till.db, terminal_id)
            card_there = not self._free.is_set()
            show = self._instead or picture(sale, self._clock.now(), card_there=card_there)
            if show != self._shown:
                self._shown = show
                reader.show(show)

    def _serve(self, reader: Reader, stop: threading.Event) -> None:
        self._free.set()
        while not stop.is_set():
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
        while not stop.is_set() and not reader.wait_gone(WAIT_MS):
            self.refresh()
        self._instead = None
        self._free.set()
