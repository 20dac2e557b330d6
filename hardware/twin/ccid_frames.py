"""CCID messages, and the frames that carry them over a serial line to a GemPC Twin. Pure.

A frame is SYNC, ACK, the message, and the XOR of all before (libccid `ccid_serial.c`). A message
is its type, a length, slot, sequence number, three bytes of its own, and data (USB CCID §6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor

_SYNC_ACK = b"\x03\x06"
HEADER = 10


class To(IntEnum):
    """Messages to the reader (USB CCID §6.1)."""

    SET_PARAMETERS = 0x61
    POWER_ON = 0x62
    POWER_OFF = 0x63
    SLOT_STATUS = 0x65
    ESCAPE = 0x6B
    GET_PARAMETERS = 0x6C
    RESET_PARAMETERS = 0x6D
    TRANSFER = 0x6F


class From(IntEnum):
    """Messages from the reader (USB CCID §6.2)."""

    DATA = 0x80
    SLOT_STATUS = 0x81
    PARAMETERS = 0x82
    ESCAPE = 0x83


class Icc(IntEnum):
    """The card in the slot, in an answer's status."""

    ACTIVE = 0
    INACTIVE = 1
    ABSENT = 2


FAILED = 0x40
"""In an answer's status: the command did not work; the error byte says why."""
ICC_MUTE, NOT_SUPPORTED = 0xFE, 0x00


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `own` are the bytes 7 to 9, whose meaning is the type's."""

    kind: int
    slot: int
    sequence: int
    own: bytes
    data: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Message:
        """`raw` is one whole message. Raises `ValueError`."""
        if len(raw) < HEADER or int.from_bytes(raw[1:5], "little") != len(raw) - HEADER:
            raise ValueError(f"not a CCID message: {len(raw)} bytes")
        return cls(raw[0], raw[5], raw[6], raw[7:HEADER], raw[HEADER:])

    def build(self) -> bytes:
        """Its bytes."""
        head = bytes((self.kind,)) + len(self.data).to_bytes(4, "little")
        return head + bytes((self.slot, self.sequence)) + self.own + self.data


def wrap(message: bytes) -> bytes:
    """The frame that carries a message."""
    frame = _SYNC_ACK + message
    return frame + bytes((checksum(frame),))


def checksum(data: bytes) -> int:
    """The XOR of all bytes."""
    return reduce(xor, data, 0)


class Unwrapper:
    """Finds messages in what comes over the line; broken frames are dropped."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now."""
        self._pending += data
        found = []
        while (start := self._pending.find(_SYNC_ACK)) >= 0:
            self._pending = self._pending[start:]
            head = len(_SYNC_ACK)
            size = head + HEADER + int.from_bytes(self._pending[head + 1 : head + 5], "little") + 1
            if len(self._pending) < max(size, head + 5):
                break
            frame, self._pending = self._pending[:size], self._pending[size:]
            if checksum(frame) == 0:
                found.append(frame[head:-1])
        return found
