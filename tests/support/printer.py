"""A receipt printer on the loopback network: it keeps what it is sent and says how it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEVER_S = 30.0

READY = 0x12
OFFLINE = 0x1A
PAPER_OUT = 0x72
COVER_OPEN = 0x16


class FakePrinter:
    """Answers `DLE EOT` as it is told to, and `GS r` after what came before it."""

    def __init__(self) -> None:
        self.online, self.cause, self.paper = READY, READY, READY
        self.answers = True
        self.tells = True
        """Whether it knows `GS r`."""
        self.hangs_up = False
        """It takes the connection and closes it."""
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._asked = threading.Event()
        self.printed = b""
        self._changed = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def device(self) -> str:
        return f"tcp:127.0.0.1:{self._server.getsockname()[1]}"

    def run_out(self) -> None:
        """The paper ends."""
        self.online, self.cause, self.paper = OFFLINE, 0x32, PAPER_OUT

    def refill(self) -> None:
        self.online, self.cause, self.paper = READY, READY, READY

    def hold(self) -> None:
        """Be as one whose line is cut: whoever asks hears nothing, until `release`."""
        self._goes_on.clear()

    def release(self) -> None:
        self._goes_on.set()

    def wait_asked(self) -> None:
        """Return when somebody has connected."""
        assert self._asked.wait(NEVER_S)

    def wait_printed(self, part: bytes) -> bytes:
        """What was printed, as soon as it holds this."""
        with self._changed:
            assert self._changed.wait_for(lambda: part in self.printed, NEVER_S), self.printed
            return self.printed

    def close(self) -> None:
        self._over = True
        with socket.create_connection(self._server.getsockname()):
            self._thread.join(NEVER_S)
        self._server.close()

    def _serve(self) -> None:
        while True:
            link, _ = self._server.accept()
            with link:
                if self._over:
                    return
                self._asked.set()
                self._goes_on.wait()
                if not self.hangs_up:
                    self._talk(link)

    def _talk(self, link: socket.socket) -> None:
        while True:
            try:
                data = link.recv(4096)
            except OSError:
                return
            if not data:
                return
            self._take(link, data)

    def _take(self, link: socket.socket, data: bytes) -> None:
        for question, answer in (
            (b"\x10\x04\x01", self.online),
            (b"\x10\x04\x02", self.cause),
            (b"\x10\x04\x04", self.paper),
            (b"\x1dr\x01", 0 if self.tells else None),
        ):
            if question in data:
                data = data.replace(question, b"")
                if self.answers and answer is not None:
                    link.sendall(bytes([answer]))
        with self._changed:
            self.printed += data
            self._changed.notify_all()


@contextmanager
def fake_printer() -> Iterator[FakePrinter]:
    """A printer that is switched on, with paper in it."""
    printer = FakePrinter()
    try:
        yield printer
    finally:
        printer.close()
