"""What a card shows to somebody without a key: versions, settings, and one signed reading.

Nothing here is a guess at a key, so nothing here can slow or block a card (THREATS 25).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from host.ntag424 import sdm
from host.ntag424.card import Card
from host.ntag424.commands import CardVersion
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt
from host.ntag424.errors import AnswerError, StatusError
from host.ntag424.files import FACTORY_FILES, FileInfo, FileNo, Right, Sdm, SettingsError
from host.ntag424.sun import PiccData
from host.ntag424.values import Key, Uid
from provisioning.trouble import Stop, TroubleCode

KEY_NUMBERS = range(5)
_TAG_UID_COUNTER = 0xC7


class Depth(StrEnum):
    """How much is read: everything, or only what decides about a card that looks new."""

    FULL = "full"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a card; `content` is file 2 as a stranger reads it, None where it was not."""

    uid: Uid | None
    """None under Random ID."""
    version: CardVersion | None
    key_versions: tuple[int, ...]
    file: FileInfo
    content: bytes | None = field(default=None, repr=False)

    @property
    def random_id(self) -> bool:
        """True when the card hides its UID."""
        return self.version is not None and not any(self.version.uid)

    @property
    def factory_file(self) -> bool:
        return self.file == FACTORY_FILES[FileNo.NDEF]

    @property
    def untouched(self) -> bool:
        """What a card looks like that no tool has finished anything on."""
        return self.factory_file and not any(self.key_versions)


def look(
    card: Card, uid: Uid | None, depth: Depth, *, on_record: bool = False, content_too: bool = False
) -> Seen:
    """Select the application and read; `uid` is what anticollision told, if anything.

    FAST asks for the version of key 0 and the settings of file 2 only, and goes on to all the rest
    unless both say "new". A card on record is read in full, but not asked again for its make.
    `content_too` reads a file that signs nothing as well. Raises `Stop` NOT_424, and the link's
    errors.
    """
    try:
        ask_make = uid is None or not on_record
        if depth is Depth.FAST and uid is not None and not (content_too or on_record):
            card.look_ahead(select=True, keys=(0,), files=(FileNo.NDEF,))
            card.select_application()
            seen = Seen(uid, None, (card.get_key_version(0),), _file(card))
            if seen.untouched:
                return replace(seen, key_versions=(0,) * 5)
            card.look_ahead(version=ask_make, keys=KEY_NUMBERS, files=(FileNo.NDEF,))
        else:
            card.look_ahead(select=True, version=ask_make, keys=KEY_NUMBERS, files=(FileNo.NDEF,))
            card.select_application()
        version = None
        if ask_make:
            version = card.get_version()
            uid = _same(uid, version)
        versions = tuple(card.get_key_version(number) for number in KEY_NUMBERS)
        file = _file(card)
        seen = Seen(uid, version, versions, file)
        wanted = content_too or file.settings.sdm is not None
        return replace(seen, content=read_file(card) if wanted else None)
    except (StatusError, AnswerError, SettingsError) as error:
        raise Stop(TroubleCode.NOT_424, str(error)) from error


def _same(uid: Uid | None, version: CardVersion) -> Uid | None:
    """The UID, as the chip tells it; under Random ID neither it nor the reader does."""
    if not version.is_ntag424:
        raise Stop(TroubleCode.NOT_424, "another chip")
    told = Uid(version.uid) if any(version.uid) else None
    if uid is not None and told != uid:
        raise Stop(TroubleCode.SWAPPED, "the reader saw another card")
    return told


def _file(card: Card) -> FileInfo:
    return card.get_file_settings(FileNo.NDEF)


def read_file(card: Card) -> bytes | None:
    """File 2 outside any session; with SDM on this counts as one tap. None: reading is refused."""
    try:
        return card.read_data(FileNo.NDEF)
    except StatusError:
        return None  # a read limit was reached, or reading needs a key


@dataclass(frozen=True, slots=True)
class Mirror:
    """The signed part of a reading, found by the settings' own offsets and not by its text.

    A tear may leave a new text under old offsets, and still the card can be told.
    """

    settings: Sdm
    sealed: bytes | None
    """Encrypted PICC data; None where UID and counter are mirrored in clear."""
    clear: PiccData | None
    mac: bytes = field(repr=False)
    signed: bytes

    @property
    def opener(self) -> int | None:
        """Number of the key that opens `sealed`."""
        return int(self.settings.meta_read) if self.sealed is not None else None

    @property
    def signer(self) -> int:
        """Number of the key that signs."""
        return int(self.settings.file_read)

    def open(self, key: Key) -> PiccData | None:
        """Who tapped, if this key opened it; a claim until `proves` holds."""
        if self.sealed is None:
            return self.clear
        plain = aes_cbc_decrypt(key, ZERO_IV, self.sealed)
        if plain[0] != _TAG_UID_COUNTER:
            return None
        return PiccData(Uid(plain[1:8]), int.from_bytes(plain[8:11], "little"))

    def proves(self, key: Key, claim: PiccData) -> bool:
        """True when the holder of `key` signed this UID and counter."""
        mac = sdm.mac(key, claim.uid, claim.counter, self.signed)
        return hmac.compare_digest(mac, self.mac)


def mirror(seen: Seen) -> Mirror | None:
    """What the card signed in this reading; None where SDM is off or signs nothing we can check."""
    settings, content = seen.file.settings.sdm, seen.content
    if settings is None or content is None or not settings.file_read.is_key:
        return None
    if settings.mac_offset is None or settings.mac_input_offset is None:
        return None
    try:
        mac = _hex(content, settings.mac_offset, 16)
        sealed = clear = None
        if settings.meta_read.is_key and settings.picc_offset is not None:
            sealed = _hex(content, settings.picc_offset, 32)
        elif settings.meta_read is Right.FREE and settings.uid_offset and settings.counter_offset:
            uid = Uid(_hex(content, settings.uid_offset, 14))
            counter = int.from_bytes(_hex(content, settings.counter_offset, 6), "big")
            clear = PiccData(uid, counter)
        else:
            return None
    except ValueError:
        return None
    signed = content[settings.mac_input_offset : settings.mac_offset]
    return Mirror(settings, sealed, clear, mac, signed)


def claimed_uids(seen: Seen, openers: Iterable[Key]) -> list[Uid]:
    """The UIDs that `p` may hold under these keys: how a card with Random ID is named."""
    found = mirror(seen)
    if found is None:
        return []
    claims = [found.open(key) for key in openers]
    return list(dict.fromkeys(claim.uid for claim in claims if claim))


def template_of(seen: Seen) -> bytes | None:
    """The file as it was written: what the card mirrors is put back to zeros."""
    settings, content = seen.file.settings.sdm, seen.content
    if content is None or settings is None:
        return content
    plain = bytearray(content)
    spans = ((settings.uid_offset, 14), (settings.counter_offset, 6))
    for offset, length in (*spans, (settings.picc_offset, 32), (settings.mac_offset, 16)):
        if offset is not None:
            plain[offset : offset + length] = b"0" * length
    return bytes(plain)


def _hex(content: bytes, offset: int, length: int) -> bytes:
    text = content[offset : offset + length].decode("ascii")
    raw = bytes.fromhex(text)
    if 2 * len(raw) != length:
        raise ValueError("mirror: cut short")
    return raw
