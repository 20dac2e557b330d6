"""From a state and an order to a plan, or to a refusal in words: pure but for deriving keys.

| order  | BLANK, BLANK_SDM | OURS in the books | OURS, no record | PARTIAL      | ADOPTABLE |
|--------|------------------|-------------------|-----------------|--------------|-----------|
| ISSUE  | program          | check (same keys) | re-key          | finish, or   | re-key    |
|        |                  |                   |                 | re-key       |           |
| REKEY  | NOT_OURS         | re-key            | NOT_OURS        | finish or    | NOT_OURS  |
|        |                  |                   |                 | re-key       |           |
| WIPE   | wipe what is left| wipe              | wipe            | wipe         | wipe      |
| REPAIR | wipe what is left| mend (same keys)  | NOT_OURS        | finish, re-  | NOT_OURS  |
|        |                  |                   |                 | key, or wipe |           |

FOREIGN is refused whatever the order. A card in another store's books, or in the middle of another
store's job, is refused too.
"""

from __future__ import annotations

from dataclasses import dataclass

from host.ledger.records import Card as CardRow
from host.ledger.records import CardState, KeyScheme
from host.ntag424.files import FACTORY_FILES, FileNo
from host.ntag424.values import Uid
from provisioning.journal import Job
from provisioning.keysets import FACTORY, Derived, KeyRoom, KeySet, KeysMissing, marker
from provisioning.orders import Goal, NewCard, Order
from provisioning.plan import Plan, Target, Use
from provisioning.seen import Seen
from provisioning.states import Held, Judgement, Sets, State, TornJob, judge
from provisioning.trouble import Stop, TroubleCode


@dataclass(frozen=True, slots=True)
class Books:
    """What is on record about the card that lies there."""

    row: CardRow | None = None
    job: Job | None = None
    newest_version: int = 0
    busy: bool = False
    """A payment of it is not settled."""

    @property
    def live(self) -> CardRow | None:
        """Its row, unless that life is over."""
        return self.row if self.row and self.row.state is not CardState.WIPED else None

    @property
    def key_set(self) -> Derived | None:
        """The keys its row says it has."""
        row = self.row
        if row is None:
            return None
        pull = row.pull_payment_id if row.key_scheme is KeyScheme.PULL_PAYMENT else None
        return Derived(row.issuer_id, row.key_version, pull)


@dataclass(frozen=True, slots=True)
class Decision:
    """The plan, and what the journal and the ledger need beside it."""

    plan: Plan
    card: NewCard | None = None
    """To be registered at the end."""
    url_base: str | None = None
    resumes: Job | None = None
    then_again: bool = False
    """The card needs another job after this one, on its next tap."""


class Decider:
    """One card, one order."""

    def __init__(
        self, order: Order, books: Books, room: KeyRoom, uid: Uid, seen: Seen, judged: Judgement
    ) -> None:
        if judged.held is None:
            raise Stop(TroubleCode.FOREIGN)
        self._order, self._books, self._room = order, books, room
        self._uid, self._seen, self._state = uid, seen, judged.state
        self._held: Held = judged.held

    def decide(self) -> Decision:
        """Raises `Stop` for what is refused, `KeysMissing` for keys that must be handed in."""
        self._refuse_strangers()
        goal = self._order.goal
        if goal is Goal.ISSUE:
            return self._issue()
        if goal is Goal.REKEY:
            return self._rekey()
        return self._wipe() if goal is Goal.WIPE else self._repair()

    def _refuse_strangers(self) -> None:
        live, job = self._books.live, self._books.job
        owner = live.store_id if live else job.store_id if job else self._order.store_id
        if owner != self._order.store_id:
            raise Stop(TroubleCode.OTHER_STORE)
        if self._books.busy and (self._order.goal is not Goal.ISSUE or not self._on_record):
            raise Stop(TroubleCode.BUSY)

    @property
    def _on_record(self) -> bool:
        """All five keys are those of the card's row."""
        wanted = self._books.key_set
        names = {one.name for one in self._held}
        return self._books.live is not None and wanted is not None and names == {wanted.name}

    def _issue(self) -> Decision:
        if job := self._job(Use.PROGRAM, Use.REKEY):
            return self._resume(job)
        if self._on_record:
            return self._mend()
        if self._order.card is None:
            raise Stop(TroubleCode.WRONG_ORDER, "no account to issue the card on")
        blank = self._state in (State.BLANK, State.BLANK_SDM)
        return self._new_keys(Use.PROGRAM if blank else Use.REKEY, self._order.card)

    def _rekey(self) -> Decision:
        if job := self._job(Use.PROGRAM, Use.REKEY):
            return self._resume(job)
        if not self._books.live or (self._state is not State.PARTIAL and not self._on_record):
            raise Stop(TroubleCode.NOT_OURS)
        return self._new_keys(Use.REKEY, None)

    def _wipe(self) -> Decision:
        if job := self._job(Use.WIPE):
            return self._resume(job)
        unmarked = zip(self._held, self._seen.key_versions, strict=True)
        if any(version == 0 and one is not FACTORY for one, version in unmarked):
            # Version 0 already stands for these keys, so it could not mark their end. Ours first.
            return self._new_keys(Use.REKEY, None, then_again=True)
        return Decision(self._plan(Use.WIPE, FACTORY, 0, Target.factory()))

    def _repair(self) -> Decision:
        if job := self._job(*Use):
            return self._resume(job)
        if self._on_record:
            return self._mend()
        if self._state is State.PARTIAL and self._books.live:
            return self._new_keys(Use.REKEY, None)
        if self._state in (State.BLANK, State.BLANK_SDM, State.PARTIAL):
            return self._wipe()
        raise Stop(TroubleCode.NOT_OURS)

    def _job(self, *uses: Use) -> Job | None:
        job = self._books.job
        return job if job and job.use in uses else None

    def _resume(self, job: Job) -> Decision:
        """The torn job goes on as it was begun, whatever the order's details say now."""
        new = self._room.of(job.new_set, self._uid)
        target = Target.boltcard(job.url_base) if job.url_base else Target.factory()
        old = tuple(self._room.of(name, self._uid) for name in job.old_sets)
        plan = Plan(
            job.use, self._uid, old, job.old_versions, new, job.marker, target, job.random_id
        )
        card = NewCard.from_json(job.card) if job.card else None
        return Decision(plan, card, job.url_base, job)

    def _mend(self) -> Decision:
        """Same keys, and the file's text put right.

        Other settings may start the card's counter anew, under which old taps would be good once
        more: that takes new keys.
        """
        version = self._seen.key_versions[0]
        base = self._order.url_base
        target = Target.boltcard(base)
        if self._seen.file.settings != target.settings:
            return self._new_keys(Use.REKEY, None)
        return Decision(self._plan(Use.REKEY, self._held[0], version, target), None, base)

    def _new_keys(self, use: Use, card: NewCard | None, *, then_again: bool = False) -> Decision:
        new = self._room.derive(self._next(card), self._uid)
        base = self._order.url_base
        plan = self._plan(use, new, new.marker or 0, Target.boltcard(base))
        return Decision(plan, card, base, then_again=then_again)

    def _next(self, card: NewCard | None) -> Derived:
        """Newest issuer, and a version never used on this card whose byte none of its keys has."""
        row = self._books.row
        account = card.pull_payment_id if card else row.pull_payment_id if row else None
        mixed = self._order.key_scheme is KeyScheme.PULL_PAYMENT
        version = 1 + max(self._books.newest_version, row.key_version if row else 0)
        while marker(version) in self._seen.key_versions:
            version += 1
        issuer = self._room.issuers[0]
        return Derived(issuer.issuer_id, version, account if mixed else None)

    def _plan(self, use: Use, new: KeySet, version: int, target: Target) -> Plan:
        random_id = self._order.random_id and use is not Use.WIPE
        versions = self._seen.key_versions
        return Plan(use, self._uid, self._held, versions, new, version, target, random_id)


def torn_job(job: Job | None, room: KeyRoom, uid: Uid) -> TornJob | None:
    """The journal's part of telling a half-written card. Raises `Stop` where keys are missing."""
    if job is None:
        return None
    try:
        old = tuple(room.of(name, uid) for name in job.old_sets)
        return TornJob(old, job.old_versions, room.of(job.new_set, uid), job.marker)
    except KeysMissing as error:
        raise Stop(error.code, error.name) from error


def recognise(seen: Seen, uid: Uid, known: Books, room: KeyRoom) -> Judgement:
    """The card's state, with every set of keys that is on record or can be derived here.

    Raises `Stop` IMPORT_NEEDED or ISSUER_MISSING when an unfinished job's keys are not at hand.
    """
    torn = torn_job(known.job, room, uid)
    sets = [torn.new, *torn.old] if torn else []
    if known.key_set is not None and room.has(known.key_set.issuer_id):
        sets.append(room.derive(known.key_set, uid))
    recorded = (known.newest_version, known.row.key_version if known.row else 0)
    return judge(seen, uid, Sets.of(room, uid, (*seen.key_versions, *recorded), sets), torn)


def is_factory(seen: Seen, held: Held) -> bool:
    """True for a card as delivered: nothing is left to wipe."""
    delivered = seen.file == FACTORY_FILES[FileNo.NDEF] and not any(seen.key_versions)
    return delivered and not any(seen.content or b"") and all(one is FACTORY for one in held)
