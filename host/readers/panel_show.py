"""Shows the till's states on our reader, from a thread of its own: `show` never waits."""

from __future__ import annotations

import contextlib
import threading

from host.readers.base import Look, ReaderGone, Show
from host.readers.panel_frames import Value
from host.readers.panel_line import PanelLine
from host.readers.panel_words import Outcome, Request, ScreenLook, Status, Tag

_SCREEN = {
    Look.OFF: ScreenLook.OFF,
    Look.IDLE: ScreenLook.IDLE,
    Look.READING: ScreenLook.READING,
    Look.READ: ScreenLook.READ,
    Look.APPROVED: ScreenLook.APPROVED,
    Look.DECLINED: ScreenLook.DECLINED,
    Look.CHECKING: ScreenLook.CHECKING,
    Look.RETRY: ScreenLook.RETRY,
}
_WITH_AMOUNT = (Look.READY, Look.READING, Look.READ, Look.APPROVED, Look.CHECKING)
"""Looks whose first line is the amount; the reader says in its own words what they mean."""
_OUTCOMES = {Look.APPROVED: Outcome.APPROVED, Look.DECLINED: Outcome.DECLINED}


def words_of(what: Show) -> list[tuple[int, Value]]:
    """A picture's lines, as the reader takes them: "2 500 sat" is an amount and a currency."""
    first, second = what.lines
    if what.look not in _WITH_AMOUNT:
        return [(Tag.LINE1, first), (Tag.LINE2, second)]
    number, _, unit = first.rpartition(" ")
    if number and unit.isalpha():
        return [(Tag.AMOUNT, number), (Tag.CURRENCY, unit)]
    return [(Tag.AMOUNT, first)]


class Shower:
    """The last look wins; a session that was tapped gets its RESULT."""

    def __init__(self, line: PanelLine) -> None:
        self._line = line
        self._changed = threading.Condition()
        self._wanted: Show | None = None
        self._session = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="panel show", daemon=True)
        self._thread.start()

    def show(self, what: Show) -> None:
        """Show it soon. Any thread."""
        with self._changed:
            self._wanted = what
            self._changed.notify()

    def tapped(self, session: int) -> None:
        """That session waits for a result from now on."""
        with self._changed:
            self._session = session

    def close(self) -> None:
        """Show what is still wanted, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(2)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and not self._closed:
                    self._changed.wait()
                if self._wanted is None or self._line.gone:
                    return
                what, self._wanted = self._wanted, None
                session = self._session
                if what.look in _OUTCOMES:
                    self._session = 0
            with contextlib.suppress(ReaderGone):  # whoever waits for a card is told
                self._send(what, session)

    def _send(self, what: Show, session: int) -> None:
        lines = words_of(what)
        outcome = _OUTCOMES.get(what.look)
        if outcome and session:
            result: list[tuple[int, Value]] = [
                (Tag.SESSION, session),
                (Tag.OUTCOME, bytes([outcome])),
                *lines,
            ]
            if self._line.ask(Request.RESULT, *result).number(Tag.STATUS) == Status.OK:
                return
        screen = _SCREEN.get(what.look)
        if screen is not None:  # READY is shown by the arming that follows it
            self._line.ask(Request.UI, (Tag.LOOK, bytes([screen])), *lines)
