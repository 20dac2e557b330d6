"""File settings: who may do what with a file, and what the card mirrors into it.

Layouts are those of ChangeFileSettings and GetFileSettings (NT4H2421Gx §10.7). Offsets count bytes
from the start of the file, NLEN included. `decode` raises `SettingsError` for bytes that no card
sends; `FileSettings.check` raises it for settings that a card refuses with 919E.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import Self


class SettingsError(ValueError):
    """These settings are malformed or would be refused by the card; a mistake of the caller."""


class FileNo(IntEnum):
    """The three files of the NDEF application."""

    CC = 1
    NDEF = 2
    PROPRIETARY = 3


class CommMode(IntEnum):
    """How file data travels inside a session."""

    PLAIN = 0
    MAC = 1
    FULL = 3


class Right(IntEnum):
    """Who holds one access right."""

    KEY_0 = 0
    KEY_1 = 1
    KEY_2 = 2
    KEY_3 = 3
    KEY_4 = 4
    FREE = 0xE
    NEVER = 0xF

    @property
    def is_key(self) -> bool:
        return self <= Right.KEY_4


def _rights(raw: bytes) -> tuple[Right, Right, Right, Right]:
    """The four nibbles of a right word, highest first; the word is least significant byte first."""
    low, high = raw
    try:
        return Right(high >> 4), Right(high & 15), Right(low >> 4), Right(low & 15)
    except ValueError as error:
        raise SettingsError("rights: a key that does not exist") from error


@dataclass(frozen=True, slots=True)
class AccessRights:
    """One satisfied right is enough; `change` is for the settings themselves."""

    read: Right
    write: Right
    read_write: Right
    change: Right

    def encode(self) -> bytes:
        return bytes([self.read_write << 4 | self.change, self.read << 4 | self.write])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        return cls(*_rights(raw))


_UID, _COUNTER, _LIMIT, _ENC, _ASCII = 0x80, 0x40, 0x20, 0x10, 0x01
_SDM_RESERVED = 0x0E
_NO_OFFSET = 0xFFFFFF
_SPANS = {"uid_offset": 14, "counter_offset": 6, "picc_offset": 32, "mac_offset": 16}
"""ASCII characters that each mirror takes; ENC brings its own length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdm:
    """Secure Dynamic Messaging of one file.

    A value is given exactly where the card expects one: `uid_offset` and `counter_offset` for
    plain mirrors (`meta_read` FREE), `picc_offset` for encrypted ones (`meta_read` a key), the MAC
    offsets unless `file_read` is NEVER. `counter_offset` may stay None: counted, not mirrored.
    """

    meta_read: Right
    file_read: Right
    counter_return: Right
    uid: bool = True
    counter: bool = True
    uid_offset: int | None = None
    counter_offset: int | None = None
    picc_offset: int | None = None
    mac_input_offset: int | None = None
    enc_offset: int | None = None
    enc_length: int | None = None
    mac_offset: int | None = None
    counter_limit: int | None = None

    def __post_init__(self) -> None:
        expected = set(_layout(self.meta_read, self.file_read, self._options()))
        for name in _FIELDS:
            value = getattr(self, name)
            if value is not None and name not in expected:
                raise SettingsError(f"{name}: has no place in these settings")
            if value is None and name in expected and name != "counter_offset":
                raise SettingsError(f"{name}: is missing")
            if value is not None and not 0 <= value <= 0xFFFFFF:
                raise SettingsError(f"{name}: must fit 24 bits")

    def _options(self) -> int:
        return (
            (_UID if self.uid else 0)
            | (_COUNTER if self.counter else 0)
            | (0 if self.counter_limit is None else _LIMIT)
            | (0 if self.enc_offset is None else _ENC)
            | _ASCII
        )

    def encode(self) -> bytes:
        options = self._options()
        rights = bytes(
            [0xF0 | self.counter_return, self.meta_read << 4 | self.file_read],
        )
        values = (getattr(self, name) for name in _layout(self.meta_read, self.file_read, options))
        tail = ((_NO_OFFSET if value is None else value).to_bytes(3, "little") for value in values)
        return bytes([options]) + rights + b"".join(tail)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        if len(raw) < 3:
            raise SettingsError("SDM: too short")
        options = raw[0]
        meta_read, file_read, reserved, counter_return = _rights(raw[1:3])
        names = list(_layout(meta_read, file_read, options))
        if options & _SDM_RESERVED or not options & _ASCII or reserved is not Right.NEVER:
            raise SettingsError("SDM: reserved bits are set wrongly")
        if options & _ENC and file_read is Right.NEVER:
            raise SettingsError("SDM: encrypts, but names no key to encrypt with")
        if len(raw) != 3 + 3 * len(names):
            raise SettingsError("SDM: wrong length")
        values: dict[str, int | None] = {
            name: int.from_bytes(raw[3 * n : 3 * n + 3], "little")
            for n, name in enumerate(names, start=1)
        }
        if values.get("counter_offset") == _NO_OFFSET:
            values["counter_offset"] = None
        return cls(
            meta_read=meta_read,
            file_read=file_read,
            counter_return=counter_return,
            uid=bool(options & _UID),
            counter=bool(options & _COUNTER),
            **values,
        )

    def check(self, file_size: int) -> None:
        """Raise `SettingsError` for what a card refuses with 919E (a limit already reached aside).

        That ENC must lie between the MAC's input and the MAC is the data sheet's range for it.
        """
        hidden = self.meta_read is Right.NEVER
        encrypts = self.enc_offset is not None
        mistakes = {
            "PICCData would be empty": not (hidden or self.uid or self.counter),
            "a mirrored UID needs a right to read it": hidden and self.uid,
            "a counter that is off cannot be returned": not self.counter
            and self.counter_return is not Right.NEVER,
            "a MAC cannot be free": self.file_read is Right.FREE,
            "encrypted data needs UID and counter": encrypts and not (self.uid and self.counter),
            "a limit needs the counter": self.counter_limit is not None and not self.counter,
        }
        for mistake, made in mistakes.items():
            if made:
                raise SettingsError(f"SDM: {mistake}")
        self._check_places(file_size)

    def _check_places(self, file_size: int) -> None:
        spans = [
            (offset, offset + length, name)
            for name, length in {**_SPANS, "enc_offset": self.enc_length or 0}.items()
            if (offset := getattr(self, name)) is not None
        ]
        for start, end, name in spans:
            if end > file_size:
                raise SettingsError(f"{name}: beyond the end of the file")
            if name == "enc_offset" and ((end - start) % 32 or end == start):
                raise SettingsError("enc_length: must be a multiple of 32")
        for (start, end, name), (other_start, other_end, other) in combinations(spans, 2):
            if start < other_end and other_start < end:
                raise SettingsError(f"{name}: overlaps {other}")
        if self.mac_input_offset is not None and self.mac_offset is not None:
            first = self.mac_offset if self.enc_offset is None else self.enc_offset
            if not self.mac_input_offset <= first <= self.mac_offset:
                raise SettingsError("mac_input_offset: must come before what it signs")


_FIELDS = (
    "uid_offset",
    "counter_offset",
    "picc_offset",
    "mac_input_offset",
    "enc_offset",
    "enc_length",
    "mac_offset",
    "counter_limit",
)


def _layout(meta_read: Right, file_read: Right, options: int) -> Iterator[str]:
    """The 3-byte values that follow the SDM rights, in their order on the wire."""
    if options & _UID and meta_read is Right.FREE:
        yield "uid_offset"
    if options & _COUNTER and meta_read is Right.FREE:
        yield "counter_offset"
    if meta_read.is_key:
        yield "picc_offset"
    if file_read is not Right.NEVER:
        yield "mac_input_offset"
        if options & _ENC:
            yield from ("enc_offset", "enc_length")
        yield "mac_offset"
    if options & _LIMIT:
        yield "counter_limit"


_SDM_ON = 0x40
_MODES = {0: CommMode.PLAIN, 1: CommMode.MAC, 2: CommMode.PLAIN, 3: CommMode.FULL}
"""Both values with bit 0 clear mean plain."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What ChangeFileSettings sets."""

    mode: CommMode
    rights: AccessRights
    sdm: Sdm | None = None

    def encode(self) -> bytes:
        """The data of ChangeFileSettings."""
        option = self.mode | (_SDM_ON if self.sdm else 0)
        return bytes([option]) + self.rights.encode() + (self.sdm.encode() if self.sdm else b"")

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        if len(raw) < 3 or raw[0] & ~(_SDM_ON | 3):
            raise SettingsError("settings: malformed")
        with_sdm = bool(raw[0] & _SDM_ON)
        if not with_sdm and len(raw) != 3:
            raise SettingsError("settings: wrong length")
        sdm = Sdm.decode(raw[3:]) if with_sdm else None
        return cls(_MODES[raw[0] & 3], AccessRights.decode(raw[1:3]), sdm)

    def check(self, file_size: int) -> None:
        """Raise `SettingsError` for settings that a card refuses with 919E."""
        if self.sdm:
            self.sdm.check(file_size)


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What GetFileSettings answers; the type is always 00, StandardData."""

    settings: FileSettings
    size: int

    def encode(self) -> bytes:
        body = self.settings.encode()
        return b"\x00" + body[:3] + self.size.to_bytes(3, "little") + body[3:]

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        if len(raw) < 7 or raw[0]:
            raise SettingsError("settings: not those of a standard data file")
        settings = FileSettings.decode(raw[1:4] + raw[7:])
        return cls(settings, int.from_bytes(raw[4:7], "little"))


NDEF_SIZE = 256

FACTORY_FILES = {
    FileNo.CC: FileInfo(
        FileSettings(
            CommMode.PLAIN, AccessRights(Right.FREE, Right.KEY_0, Right.KEY_0, Right.KEY_0)
        ),
        32,
    ),
    FileNo.NDEF: FileInfo(
        FileSettings(CommMode.PLAIN, AccessRights(Right.FREE, Right.FREE, Right.FREE, Right.KEY_0)),
        NDEF_SIZE,
    ),
    FileNo.PROPRIETARY: FileInfo(
        FileSettings(
            CommMode.FULL, AccessRights(Right.KEY_2, Right.KEY_3, Right.KEY_3, Right.KEY_0)
        ),
        128,
    ),
}
"""Settings at delivery (NT4H2421Gx §8.2.3)."""


def boltcard_settings(
    p_offset: int, c_offset: int, *, counter_return: Right = Right.NEVER
) -> FileSettings:
    """Settings of a Boltcard's NDEF file: free to read, key 0 for the rest, K1 opens, K2 signs.

    The MAC's input begins where the MAC lies, so it signs UID and counter and no text.
    """
    return FileSettings(
        CommMode.PLAIN,
        AccessRights(Right.FREE, Right.KEY_0, Right.KEY_0, Right.KEY_0),
        Sdm(
            meta_read=Right.KEY_1,
            file_read=Right.KEY_2,
            counter_return=counter_return,
            picc_offset=p_offset,
            mac_input_offset=c_offset,
            mac_offset=c_offset,
        ),
    )
