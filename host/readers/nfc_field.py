"""The radio field of a reader that nfcpy drives: who is in it, and one frame to and fro.

nfcpy spends four chip commands on every look at an empty field and on every frame, because it
restores the chip's registers each time. Its own PN53x family needs one: the registers stay as the
last look left them, since nothing but Type A at 106 kbit/s is ever asked for.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import termios
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import nfc.clf
import nfc.clf.device
import nfc.clf.pn53x
import nfc.clf.pn532

from host.readers.base import ReaderGone, SeveralCards
from host.readers.gpio import WRITE_GPIO, write_gpio
from host.readers.lights import Lamps

# What nfcpy logs as errors reaches us as exceptions; at its debug level it logs a card's p and c.
logging.getLogger("nfc").setLevel(logging.CRITICAL)

T = TypeVar("T")

_IN_LIST_PASSIVE_TARGET = 0x4A
_TYPE_A_106 = 0x00
_RF_CONFIGURATION = 0x32
_FIELD, _TIMEOUTS = 0x01, 0x02
_ISO_14443_4 = 0x20  # in SEL_RES: speaks ISO-DEP, so takes APDUs
_COMMAND_S = 0.25
_LIST_S = 1.0
_TICK_S = 100e-6  # the shortest time-out of the chip (UM0701-02 §7.3.1)

DEVICE_ERRORS = (OSError, termios.error, IndexError, nfc.clf.pn53x.Chipset.Error)
"""What nfcpy lets through when a device is unplugged, sends half a frame or refuses a command.

`termios.error` is no OSError, pyserial's SerialException is one; an IndexError is nfcpy's own
parsing of a frame that broke off.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A Type A card, selected."""

    uid: bytes
    takes_apdus: bool
    seen_ns: int


class Field(ABC):
    """A field with at most one card selected in it. `set_lamps` and `close` from any thread."""

    set_lamps: Callable[[Lamps], None] | None = None
    """Sets the lamps on the chip's pins; None where the chip has no pins for them."""

    def __init__(self, name: str, device: Any) -> None:
        self._name = name
        self._device = device
        self._busy = threading.Lock()
        self._closed = False
        self.largest_sent: int = device.get_max_send_data_size(None)
        self.largest_received: int = device.get_max_recv_data_size(None)

    @abstractmethod
    def sense(self) -> Target | None:
        """Select the card in the field. Whatever was selected before starts anew."""

    @abstractmethod
    def exchange(self, data: bytes, timeout: float) -> bytearray:
        """Send a frame to the selected card; its answer, within `timeout` seconds.

        Raises nfcpy's `CommunicationError`s, as nfcpy's ISO-DEP expects of its front end.
        """

    def close(self) -> None:
        """Give the device back."""
        with self._busy:
            if not self._closed:
                self._closed = True
                close_device(self._device)

    @contextlib.contextmanager
    def _use(self) -> Iterator[None]:
        with self._busy:
            if self._closed:
                raise ReaderGone("the reader was closed")
            try:
                yield
            except DEVICE_ERRORS as error:
                reason = error.args[-1] if error.args else error
                raise ReaderGone(f"{self._name} went away: {reason}") from error


_LATE_FRAMES, _LATE_MS = 4, 100


class Pn53xField(Field):
    """A chip of the PN53x family, spoken to directly."""

    def __init__(self, name: str, device: Any) -> None:
        super().__init__(name, device)
        self._chip = device.chipset
        self._most = min(2, self._chip.in_list_passive_target_max_target)
        self._selected = False
        self._timeout = 0
        if isinstance(device, nfc.clf.pn532.Device):
            self.set_lamps = self._write_gpio

    def sense(self) -> Target | None:
        with self._use():
            return self._once_more(self._look)

    def _look(self) -> Target | None:
        if self._selected:
            self._switch_off()
        if not (found := self._list(self._most)):
            return None  # the field stays on: an empty look is one command
        seen_ns = time.monotonic_ns()
        # Looking for a second card halts the first one; without power both forget.
        self._switch_off()
        if found[0] > 1:
            raise SeveralCards("more than one card lies on the reader")
        found = self._list(1)
        if not found:
            return None
        sel_res, uid_length = found[4], found[5]
        return Target(bytes(found[6 : 6 + uid_length]), bool(sel_res & _ISO_14443_4), seen_ns)

    def exchange(self, data: bytes, timeout: float) -> bytearray:
        with self._use():
            index = _timeout_index(timeout)
            if index != self._timeout:
                self._chip.command(_RF_CONFIGURATION, bytes((_TIMEOUTS, 10, 11, index)), _COMMAND_S)
                self._timeout = index
            try:
                answer: bytearray = self._chip.in_communicate_thru(
                    data, _TICK_S * 2 ** (index - 1) + _COMMAND_S
                )
            except nfc.clf.pn53x.Chipset.Error as error:
                if error.errno == 0x01:
                    raise nfc.clf.TimeoutError("no answer") from error
                raise nfc.clf.TransmissionError(str(error)) from error
            return answer

    def _write_gpio(self, lamps: Lamps) -> None:
        with self._use():
            self._once_more(lambda: self._chip.command(WRITE_GPIO, write_gpio(lamps), _COMMAND_S))

    def _once_more(self, work: Callable[[], T]) -> T:
        """Do what may be done twice; a second time where the chip's answer came late.

        A busy machine can hold a frame up for longer than nfcpy waits, and nfcpy calls that an
        input/output error, as it does a reader that was unplugged: that one fails again.
        """
        try:
            return work()
        except OSError:
            self._drain()
            return work()

    def _drain(self) -> None:
        """Cancel the running command and read what is still under way."""
        # The late answer may have been a card: the next look begins without power, so it forgets.
        self._selected = True
        self._chip.write_frame(self._chip.ACK)
        for _ in range(_LATE_FRAMES):
            try:
                self._chip.read_frame(timeout=_LATE_MS)
            except OSError as error:
                if error.errno == errno.ETIMEDOUT:
                    return
                raise

    def _list(self, most: int) -> bytearray | None:
        """InListPassiveTarget's answer: how many cards, then number, SENS_RES, SEL_RES, UID."""
        answer: bytearray = self._chip.command(
            _IN_LIST_PASSIVE_TARGET, bytes((most, _TYPE_A_106)), _LIST_S
        )
        self._selected = bool(answer and answer[0])
        return answer if self._selected else None

    def _switch_off(self) -> None:
        self._chip.command(_RF_CONFIGURATION, bytes((_FIELD, 0b10)), _COMMAND_S)
        self._selected = False


class FrontendField(Field):
    """Any other device of nfcpy's, through its own front end."""

    def __init__(self, name: str, device: Any) -> None:
        super().__init__(name, device)
        self._frontend = nfc.clf.ContactlessFrontend()
        self._frontend.device = device

    def sense(self) -> Target | None:
        with self._use():
            found = self._frontend.sense(nfc.clf.RemoteTarget("106A"))
        if found is None or found.sel_res is None or found.sdd_res is None:
            return None
        takes_apdus = bool(found.sel_res[0] & _ISO_14443_4)
        return Target(bytes(found.sdd_res), takes_apdus, time.monotonic_ns())

    def exchange(self, data: bytes, timeout: float) -> bytearray:
        with self._use():
            answer: bytearray = self._frontend.exchange(data, timeout)
            return answer


def field_of(name: str, device: Any) -> Field:
    """The cheapest way to use an open nfcpy device."""
    is_pn53x = isinstance(device, nfc.clf.pn53x.Device)
    return (Pn53xField if is_pn53x else FrontendField)(name, device)


def close_device(device: Any) -> None:
    """Close an nfcpy device, the port too where the device has gone and nfcpy gives up half-way.

    A port left open keeps its number: the replugged reader would come back under another one.
    """
    transport = getattr(getattr(device, "chipset", None), "transport", None)
    with contextlib.suppress(*DEVICE_ERRORS):
        device.close()
    if transport is not None:
        close_transport(transport)


def close_transport(transport: Any) -> None:
    """Close an nfcpy transport without the flush that fails on a port that is gone."""
    with contextlib.suppress(*DEVICE_ERRORS):
        (getattr(transport, "tty", None) or transport).close()


def _timeout_index(seconds: float) -> int:
    """The chip's index n for the first `_TICK_S` * 2^(n-1) that is no shorter."""
    ticks = max(1, math.ceil(seconds / _TICK_S))
    return min(16, (ticks - 1).bit_length() + 1)
