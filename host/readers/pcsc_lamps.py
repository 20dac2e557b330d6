"""A bought reader's lamps, sounds and silence, over escape commands (`host.readers.manners`).

Nothing here waits for a card or holds one up: who calls decides when a command may go out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from host.readers.lights import Lamps
from host.readers.manners import Escapes, command

_log = logging.getLogger(__name__)

Control = Callable[[bytes], bytes]
"""Sends one escape command to the reader and returns its answer. Raises `EscapeRefused`."""


class EscapeRefused(Exception):
    """The driver or the reader takes no such command: its lamps stay its own."""


class EscapeLamps:
    """One reader that was asked how it is set, told to be quiet, and is put back at the end."""

    def __init__(self, escapes: Escapes, control: Control) -> None:
        """Ask, and silence its beep at cards. Raises `EscapeRefused`, and nothing has changed."""
        self._escapes = escapes
        self._control = control
        self._sounding = False
        self._lamps_before = self._lamps = self._ask(command(escapes.lamps_now))
        now = escapes.habits_now
        self._habits = escapes.habits_default if now is None else self._ask(command(now))
        self._quiet = self._habits & ~escapes.beeps_at_cards
        self._keep(self._quiet, self._habits)

    def write(self, lamps: Lamps) -> None:
        """Show this: one lamp for what is well, one for what is not. Raises `EscapeRefused`."""
        escapes = self._escapes
        wanted = self._lamps_before & ~(escapes.green | escapes.red)
        if lamps.declined:
            wanted |= escapes.red
        elif lamps.approved or any(lamps.row):
            wanted |= escapes.green
        if wanted != self._lamps:
            self._ask(command(escapes.lamps, wanted | escapes.lamps_always))
            self._lamps = wanted
        if lamps.buzzer != self._sounding:
            self._sounding = lamps.buzzer
            sound = escapes.beep if lamps.buzzer else escapes.beep_end
            if sound is not None:
                self._ask(command(sound))

    def restore(self) -> None:
        """Put the reader back as it was found; a reader that is gone stays as it is."""
        try:
            if self._lamps != self._lamps_before:
                before = self._lamps_before | self._escapes.lamps_always
                self._ask(command(self._escapes.lamps, before))
            self._keep(self._habits, self._quiet)
        except EscapeRefused as error:
            _log.info("the reader could not be put back as it was: %s", error)

    def _keep(self, habits: int, before: int) -> None:
        """Set the habits, unless they are so: some readers write them to their flash memory."""
        if habits != before:
            self._ask(command(self._escapes.habits, habits))

    def _ask(self, asked: bytes) -> int:
        """The last byte of the answer."""
        answer = self._control(asked)
        if not self._escapes.is_good(answer):
            raise EscapeRefused(f"{asked.hex(' ')} was answered by {answer.hex(' ')}")
        return answer[-1]
