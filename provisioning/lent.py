"""The card desk at a reader that the till lent: a job of the ledger, done card by card.

A stop, a pulled card, an unplugged reader or a restart lose nothing: what is left of a job is in
its rows, and what was begun on a card is in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from host.clock import MINUTE
from host.keyring import Keyring
from host.ledger.loans import Loan
from host.ntag424.errors import CardError
from host.readers.base import CardGone, CardLink, CardRefused, Look, Reader, SeveralCards, Show
from host.store.engine import Engine
from provisioning import jobs, terminal
from provisioning.desk import WAIT_MS, Desk, Result, Watch
from provisioning.diagnose import Diagnosis, diagnose
from provisioning.engine import Workshop
from provisioning.jobs import DeskJob, DeskState, Kind, Line, Planned, Sign
from provisioning.orders import Done, Goal, Order, Progress
from provisioning.seen import Depth
from provisioning.trouble import Trouble, TroubleCode

IDLE_MS: Final = 15 * MINUTE
"""A job that nobody lays cards down for is stopped: the till waits for its reader."""

_GOALS: Final = {
    Kind.ISSUE: Goal.ISSUE,
    Kind.REPAIR: Goal.REPAIR,
    Kind.REKEY: Goal.REKEY,
    Kind.WIPE: Goal.WIPE,
}
_LOOKS: Final = {Sign.DONE: Look.APPROVED, Sign.ASIDE: Look.DECLINED, Sign.AGAIN: Look.RETRY}
_MISSED: Final = {
    CardGone: TroubleCode.CARD_GONE,
    ConnectionError: TroubleCode.CARD_GONE,
    CardRefused: TroubleCode.NOT_424,
    CardError: TroubleCode.CARD_ERROR,
}


class CardDesk:
    """The borrower of a till's reader (`host.post`)."""

    def __init__(self, db: Engine, keyring: Keyring, url_base: str) -> None:
        self.db, self.keyring, self.url_base = db, keyring, url_base
        jobs.prepare(db)
        self.workshop = Workshop(db, keyring)

    def serve(self, loan: Loan, reader: Reader, over: Callable[[], bool]) -> None:
        """Work on the loan's job until it is done, stopped, or `over`."""
        job = jobs.get(self.db, loan.job_id)
        if job is None or not job.open:
            return
        shift = _Shift(self, job, reader, over)
        if job.kind in _GOALS:
            shift.work()
        else:
            shift.look()
        if not over():
            jobs.end(self.db, job.job_id, DeskState.DONE)


class _Stopped:
    """Whether the job, or the daemon, was told to stop, or the technician has gone."""

    def __init__(self, db: Engine, job_id: int, over: Callable[[], bool]) -> None:
        self._db, self._job_id, self._over = db, job_id, over

    def is_set(self) -> bool:
        job = jobs.get(self._db, self._job_id)
        if self._over() or job is None or not job.open:
            return True
        if self._db.clock.now() - job.changed_at < IDLE_MS:
            return False
        jobs.end(self._db, self._job_id, DeskState.STOPPED)
        return True


class _Shift:
    """One job at one reader, from now until either is gone."""

    def __init__(
        self, room: CardDesk, job: DeskJob, reader: Reader, over: Callable[[], bool]
    ) -> None:
        self._room, self._job, self._reader = room, job, reader
        self._db = room.db
        self._stop = _Stopped(room.db, job.job_id, over)
        self._next: Planned | None = None
        self._desk: Desk

    def work(self) -> None:
        """Lead cards through the engine."""
        watch = Watch(self._progress, self._waiting, self._result, self._sure)
        room = self._room
        self._desk = Desk(room.workshop, self._reader, self._order(), watch, self._stop)
        while self._more():
            result = self._desk.one(self._next.entry() if self._next else None)
            if result is None:
                break

    def look(self) -> None:
        """Tell of each card what it is; nothing is written."""
        while self._more():
            self._waiting(0)
            self._reader.show(Show(Look.READY, ("Lay down a card", "")))
            line = self._seen()
            if line is None:
                break
            self._reader.show(Show(_LOOKS[line.sign], (line.says, line.next)))
            self._keep(line)
            while not self._stop.is_set() and not self._reader.wait_gone(WAIT_MS):
                pass

    def _more(self) -> bool:
        """Whether another card is to come; of a batch, which."""
        job = self._job
        if job.kind is Kind.ISSUE:
            left = [one for one in jobs.planned(self._db, job.job_id) if one.state != "done"]
            self._next = next((one for one in left if one.state == "todo"), None)
            return bool(left)
        ended = [line for line in jobs.lines(self._db, job.job_id) if line.sign is not Sign.AGAIN]
        return job.total is None or len(ended) < job.total

    def _order(self) -> Order:
        job, asked = self._job, self._job.options.get
        before = {line.uid for line in jobs.lines(self._db, job.job_id) if line.sign != Sign.AGAIN}
        return Order(
            goal=_GOALS[job.kind],
            store_id=job.store_id,
            url_base=self._room.url_base,
            depth=Depth.FAST if asked("fast") else Depth.FULL,
            random_id=asked("random_id", False),
            random_id_confirmed=asked("random_id", False),
            originality=asked("originality", False),
            more_tries=asked("once_more", False),
            sure=frozenset(),
            done_before=frozenset(uid for uid in before if uid),
            person=job.person_id,
        )

    # --- what is told ------------------------------------------------------------------------

    def _waiting(self, _number: int) -> None:
        alias = self._next.card.alias if self._next else ""
        jobs.step(self._db, self._job.job_id, {"at": "waiting", "alias": alias})

    def _progress(self, now: Progress) -> None:
        told = {"at": "card", "done": now.done, "total": now.total, "words": now.words}
        jobs.step(self._db, self._job.job_id, told)

    def _sure(self, unsure: Trouble) -> bool:
        """Ask on the page, while the card lies there: once it is taken away, the answer is no."""
        uid, alias = unsure.uid or "", unsure.detail
        self._reader.show(Show(Look.READING, (f"Wipe {alias or 'it'}?", "Answer on the screen")))
        jobs.step(self._db, self._job.job_id, {"at": "asked", "uid": uid, "alias": alias})
        while not self._stop.is_set() and not self._reader.wait_gone(WAIT_MS):
            answer = jobs.answer(self._db, self._job.job_id)
            if answer is not None:
                return answer
        return False

    def _result(self, result: Result) -> None:
        outcome = result.outcome
        planned = self._planned(result)
        state = "done" if result.done else "begun"
        position = planned.position if planned else None
        jobs.record(self._db, self._job.job_id, line_of(result), position, state)
        jobs.step(self._db, self._job.job_id, {"at": "away", "uid": outcome.uid})

    def _planned(self, result: Result) -> Planned | None:
        """The card of the batch that this tap finished, or gave its name to."""
        outcome = result.outcome
        if isinstance(outcome, Trouble):
            given = self._next and self._desk.used(self._next.entry(), result)
            return self._next if given else None
        if self._job.kind is not Kind.ISSUE:
            return None
        for one in jobs.planned(self._db, self._job.job_id):
            begun = one.state == "begun" and one.uid == outcome.uid
            if begun or (one == self._next and one.card.alias == outcome.alias):
                return one if not outcome.already or begun else None
        return None

    def _keep(self, line: Line) -> None:
        jobs.record(self._db, self._job.job_id, line)
        jobs.step(self._db, self._job.job_id, {"at": "away", "uid": line.uid})

    # --- looking ----------------------------------------------------------------------------

    def _seen(self) -> Line | None:
        """The next card, looked at; None when told to stop."""
        while not self._stop.is_set():
            try:
                link = self._reader.wait_card(WAIT_MS)
            except SeveralCards:
                return _missed(TroubleCode.SEVERAL_CARDS)
            if link is not None:
                return self._examined(link)
        return None

    def _examined(self, link: CardLink) -> Line:
        began = time.monotonic_ns()
        self._reader.show(Show(Look.READING, ("Looking at the card", "")))
        self._progress(Progress(0, 0, "looking at the card"))
        room = self._room
        try:
            found = diagnose(room.db, room.keyring, link, room.url_base)
        except SeveralCards:
            return _missed(TroubleCode.SEVERAL_CARDS)
        except (CardGone, ConnectionError, CardRefused, CardError) as error:
            return _missed(next(c for kind, c in _MISSED.items() if isinstance(error, kind)))
        ms = (time.monotonic_ns() - began) // 1_000_000
        return looked(found, ms, whole=self._job.kind is Kind.DIAGNOSE)


def line_of(result: Result) -> Line:
    """A worked card's line."""
    outcome = result.outcome
    sign = Sign.DONE if result.done else Sign.ASIDE if result.final else Sign.AGAIN
    if isinstance(outcome, Done):
        facts: dict[str, Any] = {k: v for k, v in asdict(outcome).items() if v is not None}
        says = terminal.words(outcome).removeprefix(f"“{outcome.alias}” ")
        return Line(
            sign, says, title=outcome.alias or "", uid=outcome.uid, ms=result.ms, facts=facts
        )
    words = outcome.code.words
    facts = {"wrote": outcome.wrote, "detail": outcome.detail}
    return Line(sign, words.says, words.do, "", outcome.uid, outcome.code, result.ms, facts)


def looked(found: Diagnosis, ms: int, *, whole: bool) -> Line:
    """A diagnosed card's line; `whole` with everything that was found."""
    faults = found.faults
    row = found.known.row
    says = " ".join(faults) or "It is all right."
    facts = {"lines": found.lines()[:-1]} if whole else {}
    return Line(
        Sign.ASIDE if faults else Sign.DONE,
        says,
        found.todo("Choose Repair here"),
        title=row.alias if row else "",
        uid=found.uid.hex() if found.uid else None,
        ms=ms,
        facts=facts,
    )


def _missed(code: TroubleCode) -> Line:
    words = code.words
    sign = Sign.ASIDE if code is TroubleCode.NOT_424 else Sign.AGAIN
    return Line(sign, words.says, words.do, code=code)
