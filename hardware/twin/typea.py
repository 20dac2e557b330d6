"""A card in a radio field: anticollision, activation, sleep (ISO/IEC 14443-3 A, 14443-4 §5).

Frames are without CRC, which `crc_a` makes. None is silence.
"""

from __future__ import annotations

from enum import Enum, auto

from hardware.twin.apdu import CardLost
from hardware.twin.card import ATS, TwinCard
from hardware.twin.isodep import CardSide, frame_size

REQA, WUPA = 0x26, 0x52
_HALT = b"\x50\x00"
_RATS, _PPS = 0xE0, 0xD0
_LEVELS = (0x93, 0x95)
_CASCADE_TAG = b"\x88"
_ANTICOLLISION, _SELECT = 0x20, 0x70
_SAK_NOT_COMPLETE, SAK = 0x04, 0x20


class _Rf(Enum):
    IDLE = auto()
    READY = auto()
    ACTIVE = auto()
    HALT = auto()
    PROTOCOL = auto()


class RfCard:
    """One card in one field. `reset` is the field going off and on."""

    def __init__(self, card: TwinCard) -> None:
        self.card = card
        self.lost = False
        self._state = _Rf.IDLE
        self._level = 0
        self._dep: CardSide | None = None

    def reset(self, *, powered: bool) -> None:
        """The field went off, and on again where `powered`."""
        self.card.power_off()
        if powered:
            self.card.power_on()
        self._state = _Rf.IDLE
        self._dep = None

    def drop(self) -> None:
        """Back to where REQA finds it, unless it sleeps: the reader begins a new search."""
        if self._state is not _Rf.HALT:
            self._state = _Rf.IDLE

    @property
    def identity(self) -> bytes:
        """UID or random ID, without cascade tags."""
        return self.card.identity

    @property
    def atqa(self) -> bytes:
        """As on the wire, least significant byte first."""
        return b"\x44\x03" if len(self.identity) == 7 else b"\x04\x03"

    def wake(self, command: int = REQA) -> bytes | None:
        """REQA or WUPA, a short frame of 7 bits."""
        asleep = self._state is _Rf.HALT and command == REQA
        if asleep or self._state is _Rf.PROTOCOL or not self.card.powered:
            return None
        if self._state is _Rf.ACTIVE:  # anything unexpected in between: back to the start
            self._state = _Rf.IDLE
            return None
        self._state, self._level = _Rf.READY, 0
        return self.atqa

    def select(self, command: int = REQA) -> bool:
        """The whole way to ACTIVE, as a reader's chip goes it by itself."""
        if self.wake(command) is None:
            return False
        self._state = _Rf.ACTIVE
        return True

    def receive(self, frame: bytes) -> bytes | None:
        """Answer a frame; `lost` is set when the card is torn away."""
        if not self.card.powered:
            return None
        try:
            return self._receive(frame)
        except CardLost:
            self.lost = True
            return None

    def _receive(self, frame: bytes) -> bytes | None:
        if self._dep and self._state is _Rf.PROTOCOL:
            answer = self._in_protocol(self._dep, frame)
        elif self._state is _Rf.READY:
            answer = self._anticollision(frame)
        elif self._state is _Rf.ACTIVE:
            answer = self._activate(frame)
        else:
            answer = None
        return answer

    def _in_protocol(self, dep: CardSide, frame: bytes) -> bytes | None:
        if frame[:1] == bytes([_PPS]) and len(frame) == 3:
            return frame[:1]
        answer = dep.receive(frame)
        if dep.deselected:
            self._state = _Rf.HALT
        return answer

    def _anticollision(self, frame: bytes) -> bytes | None:
        part = self._uid_parts()[self._level]
        if frame[:1] != bytes([_LEVELS[self._level]]):
            return None
        if frame[1:] == bytes([_ANTICOLLISION]):
            return part
        if frame[1:] != bytes([_SELECT]) + part:
            return None
        if part.startswith(_CASCADE_TAG):
            self._level += 1
            return bytes([_SAK_NOT_COMPLETE])
        self._state = _Rf.ACTIVE
        return bytes([SAK])

    def _uid_parts(self) -> list[bytes]:
        """What is shown at each cascade level: four bytes and their check byte."""
        identity = self.identity
        shown = [identity] if len(identity) == 4 else [_CASCADE_TAG + identity[:3], identity[3:]]
        return [part + bytes([part[0] ^ part[1] ^ part[2] ^ part[3]]) for part in shown]

    def _activate(self, frame: bytes) -> bytes | None:
        if frame == _HALT:
            self._state = _Rf.HALT
        elif len(frame) == 2 and frame[0] == _RATS:
            self._dep = CardSide(self.card, frame_size(frame[1] >> 4), frame[1] & 0x0F)
            self._state = _Rf.PROTOCOL
            return ATS
        else:
            self._state = _Rf.IDLE
        return None


def crc_a(frame: bytes) -> bytes:
    """The check bytes of a Type A frame (ISO/IEC 14443-3 annex B)."""
    crc = 0x6363
    for byte in frame:
        mixed = byte ^ (crc & 0xFF)
        mixed = (mixed ^ (mixed << 4)) & 0xFF
        crc = (crc >> 8) ^ (mixed << 8) ^ (mixed << 3) ^ (mixed >> 4)
    return crc.to_bytes(2, "little")
