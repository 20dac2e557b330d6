"""Commands as bytes (NT4H2421Gx §10): how they are framed, and what their data means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from host.ntag424.crypto import crc32nk
from host.ntag424.errors import AnswerError
from host.ntag424.files import CommMode
from host.ntag424.status import Status
from host.ntag424.values import Key


class Ins(IntEnum):
    """Native commands, sent wrapped in CLA 90."""

    AUTHENTICATE_EV2_FIRST = 0x71
    AUTHENTICATE_EV2_NON_FIRST = 0x77
    ADDITIONAL_FRAME = 0xAF
    GET_CARD_UID = 0x51
    GET_VERSION = 0x60
    GET_KEY_VERSION = 0x64
    GET_FILE_SETTINGS = 0xF5
    GET_FILE_COUNTERS = 0xF6
    CHANGE_FILE_SETTINGS = 0x5F
    CHANGE_KEY = 0xC4
    SET_CONFIGURATION = 0x5C
    READ_SIG = 0x3C
    READ_DATA = 0xAD
    WRITE_DATA = 0x8D


class Configuration(IntEnum):
    """Options of SetConfiguration."""

    PICC = 0x00
    """Bit 1: Random ID, irreversible."""
    CHAINED_WRITE = 0x04
    CAPABILITIES = 0x05
    FAILED_AUTHENTICATIONS = 0x0A
    BACK_MODULATION = 0x0B


RANDOM_ID = b"\x02"
"""The data of option PICC that switches Random ID on."""

NDEF_APPLICATION = bytes.fromhex("D2760000850101")
FID_CC, FID_NDEF, FID_PROPRIETARY = 0xE103, 0xE104, 0xE105


def native(ins: int, payload: bytes = b"") -> bytes:
    """A wrapped native command. Le is compulsory: without it the card answers 917E."""
    if len(payload) > 255:
        raise ValueError("command: at most 255 bytes of data")
    body = bytes([len(payload)]) + payload if payload else b""
    return bytes([0x90, ins, 0, 0]) + body + b"\x00"


def iso_select_application(name: bytes = NDEF_APPLICATION) -> bytes:
    """Select by name, with Le: other Type 4 tags insist on it, this card takes it too."""
    return bytes([0x00, 0xA4, 0x04, 0x00, len(name)]) + name + b"\x00"


def iso_select_file(fid: int) -> bytes:
    """Select an elementary file of the application; no answer data is asked for."""
    return bytes([0x00, 0xA4, 0x00, 0x0C, 2]) + fid.to_bytes(2, "big")


def iso_read_binary(offset: int, length: int) -> bytes:
    """Read 1 to 256 bytes of the selected file."""
    if not 0 <= offset < 0x8000 or not 0 < length <= 256:
        raise ValueError("read: offset below 32768, length 1 to 256")
    return b"\x00\xb0" + offset.to_bytes(2, "big") + bytes([length & 0xFF])


def iso_update_binary(offset: int, data: bytes) -> bytes:
    """Write 1 to 255 bytes of the selected file; without Le, which real cards answer with 6700."""
    if not 0 <= offset < 0x8000 or not 0 < len(data) <= 255:
        raise ValueError("write: offset below 32768, 1 to 255 bytes")
    return b"\x00\xd6" + offset.to_bytes(2, "big") + bytes([len(data)]) + data


def split(answer: bytes) -> tuple[bytes, Status]:
    """Data and status word of an R-APDU."""
    if len(answer) < 2:
        raise AnswerError("answer: shorter than a status word")
    return answer[:-2], Status(int.from_bytes(answer[-2:], "big"))


def file_range(file_no: int, offset: int, length: int) -> bytes:
    """The header of ReadData and WriteData."""
    return bytes([file_no]) + offset.to_bytes(3, "little") + length.to_bytes(3, "little")


_FRAME = 128 - 4
"""FSC 128, less the frame's own PCB, CID and CRC."""
_WRITE_AROUND = 5 + 7 + 1
"""What surrounds WriteData's data: command header and Lc, file and range, Le."""


def one_frame(mode: CommMode) -> int:
    """The most bytes one WriteData may carry in one frame.

    Such a write is done wholly or not at all; a longer one can be torn in the middle.
    """
    room = _FRAME - _WRITE_AROUND
    if mode is CommMode.PLAIN:
        return room
    room -= 8
    return room if mode is CommMode.MAC else room // 16 * 16 - 1


def change_key_data(key_no: int, new: Key, version: int, old: Key | None) -> bytes:
    """ChangeKey's data before encryption (NT4H2421Gx §10.6.1).

    Keys 1 to 4 need the old key and carry a check sum, so a wrong `old` is refused with 911E and
    changes nothing.
    """
    if not 0 <= version <= 0xFF:
        raise ValueError("version: must fit one byte")
    if key_no == 0:
        return new.reveal() + bytes([version])
    if old is None:
        raise ValueError("old: keys 1 to 4 are changed against their old key")
    mixed = bytes(a ^ b for a, b in zip(new.reveal(), old.reveal(), strict=True))
    return mixed + bytes([version]) + crc32nk(new.reveal())


@dataclass(frozen=True, slots=True)
class CardVersion:
    """What GetVersion tells: 7 bytes of hardware, 7 of software, 14 of production."""

    hardware: bytes
    software: bytes
    uid: bytes
    """Seven zeros under Random ID."""
    batch: bytes
    """Batch number and fab key, 5 bytes."""
    made: str
    """Year and week of production, e.g. `21-W46`."""

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        if len(raw) != 28:
            raise AnswerError("GetVersion: must be 28 bytes")
        made = f"{raw[27]:02x}-W{raw[26]:02x}"
        return cls(raw[:7], raw[7:14], raw[14:21], raw[21:26], made)

    @property
    def is_ntag424(self) -> bool:
        """NXP's (04) NTAG (04) with 256 bytes of storage (11), as hardware and as software."""
        return all(
            part[:2] == b"\x04\x04" and part[5] == 0x11 for part in (self.hardware, self.software)
        )
