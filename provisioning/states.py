"""What state a card is in, derived from the card and never from memory (PROTOCOL (b)).

| state      | how it is told                                                    | keys     |
|------------|-------------------------------------------------------------------|----------|
| BLANK      | versions 0, settings as delivered                                 | zeros    |
| BLANK_SDM  | versions 0, settings left by some tool; what it signs, zeros sign | zeros    |
| OURS       | one set of our issuers in all five places                         | that set |
| PARTIAL    | several known sets: a job was torn                                | mixed    |
| ADOPTABLE  | the set of an imported file                                       | that set |
| FOREIGN    | a version or a signature that no set at hand explains             | unknown  |
| NOT_424    | another chip, or no answer                                        | -        |
| LRP        | 919D to a right key, and it answers in LRP                        | -        |
| DELAYED    | 91AD, five times over                                             | known    |
| BLOCKED    | 919D to a right key                                               | known    |

The last three show only when a key is used; `execute` raises them. A FOREIGN card is left alone:
no key is tried on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from host.ntag424.sun import PiccData
from host.ntag424.values import Uid
from provisioning.keysets import FACTORY, Derived, KeyRoom, KeySet
from provisioning.seen import KEY_NUMBERS, Mirror, Seen, mirror

Held = tuple[KeySet, ...]
"""The set each of the five keys is of."""

_TOOLS_START_AT = range(4)
"""Versions that are tried on a card we have no record of; most tools count from 0 or 1."""


class State(StrEnum):
    """Where a card stands."""

    BLANK = "blank"
    BLANK_SDM = "blank_sdm"
    OURS = "ours"
    PARTIAL = "partial"
    ADOPTABLE = "adoptable"
    FOREIGN = "foreign"
    LRP = "lrp"
    DELAYED = "delayed"
    BLOCKED = "blocked"
    NOT_424 = "not_424"


@dataclass(frozen=True, slots=True)
class TornJob:
    """What the journal knows about a card's unfinished job."""

    old: Held
    old_versions: tuple[int, ...]
    new: KeySet
    marker: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, the keys behind it, and the tap that proved them, if the card signs at all."""

    state: State
    held: Held | None = None
    tap: PiccData | None = None


@dataclass(frozen=True, slots=True)
class _Proof:
    """A reading that was opened and whose signature holds, and with whose keys."""

    tap: PiccData
    sets: dict[int, KeySet]


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets a card may hold. A version byte is evidence for a set on record, and no more than a
    hint for one that is merely possible: such a set counts only where it signed (THREATS 25).
    """

    on_record: tuple[KeySet, ...]
    possible: tuple[KeySet, ...] = ()

    @classmethod
    def of(
        cls, room: KeyRoom, uid: Uid, versions: Iterable[int], known: Iterable[KeySet] = ()
    ) -> Sets:
        """`known` from journal and books; `versions` that the card shows or that were ever used."""
        named = (one for one in room.imports if one.only_for == uid)
        possible = [
            room.derive(Derived(issuer.issuer_id, version), uid)
            for version in dict.fromkeys((*versions, *_TOOLS_START_AT))
            for issuer in room.issuers
        ]
        return cls((*known, FACTORY, *named), (*room.imports, *possible))

    @property
    def all(self) -> tuple[KeySet, ...]:
        return (*self.on_record, *self.possible)


def judge(seen: Seen, uid: Uid, sets: Sets, torn: TornJob | None = None) -> Judgement:
    """The state of a card that showed this, given the sets it may hold."""
    signed = mirror(seen)
    proof = _prove(signed, uid, sets.all) if signed else None
    if signed and proof is None:
        return Judgement(State.FOREIGN)
    evidence = _Evidence(seen.key_versions, sets.on_record, torn, proof)
    held = tuple(one for one in map(evidence.holder, KEY_NUMBERS) if one)
    tap = proof.tap if proof else None
    if len(held) < len(KEY_NUMBERS):
        return Judgement(State.FOREIGN, tap=tap)
    return Judgement(_state(held, seen), held, tap)


def _prove(signed: Mirror, uid: Uid, sets: tuple[KeySet, ...]) -> _Proof | None:
    """Opener and signer are looked for apart: a torn re-key may have changed one of them."""
    for opener in sets:
        tap = signed.open(opener.keys[signed.opener or 0])
        if tap is None or tap.uid != uid:
            continue
        for signer in sets:
            if signed.proves(signer.keys[signed.signer], tap):
                return _Proof(tap, _provers(signed, opener, signer))
    return None


def _provers(signed: Mirror, opener: KeySet, signer: KeySet) -> dict[int, KeySet]:
    """By key number. K1 is the same in all sets of an issuer: then the signer tells which it is."""
    found = {signed.signer: signer}
    if (number := signed.opener) is not None:
        same = signer.keys[number] == opener.keys[number]
        found[number] = signer if same else opener
    return found


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Everything that tells which set each of the five keys is of."""

    versions: tuple[int, ...]
    on_record: tuple[KeySet, ...]
    torn: TornJob | None
    proof: _Proof | None

    def holder(self, number: int) -> KeySet | None:
        """The set its version byte names, unless the card's signature knows better."""
        proved = self.proof.sets.get(number) if self.proof else None
        told = next(self._told(number), None)
        if proved and (told is None or told.keys[number] != proved.keys[number]):
            return proved
        return told

    def _told(self, number: int) -> Iterator[KeySet]:
        """The likeliest first."""
        version, torn = self.versions[number], self.torn
        if torn and version == torn.marker:
            yield torn.new
        if torn and version == torn.old_versions[number]:
            yield torn.old[number]
        signers = tuple(self.proof.sets.values()) if self.proof else ()
        yield from (one for one in signers if one.marker == version)
        # Another tool's set has no marker: it is believed where it signed …
        yield from (one for one in signers if one.marker is None)
        # … and so is ours from a phone, which writes a version byte of its own into all five.
        if version and len(set(self.versions)) == 1:
            yield from (one for one in signers if one in self.on_record)
        yield from (one for one in self.on_record if one.marker == version)
        if not self.proof and version:
            yield from (one for one in self.on_record if one.imported)  # its file names the card


def _state(held: Held, seen: Seen) -> State:
    names = {one.name for one in held}
    if names == {FACTORY.name}:
        return State.BLANK if seen.factory_file else State.BLANK_SDM
    if len(names) > 1:
        return State.PARTIAL
    return State.ADOPTABLE if held[0].imported else State.OURS
