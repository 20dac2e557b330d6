"""How bytes reach a printer: over the network, a serial line, USB, or into a file.

Ours and not python-escpos': it waits without end on USB, and supposes the end points there. Every
call here ends within its time. A printer that is opened answers nothing by itself.
"""

from __future__ import annotations

import os
import select
import socket
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from host.closing import Closing
from host.printers.errors import PrinterMissing, PrinterTrouble
from host.printers.settings import PrinterConfig, host_and_port

OPEN_S: Final = 5.0
SEND_S: Final = 10.0
"""How long a printer may refuse to take more: its buffer is full, and it prints no line."""

SLICE_S: Final = 0.25
"""How soon a wait notices that the service stops."""

CANNOT_TAKE: Final = "it takes no data: look at its paper and its lamps"


STOPPING: Final = "the service stopped while it was printed"


class Wire(Closing):
    """An open way to a printer."""

    two_way = True
    """Whether anything the printer says can come back."""

    over: Callable[[], bool] = staticmethod(lambda: False)
    """Whether nobody waits any more: the service stops."""

    def keep_waiting(self, until: float) -> None:
        """Raise `PrinterTrouble` when the time (monotonic, s) is over, or the service stops."""
        if self.over():
            raise PrinterTrouble(STOPPING)
        if time.monotonic() >= until:
            raise PrinterTrouble(CANNOT_TAKE)

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand over all bytes; raises `PrinterTrouble`."""

    @abstractmethod
    def receive(self, timeout_s: float) -> bytes:
        """What the printer says within this time; empty for nothing."""


class NetworkWire(Wire):
    """A printer with an address, usually at port 9100."""

    def __init__(self, place: str) -> None:
        try:
            self._socket = socket.create_connection(host_and_port(place), OPEN_S)
        except OSError as error:
            raise PrinterTrouble(f"nothing answers at {place} ({_reason(error)})") from error

    def send(self, data: bytes) -> None:
        until = time.monotonic() + SEND_S
        self._socket.settimeout(SLICE_S)
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                self.keep_waiting(until)
            except OSError as error:
                raise PrinterTrouble(f"the connection broke ({_reason(error)})") from error

    def receive(self, timeout_s: float) -> bytes:
        self._socket.settimeout(timeout_s)
        try:
            told = self._socket.recv(16)
        except TimeoutError:
            return b""
        except OSError as error:
            raise PrinterTrouble(f"the connection broke ({_reason(error)})") from error
        if not told:
            raise PrinterTrouble("it closed the connection")
        return told

    def close(self) -> None:
        self._socket.close()


class SerialWire(Wire):
    """A printer on a serial line, 8N1."""

    def __init__(self, place: str, baud: int) -> None:
        import serial

        self._broken: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        self._late = serial.SerialTimeoutException
        try:
            self._line = serial.Serial(place, baud, dsrdtr=True, write_timeout=SEND_S, timeout=0)
        except (*self._broken, ValueError) as error:
            raise PrinterTrouble(f"{place} cannot be opened ({_reason(error)})") from error

    def send(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except self._late as error:
            raise PrinterTrouble(CANNOT_TAKE) from error
        except self._broken as error:
            raise PrinterTrouble(f"the line broke ({_reason(error)})") from error

    def receive(self, timeout_s: float) -> bytes:
        self._line.timeout = timeout_s
        try:
            return bytes(self._line.read(1))
        except self._broken as error:
            raise PrinterTrouble(f"the line broke ({_reason(error)})") from error

    def close(self) -> None:
        self._line.close()


class FileWire(Wire):
    """A file, or a device file such as `/dev/usb/lp0`; nothing is read from it."""

    two_way = False

    def __init__(self, place: str) -> None:
        # A printer that is not plugged in must not become a file in /dev that swallows receipts.
        create = 0 if place.startswith("/dev/") else os.O_CREAT
        flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | create
        try:
            self._fd = os.open(place, flags, 0o600)
        except OSError as error:
            raise PrinterTrouble(f"{place} cannot be opened ({_reason(error)})") from error

    def send(self, data: bytes) -> None:
        until = time.monotonic() + SEND_S
        while data:
            _, ready, _ = select.select([], [self._fd], [], SLICE_S)
            if not ready:
                self.keep_waiting(until)
                continue
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise PrinterTrouble(f"it cannot be written ({_reason(error)})") from error

    def receive(self, timeout_s: float) -> bytes:
        return b""

    def close(self) -> None:
        os.close(self._fd)


def open_wire(printer: PrinterConfig) -> Wire:
    """The way to a printer; raises `PrinterTrouble` with words."""
    if printer.kind == "tcp":
        return NetworkWire(printer.place)
    if printer.kind == "serial":
        return SerialWire(printer.place, printer.baud)
    if printer.kind == "usb":
        from host.printers.usb import UsbWire

        return UsbWire(printer.place)
    if printer.kind == "file":
        return FileWire(printer.place)
    raise PrinterMissing(f"there is no kind of printer {printer.kind}")


def _reason(error: Any) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else str(error) or type(error).__name__
