"""Opening what nfcpy drives: a PN532 on any serial path, or a reader on USB."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

import nfc.clf.device
import nfc.clf.pn532
import nfc.clf.transport
import serial

from host.readers.base import ReaderGone
from host.readers.nfc_field import DEVICE_ERRORS, Field, close_transport, field_of

_ACK = bytes.fromhex("0000FF00FF00")
_WAKE_UP = bytes(10)
_SET_BAUD_115200 = bytes.fromhex("0000FF03FDD410041800")
_FAST_BAUDS = (921_600, 460_800, 230_400)
PATIENCE_MS = 2_000
"""A Raspberry Pi's USB alone may hold an answer up for a second (nfcpy's `pn532.init` says so)."""


class PatientTTY(nfc.clf.transport.TTY):  # type: ignore[misc]
    """A serial line that waits for a chip's frames as long as a busy machine may hold them up.

    nfcpy gives an acknowledgement 100 ms, and calls one that is late an input/output error, as it
    does a reader that was unplugged. That one is still noticed at once: its line says so.
    """

    patience_ms = PATIENCE_MS
    """The least that is waited for a frame."""

    def read(self, timeout: int) -> Any:
        """The next frame, waited for `timeout` ms at least."""
        return super().read(max(timeout, self.patience_ms))


def open_field(where: str) -> Field:
    """The field of the reader at `where`: a serial path, `usb`, or `usb:VENDOR:PRODUCT`.

    Raises `ReaderGone` with words a person can act on.
    """
    device = _open_serial(where) if where.startswith("/") else _open_usb(where)
    return field_of(where, device)


def usb_readers() -> Iterator[tuple[int, int]]:
    """Vendor and product of every reader on USB that nfcpy has a driver for."""
    for vendor, product, _bus, _address in nfc.clf.transport.USB.find("usb") or ():
        if (vendor, product) in nfc.clf.device.usb_device_map:
            yield vendor, product


def _open_serial(path: str) -> Any:
    try:  # without patience: the chip may listen at another speed
        return _init_pn532(path, 0)
    except DEVICE_ERRORS as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.EACCES):
            raise ReaderGone(_words(path, error)) from error
    try:
        _slow_down(path)
        return _init_pn532(path, PATIENCE_MS)
    except DEVICE_ERRORS as error:
        raise ReaderGone(_words(path, error)) from error


def _init_pn532(path: str, patience_ms: int) -> Any:
    transport = PatientTTY(path)
    try:
        transport.patience_ms = patience_ms
        device = nfc.clf.pn532.init(transport)
        transport.patience_ms = PATIENCE_MS
        return device
    except BaseException:
        close_transport(transport)
        raise


def _slow_down(path: str) -> None:
    """Bring back a PN532 that a crashed owner left at a higher speed than nfcpy begins with."""
    for baud in _FAST_BAUDS:
        with serial.Serial(path, baud, timeout=0.05) as port:
            port.write(_ACK + _WAKE_UP + _SET_BAUD_115200)
            port.read(15)  # its ACK and its answer, when this was the speed
            port.write(_ACK)  # makes the new speed count


def _open_usb(where: str) -> Any:
    if where != "usb" and not where.startswith("usb:"):
        raise ReaderGone(f"“{where}” is neither a serial path nor usb[:VENDOR:PRODUCT]")
    try:
        device = nfc.clf.device.connect(where)
    except DEVICE_ERRORS as error:
        raise ReaderGone(_words(where, error)) from error
    if device is None:
        raise ReaderGone(f"no reader that nfcpy knows on {where}, or no right to use it")
    return device


def _words(where: str, error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.ENOENT:
            return f"{where} is not there: is the reader plugged in?"
        case errno.EACCES:
            user = os.environ.get("USER", "this user")
            return f"no right to use {where}: add {user} to the group dialout"
        case errno.ENODEV | errno.ETIMEDOUT | errno.EIO:
            return f"no PN532 answers on {where}"
        case _:
            return f"{where}: {error}"
