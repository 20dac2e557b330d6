"""What is to be done to a card, and in which order: pure, decided before the first write.

| use     | order                                                       |
|---------|-------------------------------------------------------------|
| PROGRAM | NDEF, settings, key 1, 2, 3, 4, key 0                       |
| REKEY   | the same; the old keys are an issuer's, or imported         |
| WIPE    | settings, NDEF, key 1, 2, 3, 4, key 0                       |
| WIPE of a card with Random ID | key 1, 2, 3, 4, key 0, settings, NDEF |

Every step is left out that the card shows to be done. Key 0 comes last: as long as it is the old
one, the old keys still open the card (THREATS 24). With Random ID only what the card signs tells
its UID, and so its keys: it goes on signing, with zeros at last, until no key needs to be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from host.ntag424.files import (
    FACTORY_FILES,
    NDEF_SIZE,
    FileNo,
    FileSettings,
    Right,
    boltcard_settings,
)
from host.ntag424.keys import CardKeys
from host.ntag424.ndef import build_template
from host.ntag424.values import Uid
from provisioning.keysets import FACTORY, KeySet
from provisioning.seen import KEY_NUMBERS, Seen, template_of
from provisioning.states import Held, TornJob


class Use(StrEnum):
    """The three uses of one engine."""

    PROGRAM = "program"
    REKEY = "rekey"
    WIPE = "wipe"


class Step(StrEnum):
    """One write; a step is one commit on the card."""

    NDEF = "ndef"
    SETTINGS = "settings"
    KEY_1 = "key_1"
    KEY_2 = "key_2"
    KEY_3 = "key_3"
    KEY_4 = "key_4"
    KEY_0 = "key_0"

    @property
    def key_no(self) -> int | None:
        """The key it changes, None for a file."""
        return int(self.value[4:]) if self.value.startswith("key_") else None


_KEYS = (Step.KEY_1, Step.KEY_2, Step.KEY_3, Step.KEY_4, Step.KEY_0)
ORDER: dict[Use, tuple[Step, ...]] = {
    Use.PROGRAM: (Step.NDEF, Step.SETTINGS, *_KEYS),
    Use.REKEY: (Step.NDEF, Step.SETTINGS, *_KEYS),
    Use.WIPE: (Step.SETTINGS, Step.NDEF, *_KEYS),
}
_WIPE_UNSEEN = (*_KEYS, Step.SETTINGS, Step.NDEF)
_FILE_GIVEN_BACK = ORDER[Use.WIPE]


@dataclass(frozen=True, slots=True)
class Target:
    """What file 2 shall say, and how it shall behave."""

    file: bytes = field(repr=False)
    settings: FileSettings

    @classmethod
    def boltcard(cls, url_base: str) -> Target:
        """Raises `NdefError` for a base that does not fit a card."""
        template = build_template(url_base)
        return cls(template.file, boltcard_settings(template.p_offset, template.c_offset))

    @classmethod
    def factory(cls) -> Target:
        """A card as delivered: SDM off, every byte zero."""
        return cls(bytes(NDEF_SIZE), FACTORY_FILES[FileNo.NDEF].settings)


@dataclass(frozen=True, slots=True)
class Plan:
    """One job: from these keys to those, and to this file. Names and versions go to the journal."""

    use: Use
    uid: Uid
    old: Held
    old_versions: tuple[int, ...]
    new: KeySet
    marker: int
    """The version byte of every new key: the commit marker that is readable without a key."""
    target: Target
    random_id: bool = False

    def __post_init__(self) -> None:
        if (self.marker == 0) != (self.new.name == FACTORY.name):
            raise ValueError("marker: 0 is for zero keys, and for them only")

    @property
    def torn(self) -> TornJob:
        """What a later tap needs to tell how far this one came."""
        return TornJob(self.old, self.old_versions, self.new, self.marker)

    def remaining(self, seen: Seen, held: Held) -> tuple[Step, ...]:
        """The steps that the card does not show to be done, in order."""
        order = ORDER[self.use]
        if _file_locked(seen):
            order = _FILE_GIVEN_BACK  # key 0 may not write this file until its settings say so
        elif self.use is Use.WIPE and seen.random_id:
            order = _WIPE_UNSEEN
        return tuple(step for step in order if self._needs(step, seen, held))

    def content(self, seen: Seen) -> bytes:
        """What to write to the file, from its start to the last byte that is not right yet."""
        shown, wanted = template_of(seen), self.target.file
        if shown is None:
            return wanted
        wrong = [at for at, byte in enumerate(wanted) if shown[at : at + 1] != bytes([byte])]
        return wanted[: wrong[-1] + 1] if wrong else b""

    def _needs(self, step: Step, seen: Seen, held: Held) -> bool:
        if step is Step.SETTINGS:
            return seen.file.settings != self.target.settings
        if step is Step.NDEF:
            shown = template_of(seen)
            return shown is None or not shown.startswith(self.target.file)
        number = step.key_no or 0
        same_key = held[number].keys[number] == self.new.keys[number]
        return not same_key or seen.key_versions[number] != self.marker


def _file_locked(seen: Seen) -> bool:
    rights = seen.file.settings.rights
    return not {Right.KEY_0, Right.FREE} & {rights.write, rights.read_write}


def distinct(keys: CardKeys) -> bool:
    """Five different keys: nothing that opens one card part opens another (THREATS 10)."""
    return len({key.reveal() for key in keys}) == len(KEY_NUMBERS)
