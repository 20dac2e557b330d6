"""File settings as the card keeps, checks and reports them (NT4H2421Gx §8.2.3, §10.7.1).

Offsets and lengths count bytes in the file. Settings that a real card refuses cannot be made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from hardware.twin.apdu import Refused
from host.ntag424.status import Status

FREE = 0xE
NEVER = 0xF
KEYS = range(5)
SDM_FILE = 2
COUNTER_MAX = 0xFFFFFF

UID_CHARS, COUNTER_CHARS, PICC_CHARS, MAC_CHARS = 14, 6, 32, 16
_NO_MIRROR = 0xFFFFFF


class Mode(IntEnum):
    """CommMode: how data travels once authenticated."""

    PLAIN = 0
    MAC = 1
    FULL = 3


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: a key number, FREE or NEVER each."""

    read: int
    write: int
    read_write: int
    change: int

    @classmethod
    def decode(cls, wire: bytes) -> Self:
        change_rw, write_read = wire[0], wire[1]
        return cls(write_read >> 4, write_read & 15, change_rw >> 4, change_rw & 15)

    def encode(self) -> bytes:
        return bytes([self.read_write << 4 | self.change, self.read << 4 | self.write])

    def check(self) -> None:
        """919E where a right names a key that does not exist."""
        for right in (self.read, self.write, self.read_write, self.change):
            _refuse_unless(right in KEYS or right in (FREE, NEVER))


@dataclass(frozen=True, slots=True)
class Sdm:
    """Secure Dynamic Messaging of a file. An offset is None where that field is not mirrored."""

    has_uid: bool
    has_counter: bool
    meta_read: int
    file_read: int
    counter_read: int
    uid: int | None = None
    counter: int | None = None
    picc: int | None = None
    mac_input: int | None = None
    mac: int | None = None
    enc: int | None = None
    enc_length: int = 0
    limit: int | None = None

    @classmethod
    def decode(cls, wire: bytes) -> Self:
        """The tail of ChangeFileSettings. Raises `Refused` 917E or 919E for a malformed one."""
        if len(wire) < 3:
            raise Refused(Status.LENGTH_ERROR)
        options, meta_file, rfu_counter = wire[0], wire[2], wire[1]
        meta_read, file_read = meta_file >> 4, meta_file & 15
        _refuse_unless(options & 0x0F == 1 and rfu_counter >> 4 == NEVER)
        _refuse_unless(meta_read in KEYS or meta_read in (FREE, NEVER))
        _refuse_unless(file_read in KEYS or file_read == NEVER)
        _refuse_unless(rfu_counter & 15 in KEYS or rfu_counter & 15 in (FREE, NEVER))
        field = _Fields(wire[3:])
        has_uid, has_counter = bool(options & 0x80), bool(options & 0x40)
        plain, signed = meta_read == FREE, file_read != NEVER
        _refuse_unless(signed or not options & 0x10)
        uid = field.take(has_uid and plain)
        counter = field.take(has_counter and plain)
        picc = field.take(meta_read in KEYS)
        mac_input = field.take(signed)
        enc = field.take(bool(options & 0x10))
        enc_length = field.take(bool(options & 0x10)) or 0
        mac = field.take(signed)
        limit = field.take(bool(options & 0x20))
        field.end()
        return cls(
            has_uid=has_uid,
            has_counter=has_counter,
            meta_read=meta_read,
            file_read=file_read,
            counter_read=rfu_counter & 15,
            uid=uid,
            counter=None if counter == _NO_MIRROR else counter,
            picc=picc,
            mac_input=mac_input,
            mac=mac,
            enc=enc,
            enc_length=enc_length,
            limit=limit,
        )

    def encode(self) -> bytes:
        options = 1 | self.has_uid << 7 | self.has_counter << 6
        options |= (self.limit is not None) << 5 | (self.enc is not None) << 4
        counter = self.counter
        if counter is None and self.has_counter and self.meta_read == FREE:
            counter = _NO_MIRROR
        enc_length = None if self.enc is None else self.enc_length
        fields = (self.uid, counter, self.picc, self.mac_input, self.enc, enc_length, self.mac)
        head = bytes([options, 0xF0 | self.counter_read, self.meta_read << 4 | self.file_read])
        tail = (*fields, self.limit)
        return head + b"".join(v.to_bytes(3, "little") for v in tail if v is not None)

    def check(self, size: int, read_counter: int) -> None:
        """Every 919E rule of NT4H2421Gx table 71 for a file of `size` bytes."""
        _refuse_unless(self.meta_read == NEVER or self.has_uid or self.has_counter)
        _refuse_unless(self.meta_read != NEVER or not self.has_uid)
        _refuse_unless(self.counter_read == NEVER or self.has_counter)
        _refuse_unless(self.enc is None or (self.has_uid and self.has_counter))
        _refuse_unless(all(start + length <= size for start, length in self._fields()))
        fields = list(self._fields())
        for n, (start, length) in enumerate(fields):
            for other, other_length in fields[n + 1 :]:
                _refuse_unless(start >= other + other_length or other >= start + length)
        if self.mac is not None and self.mac_input is not None:
            _refuse_unless(self.mac_input <= self.mac)
            if self.enc is not None:
                _refuse_unless(self.enc_length >= 32 and self.enc_length % 32 == 0)
                _refuse_unless(self.mac_input <= self.enc <= self.mac - self.enc_length)
        if self.limit is not None:
            _refuse_unless(self.has_counter and self.limit > read_counter)

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Start and length of what is mirrored into the file."""
        for start, length in (
            (self.uid, UID_CHARS),
            (self.counter, COUNTER_CHARS),
            (self.picc, PICC_CHARS),
            (self.enc, self.enc_length),
            (self.mac, MAC_CHARS),
        ):
            if start is not None:
                yield start, length


@dataclass(frozen=True, slots=True)
class Settings:
    """A file's communication mode, access rights and Secure Dynamic Messaging."""

    mode: Mode
    rights: Rights
    sdm: Sdm | None = None

    @classmethod
    def decode(cls, wire: bytes) -> Self:
        """The data of ChangeFileSettings. Raises `Refused` 917E or 919E for a malformed one."""
        if len(wire) < 3:
            raise Refused(Status.LENGTH_ERROR)
        option, has_sdm = wire[0], bool(wire[0] & 0x40)
        _refuse_unless(option & 0xBC == 0)
        if not has_sdm and len(wire) > 3:
            raise Refused(Status.LENGTH_ERROR)
        mode = Mode.PLAIN if option & 3 == 2 else Mode(option & 3)
        sdm = Sdm.decode(wire[3:]) if has_sdm else None
        return cls(mode, Rights.decode(wire[1:3]), sdm)

    def encode(self) -> bytes:
        """As ChangeFileSettings takes it; the form kept in the state file."""
        head = bytes([self.mode | (0x40 if self.sdm else 0)]) + self.rights.encode()
        return head + (self.sdm.encode() if self.sdm else b"")

    def report(self, size: int) -> bytes:
        """As GetFileSettings answers it."""
        wire = self.encode()
        return b"\x00" + wire[:3] + size.to_bytes(3, "little") + wire[3:]

    def check(self, file_no: int, size: int, read_counter: int) -> None:
        """Raises `Refused` where a card refuses these settings for that file."""
        if self.sdm and file_no != SDM_FILE:
            raise Refused(Status.PERMISSION_DENIED)
        self.rights.check()
        if self.sdm:
            self.sdm.check(size, read_counter)


class _Fields:
    """Three-byte numbers, taken one after another."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire

    def take(self, present: bool) -> int | None:
        if not present:
            return None
        if len(self._wire) < 3:
            raise Refused(Status.LENGTH_ERROR)
        value, self._wire = self._wire[:3], self._wire[3:]
        return int.from_bytes(value, "little")

    def end(self) -> None:
        if self._wire:
            raise Refused(Status.LENGTH_ERROR)


def _refuse_unless(condition: bool) -> None:
    if not condition:
        raise Refused(Status.PARAMETER_ERROR)
