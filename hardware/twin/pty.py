"""A PN532 on a pseudo-terminal: any program that opens serial ports can use it."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty

from hardware.twin.bench import Bench
from hardware.twin.pn532 import Pn532

_SPEEDS = {getattr(termios, f"B{n}"): n for n in (9600, 19_200, 38_400, 57_600, 115_200, 230_400)}
_SPEEDS |= {getattr(termios, f"B{n}", -n): n for n in (460_800, 921_600)}
_OUTPUT_SPEED = 5


class Pn532Pty:
    """The chip's end of a serial line whose other end is `device`, a path."""

    def __init__(self, bench: Bench) -> None:
        self._chip = Pn532(bench)
        # Our own copy of the host's end stays open, or the line would hang up with each client.
        self._line, self._host_end = os.openpty()
        tty.setraw(self._host_end)
        self.device = os.ttyname(self._host_end)
        self._wakened, self._waker = os.pipe()
        self._closed = False
        bench.on_change(self._wake)
        self._thread = threading.Thread(target=self._run, name="pn532", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        os.write(self._waker, b"\0")
        self._thread.join()
        for descriptor in (self._line, self._host_end, self._wakened, self._waker):
            os.close(descriptor)

    def _wake(self) -> None:
        if not self._closed:
            os.write(self._waker, b"\0")

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._line, self._wakened], [], [])
            if self._closed:
                return
            if self._wakened in ready:
                os.read(self._wakened, 64)
                self._send(self._chip.look())
            if self._line in ready:
                for part in self._chip.feed(os.read(self._line, 4096), self._baud()):
                    self._send(part)

    def _baud(self) -> int | None:
        """The speed the host has set; the terminal keeps it although nothing is slower for it."""
        return _SPEEDS.get(termios.tcgetattr(self._line)[_OUTPUT_SPEED])

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._line, data) :]
