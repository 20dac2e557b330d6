"""One receipt printer: hand it bytes, and know whether they came out."""

from __future__ import annotations

from collections.abc import Callable

from host.printers import status
from host.printers.errors import PrinterTrouble
from host.printers.settings import PrinterConfig
from host.printers.wire import Wire, open_wire


class Printer:
    """A configured printer; it is opened for each thing that is printed, and let go of again."""

    def __init__(
        self, config: PrinterConfig, opener: Callable[[PrinterConfig], Wire] = open_wire
    ) -> None:
        self.config = config
        self._open = opener
        self.over: Callable[[], bool] = lambda: False
        """Whether nobody waits any more; then a try ends early, and is made again later."""
        self._answered = False
        """It answered once: when it is silent now, something is wrong."""
        self._tells = True
        """It says when it has printed, as far as is known."""

    def look(self) -> bool:
        """Whether it says that it is ready; False when it says nothing. Raises as `put`."""
        with self._open(self.config) as wire:
            return self._check(wire)

    def put(self, data: bytes, *, paper: bool = True) -> None:
        """Hand bytes over; raises `PrinterTrouble` with words when they do not come out.

        `paper` is False for what prints nothing, such as the kick of a drawer.
        """
        with self._open(self.config) as wire:
            answers = self._check(wire)
            wire.send(data)
            if answers and paper and self._tells:
                self._tells = status.wait_printed(wire)
            elif answers:
                status.check(wire)

    def _check(self, wire: Wire) -> bool:
        wire.over = self.over
        answers = status.check(wire)
        if self._answered and not answers:
            raise PrinterTrouble(status.SILENT_WORDS)
        self._answered = answers
        return answers
