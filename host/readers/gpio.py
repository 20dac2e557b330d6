"""Lamps and a buzzer on the spare pins of a PN532.

P30 to P33 are the four lights, P71 the approved lamp, P72 the declined lamp, P35 the buzzer; a
high pin is on. (PN532 user manual UM0701-02 §7.2.5 "WriteGPIO".)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from host.readers.base import Look, ReaderGone
from host.readers.lights import Lamps, lamps_at

WRITE_GPIO = 0x0E
_VALID = 0x80  # without this bit the port keeps its level
_P34 = 0x10  # the clock of a secure element; high, as it is after a reset
_P35, _P71, _P72 = 0x20, 0x02, 0x04
_STOP_S = 5.0


def write_gpio(lamps: Lamps) -> bytes:
    """The data of the WriteGPIO command that sets the pins so."""
    row = sum(1 << place for place, lit in enumerate(lamps.row) if lit)
    port3 = _VALID | _P34 | row | (_P35 if lamps.buzzer else 0)
    port7 = _VALID | (_P71 if lamps.approved else 0) | (_P72 if lamps.declined else 0)
    return bytes((port3, port7))


class LampThread:
    """Plays the looks, so that lights go on while the till waits for something else.

    `write` sets the lamps; it is called from this thread only, and only when they change. `finish`
    is called there last.
    """

    def __init__(
        self, write: Callable[[Lamps], None], finish: Callable[[], None] = lambda: None
    ) -> None:
        self._write = write
        self._finish = finish
        self._look = Look.OFF
        self._since = time.monotonic()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="reader-lamps", daemon=True)
        self._thread.start()

    def show(self, look: Look) -> None:
        """Play `look` from its beginning. Any thread; does not wait."""
        with self._changed:
            self._look = look
            self._since = time.monotonic()
            self._changed.notify()

    def close(self) -> None:
        """Put the lamps out and end the thread, unless the device hangs."""
        with self._changed:
            self._look = Look.OFF
            self._closed = True
            self._changed.notify()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        lit: Lamps | None = None
        with contextlib.suppress(ReaderGone):  # whoever waits for a card hears of it
            while True:
                with self._changed:
                    look, since, closed = self._look, self._since, self._closed
                lamps, change_ms = lamps_at(look, int(1000 * (time.monotonic() - since)))
                if lamps != lit:
                    self._write(lamps)
                    lit = lamps
                if closed:
                    self._finish()
                    return
                with self._changed:
                    if (self._look, self._since, self._closed) == (look, since, closed):
                        self._changed.wait(None if change_ms is None else change_ms / 1000)
