"""One engine, three uses: look → judge → decide → journal → write → verify → books.

Run again on the same card after any tear, it goes on where the card stands; run on a finished
card, it only checks. Each tap ends in `Done` or in a `Trouble`, never in an exception of the card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from host.keyring import Keyring
from host.ledger import sales
from host.ntag424.card import Card, Link
from host.ntag424.errors import CardError, StatusError
from host.ntag424.sun import PiccData
from host.ntag424.values import Uid
from host.readers.base import CardGone, CardRefused, SeveralCards
from host.store.engine import Engine
from host.store.tx import Tx
from provisioning import books, journal, originality
from provisioning.decide import Books, Decider, Decision, is_factory, recognise
from provisioning.execute import Hand
from provisioning.journal import Job
from provisioning.keysets import FACTORY, KeyRoom, KeysMissing
from provisioning.orders import Done, Goal, Order, Outcome, Progress, Tell, silent
from provisioning.plan import Step, Use
from provisioning.seen import Seen, claimed_uids, look
from provisioning.states import Judgement
from provisioning.trouble import Stop, Trouble, TroubleCode

_WORDS = {
    Step.NDEF: "writing the address",
    Step.SETTINGS: "setting how it signs",
    Step.KEY_1: "changing key 1",
    Step.KEY_2: "changing key 2",
    Step.KEY_3: "changing key 3",
    Step.KEY_4: "changing key 4",
    Step.KEY_0: "changing the main key",
}


_CODES: tuple[tuple[type[Exception], TroubleCode], ...] = (
    (SeveralCards, TroubleCode.SEVERAL_CARDS),
    (CardRefused, TroubleCode.NOT_424),
    (CardGone, TroubleCode.CARD_GONE),
    (ConnectionError, TroubleCode.CARD_GONE),
)


def _code(error: Exception) -> TroubleCode:
    return next(code for kind, code in _CODES if isinstance(error, kind))


class Workshop:
    """Where cards are made: a ledger, a keyring, and one card at a time."""

    def __init__(self, db: Engine, keyring: Keyring) -> None:
        self.db = db
        self.keyring = keyring
        journal.prepare(db)

    def work(self, link: Link, order: Order, tell: Tell = silent) -> Outcome:
        """Bring the card in the field as far as this tap allows.

        Raises `ReaderGone` when the reader went away and `StoreError` when the ledger did: what
        was written on the card is in the journal, so the next tap goes on.
        """
        return _Tap(self.db, KeyRoom(self.keyring, order.imports), link, order, tell).run()

    def open_job(self, uid: str) -> Job | None:
        """The unfinished job of a card."""
        return journal.open_job(self.db, Uid.parse(uid))


class _Counted:
    """A link that counts."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.apdus = 0

    def transceive(self, apdu: bytes) -> bytes:
        self.apdus += 1
        return self._link.transceive(apdu)

    def ahead(self, apdus: Sequence[bytes]) -> None:
        if ahead := getattr(self._link, "ahead", None):
            ahead(apdus)


class _Tap:
    """One order, one presentation of a card."""

    def __init__(self, db: Engine, room: KeyRoom, link: Link, order: Order, tell: Tell) -> None:
        self._db, self._room, self._order, self._tell = db, room, order, tell
        shown: bytes | None = getattr(link, "uid", None)
        self._shown = Uid(shown) if shown is not None and len(shown) == 7 else None
        self._link = _Counted(link)
        self._card = Card(self._link)
        self._hand = Hand(self._card)
        self._uid: Uid | None = None
        self._spent: int | None = None
        """What the budget stood at before this tap, once this tap drew on it."""
        self._began = False

    def run(self) -> Outcome:
        try:
            return replace(self._work(), apdus=self._link.apdus)
        except Stop as stop:
            return self._trouble(stop.code, stop.detail)
        except KeysMissing as error:
            return self._trouble(error.code, error.name)
        except (CardGone, ConnectionError, SeveralCards, CardRefused) as error:
            return self._trouble(_code(error), str(error))
        except CardError as error:
            swapped = self._somebody_else_lies_there()
            code = TroubleCode.SWAPPED if swapped else TroubleCode.CARD_ERROR
            return self._trouble(code, str(error))

    def _work(self) -> Done:
        self._refuse_early()
        seen = self._look()
        uid = self._name(seen)
        known = books.read(self._db, uid)
        judged = recognise(seen, uid, known, self._room)
        decision = Decider(self._order, known, self._room, uid, seen, judged).decide()
        if self._nothing_left(decision, seen, judged):
            return self._as_it_is(decision, judged)
        self._be_sure(decision, known)
        steps = decision.plan.remaining(seen, judged.held or ())
        self._begin(decision, writes=bool(steps) or decision.plan.random_id)
        self._say(1, len(steps), "opening the card")
        self._open(judged, uid)
        self._hand.write(decision.plan, steps, seen, judged.held or (), self._before(steps))
        tap = self._verify(decision, steps, judged)
        self._hide_uid(decision, seen)
        origin = self._origin(uid)
        done = self._finish(decision, judged, tap, already=not steps)
        return replace(done, originality=origin)

    # --- before any key ---------------------------------------------------------------------

    def _refuse_early(self) -> None:
        order = self._order
        if order.random_id and not order.random_id_confirmed:
            raise Stop(TroubleCode.RANDOM_ID_UNCONFIRMED)
        if order.terminal_id and sales.current(self._db, order.terminal_id) is not None:
            raise Stop(TroubleCode.SALE_ARMED, order.terminal_id)
        if order.card is not None:
            books.check(self._db, order.store_id, order.card)

    def _look(self) -> Seen:
        self._say(0, 0, "looking at the card")
        goal = self._order.goal
        return look(
            self._card,
            self._shown,
            self._order.depth,
            on_record=self._recorded(self._shown),
            content_too=goal in (Goal.WIPE, Goal.REPAIR),
        )

    def _recorded(self, uid: Uid | None) -> bool:
        if uid is None:
            return False
        known = books.read(self._db, uid)
        return known.row is not None or known.newest_version > 0

    def _name(self, seen: Seen) -> Uid:
        """Whose card it is. Under Random ID its signature says so, or a session with zero keys."""
        if seen.uid is not None:
            self._uid = seen.uid
        elif seen.untouched:
            self._hand.open(FACTORY.keys.k0)
            self._uid = self._card.get_card_uid()
        else:
            self._uid = self._signed_name(seen)
        if self._uid.hex() in self._order.done_before:
            raise Stop(TroubleCode.TWICE)
        return self._uid

    def _signed_name(self, seen: Seen) -> Uid:
        for uid in claimed_uids(seen, self._room.openers()):
            judged = recognise(seen, uid, books.read(self._db, uid), self._room)
            if judged.tap is not None and judged.tap.uid == uid:
                return uid
        raise Stop(TroubleCode.FOREIGN if seen.file.settings.sdm else TroubleCode.UID_UNKNOWN)

    def _nothing_left(self, decision: Decision, seen: Seen, judged: Judgement) -> bool:
        wiped = decision.plan.use is Use.WIPE and decision.resumes is None
        return wiped and judged.held is not None and is_factory(seen, judged.held)

    def _be_sure(self, decision: Decision, known: Books) -> None:
        """A wipe destroys keys: where a technician is asked, nothing is written before the yes."""
        sure, uid = self._order.sure, decision.plan.uid.hex()
        if self._order.goal is not Goal.WIPE or sure is None or decision.resumes is not None:
            return
        if uid not in sure:
            raise Stop(TroubleCode.UNSURE, known.live.alias if known.live else "")

    def _as_it_is(self, decision: Decision, judged: Judgement) -> Done:
        """A card as delivered: no key is used only to hear so; the books may not know yet."""
        person = self._order.person
        self._db.transaction(lambda tx: books.close(tx, decision, self._room, None, person))
        return self._done(decision, judged, None, None, already=True)

    # --- with a key -------------------------------------------------------------------------

    def _begin(self, decision: Decision, *, writes: bool) -> None:
        """The budget and, before anything is written, the journal: durable when this returns."""
        uid, order = decision.plan.uid, self._order

        def write(tx: Tx) -> int:
            if order.more_tries:
                journal.set_spent(tx, uid, 0)
            before = journal.spent(tx, uid)
            journal.spend(tx, uid, 2)
            if decision.resumes is not None:
                journal.tap(tx, decision.resumes.job_id)
            elif writes:
                self._began = True
                journal.begin(
                    tx,
                    decision.plan,
                    store_id=order.store_id,
                    url_base=decision.url_base,
                    card=decision.card.to_json() if decision.card else {},
                    person=order.person,
                )
            return before

        self._spent = self._db.transaction(write)

    def _open(self, judged: Judgement, uid: Uid) -> None:
        if judged.held is not None and self._card.authenticated is None:
            self._hand.open(judged.held[0].keys.k0)
        self._hand.confirm(uid)

    def _verify(
        self, decision: Decision, steps: tuple[Step, ...], judged: Judgement
    ) -> PiccData | None:
        if not steps:
            return judged.tap  # this tap's own look has proved it, and the session key 0
        self._say(2 + len(steps), len(steps), "checking what it signs")
        return self._hand.verify(decision.plan, self._order.depth)

    def _hide_uid(self, decision: Decision, seen: Seen) -> None:
        """Random ID, at the very end: it cannot be taken back."""
        if decision.plan.random_id and not seen.random_id:
            if self._card.authenticated is None:
                self._hand.open(decision.plan.new.keys.k0)
            self._hand.wrote = True
            self._card.enable_random_id()

    def _finish(
        self, decision: Decision, judged: Judgement, tap: PiccData | None, *, already: bool
    ) -> Done:
        uid, person = decision.plan.uid, self._order.person

        def write(tx: Tx) -> tuple[str | None, str | None]:
            job = journal.open_job(tx, uid)
            row = books.close(tx, decision, self._room, tap, person)
            if job is not None:
                journal.finish(tx, job, tap.counter if tap else None)
            journal.set_spent(tx, uid, 0)
            return (row.card_id, row.alias) if row else (None, None)

        card_id, alias = self._db.transaction(write)
        self._spent = None
        if decision.then_again or (self._order.goal is Goal.ISSUE and card_id is None):
            raise Stop(TroubleCode.ONCE_MORE, "one more job")
        return self._done(decision, judged, card_id, alias, tap=tap, already=already)

    def _done(
        self,
        decision: Decision,
        judged: Judgement,
        card_id: str | None,
        alias: str | None,
        *,
        tap: PiccData | None = None,
        already: bool,
    ) -> Done:
        derived = decision.plan.new.derived
        return Done(
            goal=self._order.goal,
            use=decision.plan.use,
            uid=decision.plan.uid.hex(),
            state=judged.state,
            card_id=card_id,
            alias=alias,
            key_version=derived.version if derived else None,
            counter=tap.counter if tap else None,
            already=already and decision.resumes is None,
            resumed=decision.resumes is not None,
        )

    def _origin(self, uid: Uid) -> str | None:
        """Asked for in the session, where even a card with Random ID answers."""
        if not self._order.originality:
            return None
        try:
            return originality.origin(uid, self._card.read_signature())
        except StatusError:
            return originality.Origin.UNKNOWN

    # --- around it --------------------------------------------------------------------------

    def _before(self, steps: tuple[Step, ...]) -> Callable[[Step], None]:
        return lambda step: self._say(2 + steps.index(step), len(steps), _WORDS[step])

    def _say(self, done: int, steps: int, words: str) -> None:
        self._tell(Progress(done, steps + 3, words))

    def _somebody_else_lies_there(self) -> bool:
        try:
            self._card.select_application()
            shown = self._card.get_version().uid
        except (CardError, CardGone, CardRefused, ConnectionError):
            return False
        return any(shown) and self._uid is not None and shown != self._uid.raw

    def _trouble(self, code: TroubleCode, detail: str) -> Trouble:
        uid, hand, spent = self._uid, self._hand, self._spent
        if uid is not None:
            left = hand.unproved if hand.proved else (spent or 0) + hand.unproved

            def note(tx: Tx) -> None:
                if spent is not None:
                    journal.set_spent(tx, uid, left)
                journal.note_trouble(tx, uid, code)
                if self._began and not hand.wrote:
                    journal.abandon(tx, uid)

            self._db.transaction(note)
        return Trouble(code, uid.hex() if uid else None, detail, hand.wrote)
