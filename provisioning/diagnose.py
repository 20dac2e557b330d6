"""What card this is and what to do next, in plain words; no key is used for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from host.keyring import Keyring
from host.ntag424 import ndef
from host.ntag424.card import Card, Link
from host.ntag424.sun import PiccData
from host.ntag424.values import Uid
from host.store.engine import Engine
from provisioning import books, journal
from provisioning.decide import Books, recognise
from provisioning.keysets import FACTORY, KeyRoom, KeySet
from provisioning.plan import Target
from provisioning.seen import Depth, Seen, claimed_uids, look, template_of
from provisioning.states import Judgement, State
from provisioning.trouble import Stop, TroubleCode

_BLOCKED = "It is blocked in the books."
_ROW_WORDS = {"frozen": _BLOCKED, "new": "It is in the books, and does not pay yet."}
_STATE_WORDS = {
    State.BLANK: "It is blank, as delivered.",
    State.BLANK_SDM: "Its keys are zeros, but a tool left its address and its signing switched on.",
    State.OURS: "It holds keys of this shop.",
    State.PARTIAL: "It is half-written: some keys are old and some are new.",
    State.ADOPTABLE: "It holds the keys of the imported file.",
    State.FOREIGN: "It holds keys of somebody else.",
    State.NOT_424: "It is not an NTAG 424 DNA.",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a look at a card tells, with what is on record about it."""

    state: State
    uid: Uid | None
    seen: Seen | None
    judged: Judgement
    known: Books
    spent: int
    target: Target
    trouble: TroubleCode | None = None

    @property
    def tap(self) -> PiccData | None:
        """The proven UID and counter, if the card signs and we know with which keys."""
        return self.judged.tap

    @property
    def faults(self) -> tuple[str, ...]:
        """What keeps this card from paying here; empty for a card that is all right."""
        return tuple(self._faults())

    def _faults(self) -> Iterator[str]:
        row = self.known.live
        if self.state is not State.OURS:
            yield _STATE_WORDS.get(self.state, "It is not usable.")
            return
        if row is None:
            yield "It is not in the books."
        elif (set_ := self.known.key_set) and self._names() != {set_.name}:
            yield "Its keys are of another version than the books say."
        elif row.state != "active":
            yield _ROW_WORDS.get(row.state, f"It is {row.state} in the books.")
        if self.known.job is not None:
            yield "A job on it was not finished."
        if self.seen is not None and self.seen.file.settings != self.target.settings:
            yield "It does not sign as our cards do."
        elif self.seen is not None and not self._right_address():
            yield "It carries another address."
        if row is not None and self.tap is not None and self.tap.counter <= row.last_counter:
            yield "Its counter is not above the last payment's."

    def _names(self) -> set[str]:
        return {one.name for one in self.judged.held or ()}

    def _right_address(self) -> bool:
        shown = template_of(self.seen) if self.seen else None
        return shown is not None and shown.startswith(self.target.file)

    def lines(self) -> list[str]:
        """The whole of it, for a technician."""
        return [*self._what(), *self._whose(), *self._signs(), *self._undone(), self.next()]

    def _what(self) -> Iterator[str]:
        name = self.uid.hex() if self.uid else "a card that hides its number"
        chip = self.seen.version if self.seen else None
        made = f", made in 20{chip.made}" if chip else ""
        yield f"Card {name}{made}."
        if self.seen and self.seen.random_id:
            yield "Random ID is on: readers see another number every time."
        yield _STATE_WORDS.get(self.state, "It cannot be told what it is.")

    def _whose(self) -> Iterator[str]:
        row = self.known.row
        if row is None:
            yield "It is not in the books."
        else:
            yield f"In the books: “{row.alias}” of store {row.store_id}, {row.state}."
        if self.seen is None or self.judged.held is None:
            return
        versions = sorted(set(self.seen.key_versions))
        yield f"Key version on the card: {', '.join(map(str, versions))}" + (
            f"; in the books: {row.key_version}." if row else "."
        )

    def _signs(self) -> Iterator[str]:
        if self.seen is None:
            return
        if self.seen.file.settings.sdm is None:
            yield "It signs nothing: signing is off."
        elif self.tap is None:
            yield "p and c do not check with any key known here."
        else:
            yield "p opens and c checks."
            yield from self._counter(self.tap)
        if self.seen.content is not None:
            yield f"Address: {_address(self.seen.content)}"

    def _counter(self, tap: PiccData) -> Iterator[str]:
        row = self.known.row
        if row is None:
            yield f"Counter on the card: {tap.counter}."
            return
        gap = tap.counter - row.last_counter - 1
        elsewhere = f" ({gap} reads in between)" if gap > 0 else ""
        yield f"Counter on the card: {tap.counter}; last claimed: {row.last_counter}{elsewhere}."

    def _undone(self) -> Iterator[str]:
        job = self.known.job
        if job is not None:
            yield f"A job was begun and not finished: {job.use}, after {_taps(job.taps + 1)}."
            new = self.judged.held or ()
            left = [str(n) for n, one in enumerate(new) if one.name != job.new_set]
            if left:
                yield f"Keys still to be changed: {', '.join(left)}."
        if self.spent:
            yield f"{self.spent} of {journal.BUDGET} attempts ended nowhere."

    def next(self) -> str:
        """What to do now, on the command line."""
        todo = self.todo("Run `taptill cards repair`")
        return f"Next: {todo[0].lower()}{todo[1:]}"

    def todo(self, repair: str) -> str:
        """What to do now; `repair` is how it is repaired where this is read."""
        trouble = self.trouble or (TroubleCode.FOREIGN if self.state is State.FOREIGN else None)
        if trouble is not None:
            return trouble.words.do
        if self.known.job is not None or self.state in (State.PARTIAL, State.BLANK_SDM):
            return f"{repair} and lay it down again."
        if self.state is State.BLANK:
            return "Issue it, or keep it."
        if self.state is State.ADOPTABLE or (self.state is State.OURS and not self.known.live):
            return "Issue it here (its keys are replaced), or wipe it."
        if self.faults == (_BLOCKED,):
            return "Unblock it on its page, if it may pay again."
        return f"{repair}." if self.faults else "Nothing, it is fine."


def diagnose(
    db: Engine,
    keyring: Keyring,
    link: Link,
    url_base: str,
    *,
    imports: tuple[KeySet, ...] = (),
) -> Diagnosis:
    """Look at the card in the field. The link's errors pass through."""
    journal.prepare(db)
    room = KeyRoom(keyring, imports)
    target = Target.boltcard(url_base)
    shown: bytes | None = getattr(link, "uid", None)
    uid = Uid(shown) if shown is not None and len(shown) == 7 else None
    try:
        seen = look(Card(link), uid, Depth.FULL, content_too=True)
    except Stop as stop:
        nothing = Judgement(State.NOT_424)
        return Diagnosis(State.NOT_424, uid, None, nothing, Books(), 0, target, stop.code)
    uids = [seen.uid] if seen.uid else claimed_uids(seen, room.openers())
    judged, known, name = Judgement(State.FOREIGN), Books(), seen.uid
    for one in uids:
        known = books.read(db, one)
        judged = _judge(seen, one, known, room)
        if judged.state is not State.FOREIGN:
            name = one
            break
    if not uids and seen.untouched:
        judged = Judgement(State.BLANK, (FACTORY,) * 5)
    spent = journal.spent(db, name) if name else 0
    return Diagnosis(judged.state, name, seen, judged, known, spent, target)


def _judge(seen: Seen, uid: Uid, known: Books, room: KeyRoom) -> Judgement:
    try:
        return recognise(seen, uid, known, room)
    except Stop:  # the imported keys of its job are not at hand: what can be told is told without
        return recognise(seen, uid, replace(known, job=None), room)


def _address(content: bytes) -> str:
    """The address without what was signed: `p` and `c` are worth money until the next tap."""
    try:
        return ndef.parse_file(content).partition("?")[0]
    except ndef.NdefEmpty:
        return "none"
    except ndef.NdefError:
        return "unreadable"


def _taps(count: int) -> str:
    return "1 tap" if count == 1 else f"{count} taps"
