"""Holders at the shop's reader: they look at their card, or choose its PIN, and spend no tap.

Somebody of the shop begins a visit; the reader is lent for it (`ledger.loans`) until a card has
been read and lifted. It must be the card's newest tap, so an address that was copied shows and
changes nothing after it. A visit is in memory alone: what is shown, the tap and a PIN are in no
row and no log of ours, and after a restart the reader goes back to its till.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Final

from host.clock import MINUTE
from host.holder import tap_at
from host.keyring import Issuer
from host.ledger import balance, cards, loans, pins
from host.ledger.balance import Balance
from host.ledger.codes import Code, Refused, Words
from host.ledger.errors import LedgerError, NotFound
from host.ledger.loans import Loan
from host.ledger.permissions import Person
from host.ledger.taps import VerifiedTap
from host.readers.base import CardLink, Look, Reader, SeveralCards, Show
from host.store.engine import Engine
from host.till import Terminal

BORROWER: Final = "holder"
WAIT_MS: Final = 250
LASTS_MS: Final = MINUTE
"""How long a step of a visit waits for the holder."""
_ANOTHER: Final = Words("This is another card", "Lay down the card that was chosen.")


class Kind(StrEnum):
    """What a holder came for."""

    LOOK = "look"
    PIN = "pin"


class Step(StrEnum):
    """How far a visit is."""

    CARD = "card"
    """It waits for the card."""
    PIN = "pin"
    """The card has a PIN: it opens what is on it."""
    CHOOSE = "choose"
    """The holder types a new PIN, twice."""
    SHOWN = "shown"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Visit:
    """One holder at one terminal's reader."""

    visit_id: int
    kind: Kind
    terminal: Terminal
    person: Person
    """Who of the shop began it."""
    card_id: str | None
    """The card that it is about; None is any of ours."""
    until: int
    """UTC epoch ms."""
    step: Step = Step.CARD
    problem: Words | None = None
    tap: VerifiedTap | None = field(default=None, repr=False)
    balance: Balance | None = field(default=None, repr=False)


class Visits:
    """The visits of all terminals, one at each; a borrower of their readers (`host.post`)."""

    def __init__(self, db: Engine, issuers: Sequence[Issuer]) -> None:
        self._db = db
        self._issuers = issuers
        self._lock = threading.Lock()
        self._open: dict[str, Visit] = {}

    # -- at the screen ------------------------------------------------------------------------

    def begin(
        self, kind: Kind, terminal: Terminal, person: Person, card_id: str | None = None
    ) -> Visit | Refused:
        """Lend the terminal's reader to a holder. `NotFound` without the card.

        A card whose PIN is locked gets a new one only by who may unlock it.
        """
        if kind is Kind.PIN:
            card = cards.get(self._db, card_id or "")
            if card is None or card.store_id != terminal.store_id:
                raise NotFound(f"card_id: there is no card {card_id}")
            if card.pin_tries >= pins.MAX_TRIES and "card.limits" not in person.permissions:
                return Refused(Code.PIN_LOCKED)
        self.end(terminal)
        now = self._db.now
        loan = loans.take(self._db, terminal.terminal_id, BORROWER, now, person.person_id)
        if isinstance(loan, Refused):
            return loan
        visit = Visit(now, kind, terminal, person, card_id, now + LASTS_MS)
        with self._lock:
            self._open[terminal.terminal_id] = visit
        return visit

    def at(self, terminal: Terminal) -> Visit | None:
        """The visit at this terminal; one that nobody goes on with is over."""
        with self._lock:
            visit = self._open.get(terminal.terminal_id)
        # A clock that was set back must not keep an old answer on the screen.
        if visit is not None and not visit.until - LASTS_MS <= self._db.now < visit.until:
            self.end(terminal)
            return None
        return visit

    def end(self, terminal: Terminal) -> None:
        """End the visit at this terminal, if there is one; nothing of it stays."""
        with self._lock:
            visit = self._open.pop(terminal.terminal_id, None)
        if visit is not None:
            loans.give_back(self._db, terminal.terminal_id, visit.visit_id)

    def open_with(self, terminal: Terminal, pin: str) -> None:
        """Show what is on a card that has a PIN; wrong ones are counted as everywhere."""
        visit = self._at_step(terminal, Step.PIN)
        if visit is not None and visit.tap is not None:
            self._put(visit, self._looked(visit, visit.tap, pin))

    def choose(self, terminal: Terminal, pin: str, again: str) -> None:
        """The holder's new PIN. Raises `LedgerError` for one that is none, or not twice the same.

        From which amount on it is asked for stays as it was; for a first PIN that is always.
        """
        visit = self._at_step(terminal, Step.CHOOSE)
        if visit is None or visit.card_id is None:
            raise LedgerError("pin: the time is over; lay down the card again")
        pins.check_pin(pin)
        if pin != again:
            raise LedgerError("pin: the two are not the same")
        card = cards.get(self._db, visit.card_id)
        limit_msat = card.pin_limit_msat or 0 if card else 0
        who = visit.person.person_id
        cards.set_pin(
            self._db, visit.card_id, pin, limit_msat=limit_msat, person=who, by_holder=True
        )
        self._put(visit, replace(visit, step=Step.DONE))

    # -- at the reader ------------------------------------------------------------------------

    def serve(self, loan: Loan, reader: Reader, over: Callable[[], bool]) -> None:
        """Wait for the holder's card; the reader goes back to its till once it is lifted."""
        while (visit := self._waiting(loan)) is not None and not over():
            reader.show(Show(Look.READY, ("Lay down your card", "")))
            try:
                link = reader.wait_card(WAIT_MS)
            except SeveralCards:
                self._presented(
                    visit.terminal, lambda now: replace(now, problem=Code.TWO_CARDS.words)
                )
            else:
                if link is None:
                    continue
                self._presented(visit.terminal, partial(self._read, link))
            self._show(reader, loan)
            while not over() and not reader.wait_gone(WAIT_MS):
                pass

    def _waiting(self, loan: Loan) -> Visit | None:
        with self._lock:
            visit = self._open.get(loan.terminal_id)
        if visit is None or visit.visit_id != loan.job_id:
            return None  # a restart, or it was ended: the till has its reader back
        found = self.at(visit.terminal)
        return found if found is not None and found.step is Step.CARD else None

    def _presented(self, terminal: Terminal, read: Callable[[Visit], Visit]) -> None:
        """Go on with the visit that waits now: another may have begun since the reader asked."""
        visit = self._at_step(terminal, Step.CARD)
        if visit is not None:
            self._put(visit, read(visit))

    def _show(self, reader: Reader, loan: Loan) -> None:
        with self._lock:
            visit = self._open.get(loan.terminal_id)
        if visit is None:
            return
        problem = visit.problem if visit.step is Step.CARD else None
        words = (problem.says, problem.do) if problem else ("Card read", "see the screen")
        reader.show(Show(Look.DECLINED if problem else Look.READ, words))

    def _read(self, link: CardLink, visit: Visit) -> Visit:
        tap = tap_at(self._db, self._issuers, link)
        if isinstance(tap, Refused):
            return replace(visit, problem=tap.code.words)
        known = cards.get(self._db, tap.card_id)
        if known is None or known.store_id != visit.terminal.store_id:
            return replace(visit, problem=Code.CARD_UNKNOWN.words)
        if visit.kind is Kind.LOOK:
            return self._looked(visit, tap, None)
        if tap.card_id != visit.card_id:
            return replace(visit, problem=_ANOTHER)
        card = balance.present(self._db, tap)
        if isinstance(card, Refused):
            return replace(visit, problem=card.code.words)
        return replace(visit, step=Step.CHOOSE, problem=None)

    def _looked(self, visit: Visit, tap: VerifiedTap, pin: str | None) -> Visit:
        found = balance.look(self._db, tap, pin)
        if isinstance(found, Balance):
            return replace(visit, step=Step.SHOWN, balance=found, tap=None, problem=None)
        if found.code in (Code.PIN_REQUIRED, Code.PIN_WRONG):
            wrong = found.code.words if found.code is Code.PIN_WRONG else None
            return replace(visit, step=Step.PIN, tap=tap, problem=wrong)
        # With a PIN the reader is back at its till already: another card is another visit.
        step = Step.CARD if pin is None else Step.DONE
        return replace(visit, step=step, tap=None, problem=found.code.words)

    # -- inside -------------------------------------------------------------------------------

    def _at_step(self, terminal: Terminal, step: Step) -> Visit | None:
        visit = self.at(terminal)
        return visit if visit is not None and visit.step is step else None

    def _put(self, before: Visit, after: Visit) -> None:
        """Go on, unless the visit was ended meanwhile; each step has its time anew."""
        terminal_id = before.terminal.terminal_id
        with self._lock:
            now = self._open.get(terminal_id)
            if now is not None and now.visit_id == before.visit_id:
                self._open[terminal_id] = replace(after, until=self._db.now + LASTS_MS)
