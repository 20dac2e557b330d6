"""A reader, a workshop and a stack of cards: laying a card down is enough to start.

| outcome of a tap                              | what follows                                  |
|-----------------------------------------------|-----------------------------------------------|
| done                                          | approved lights; the next card starts by itself|
| trouble that another tap may end (`AGAIN`)    | retry lights; the card stays to be done        |
| any other trouble                             | declined lights; the card is laid aside        |
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeGuard

from host.readers.base import CardLink, Look, Reader, SeveralCards, Show
from provisioning.engine import Workshop
from provisioning.orders import Done, Goal, Order, Outcome, Progress, silent
from provisioning.template import Entry
from provisioning.trouble import Trouble, TroubleCode

WAIT_MS = 250
"""How long one look at the field takes; a stop is noticed after at most this."""

AGAIN = frozenset(
    {
        TroubleCode.CARD_GONE,
        TroubleCode.SEVERAL_CARDS,
        TroubleCode.ONCE_MORE,
        TroubleCode.CARD_ERROR,
        TroubleCode.VERIFY_FAILED,
        TroubleCode.DELAYED,
        TroubleCode.SWAPPED,
        TroubleCode.TWICE,
        TroubleCode.SALE_ARMED,
        TroubleCode.UNSURE,
    }
)
"""Trouble that leaves the card, or the next one, still to be done."""


@dataclass(frozen=True, slots=True)
class Result:
    """One card's line: what came of it, how long it took, and its PIN for the holder's list."""

    outcome: Outcome
    number: int
    ms: int
    pin: str | None = field(default=None, repr=False)

    @property
    def done(self) -> bool:
        return isinstance(self.outcome, Done)

    @property
    def final(self) -> bool:
        """No other tap of this card is waited for."""
        return isinstance(self.outcome, Done) or self.outcome.code not in AGAIN

    @property
    def alias(self) -> str:
        return self.outcome.alias or "" if isinstance(self.outcome, Done) else ""


@dataclass
class Watch:
    """Who watches a desk: each may be left out."""

    progress: Callable[[Progress], None] = silent
    waiting: Callable[[int], None] = lambda _number: None
    result: Callable[[Result], None] = lambda _result: None
    sure: Callable[[Trouble], bool] = lambda _unsure: False
    """Asks about the card that lies there, when the order wants every card asked about."""


class Stop(Protocol):
    """What ends a desk between two cards: a `threading.Event`, or a look at the ledger."""

    def is_set(self) -> bool: ...


class Desk:
    """One reader at work on a number of cards."""

    def __init__(
        self,
        workshop: Workshop,
        reader: Reader,
        order: Order,
        watch: Watch,
        stop: Stop | None = None,
    ) -> None:
        self._workshop, self._reader, self._order, self._watch = workshop, reader, order, watch
        self._stop: Stop = stop or threading.Event()
        self._had: set[str] = set()
        self._sure: frozenset[str] = frozenset()
        self.results: list[Result] = []

    def issue(self, entries: Iterable[Entry]) -> list[Result]:
        """Make these cards; the result's order is that of the taps."""
        left = deque(entries)
        total = len(left)
        while len(self.final) < total:
            entry = left[0] if left else None  # only cards that were begun are missing then
            result = self.one(entry)
            if result is None:
                break
            if entry and self.used(entry, result):
                left.popleft()
        return self.results

    def serve(self, count: int) -> list[Result]:
        """The same order for `count` cards."""
        while len(self.final) < count:
            if self.one(None) is None:
                break
        return self.results

    @property
    def final(self) -> list[Result]:
        """The cards that need no other tap."""
        return [one for one in self.results if one.final]

    def one(self, entry: Entry | None) -> Result | None:
        """One tap; None when told to stop."""
        number = len(self.final) + 1
        name = entry.card.alias if entry else ""
        self._watch.waiting(number)
        self._reader.show(Show(Look.READY, ("Lay down a card", name)))
        order = replace(self._order, done_before=self._order.done_before | self._had)
        if entry is not None:
            order = replace(order, card=entry.card)
        outcome, ms = self._tap(order)
        if outcome is None:
            return None
        pin = entry.pin if entry and isinstance(outcome, Done) and _is(entry, outcome) else None
        result = Result(outcome, number, ms, pin)
        self.results.append(result)
        if result.final and outcome.uid:
            self._had.add(outcome.uid)
        self._show(result)
        self._watch.result(result)
        self._until_gone()
        return result

    def _tap(self, order: Order) -> tuple[Outcome | None, int]:
        while not self._stop.is_set():
            try:
                link = self._reader.wait_card(WAIT_MS)
            except SeveralCards as error:
                return Trouble(TroubleCode.SEVERAL_CARDS, detail=str(error)), 0
            if link is not None:
                return self._work(link, order)
        return None, 0

    def _work(self, link: CardLink, order: Order) -> tuple[Outcome, int]:
        began = time.monotonic_ns()

        def tell(progress: Progress) -> None:
            bar = f"{progress.done}/{progress.total}" if progress.total else ""
            self._reader.show(Show(Look.READING, (progress.words, bar)))
            self._watch.progress(progress)

        if order.sure is not None:
            order = replace(order, sure=order.sure | self._sure)
        outcome = self._workshop.work(link, order, tell)
        if _unsure(outcome) and self._watch.sure(outcome):
            self._sure |= {outcome.uid or ""}
            outcome = self._workshop.work(link, replace(order, sure=self._sure), tell)
        return outcome, (time.monotonic_ns() - began) // 1_000_000

    def _show(self, result: Result) -> None:
        outcome = result.outcome
        if isinstance(outcome, Done):
            self._reader.show(Show(Look.APPROVED, ("Done", outcome.alias or "")))
        else:
            words = outcome.code.words
            look = Look.DECLINED if result.final else Look.RETRY
            self._reader.show(Show(look, (words.says, words.do)))

    def _until_gone(self) -> None:
        while not self._stop.is_set() and not self._reader.wait_gone(WAIT_MS):
            pass

    def used(self, entry: Entry, result: Result) -> bool:
        """Whether this entry's name is taken: by this card, or by its unfinished job.

        A card that was begun keeps the name it was begun with, whenever it comes back.
        """
        outcome = result.outcome
        if isinstance(outcome, Done):
            return _is(entry, outcome)
        job = self._workshop.open_job(outcome.uid) if outcome.uid else None
        return job is not None and job.card.get("alias") == entry.card.alias


def _unsure(outcome: Outcome) -> TypeGuard[Trouble]:
    return isinstance(outcome, Trouble) and outcome.code is TroubleCode.UNSURE


def _is(entry: Entry, done: Done) -> bool:
    return done.goal is Goal.ISSUE and done.alias == entry.card.alias and not done.already
