"""Holders at the shop's reader: they see their card and choose its PIN, and no tap is spent."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.ledger import audit, books, cards, loans, people, sales
from host.ledger.codes import Code, Refused
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person, Role
from host.readers.base import CardLink, Look, Show
from host.till import Terminal
from host.visits import BORROWER, LASTS_MS, Kind, Step, Visit, Visits
from tests.support.counter import TERMINAL, Counter, Served, counter
from tests.support.running import HeldCard, wait_for

PIN = "7391"


class Desk:
    """A counter whose reader is lent to holders."""

    def __init__(self, at: Counter, served: Served, visits: Visits) -> None:
        self.at, self.served, self.visits = at, served, visits
        self.db = at.db
        self.mona = people.create(at.db, "Mona", Role.MANAGER)
        self.tina = people.create(at.db, "Tina", Role.TECHNICIAN, store_id="main")
        self.cem = people.create(at.db, "Cem", Role.CASHIER, store_id="main")

    def begin(self, kind: Kind, who: Person | None = None, card: HeldCard | None = None) -> Visit:
        begun = self.visits.begin(kind, TERMINAL, who or self.cem, card and card.card_id)
        assert isinstance(begun, Visit), begun
        return begun

    def lay(self, held: HeldCard) -> Visit:
        """Lay the card down, wait until it was read, and take it away."""
        before = self.now()
        asks = Show(Look.READY, ("Lay down your card", ""))
        wait_for(self.db, lambda: self.served.reader.shown[-1:] == [asks], "the reader to ask")
        self.served.reader.lay(held.twin)
        found: Visit = wait_for(self.db, lambda: self._changed(before), "the card read")
        self.served.lift()
        return found

    def _changed(self, before: Visit) -> Visit | None:
        found = self.visits.at(TERMINAL)
        return found if found is not None and found != before else None

    def now(self) -> Visit:
        found = self.visits.at(TERMINAL)
        assert found is not None
        return found

    def back(self) -> None:
        """The till has its reader again."""
        wait_for(self.db, lambda: loans.of(self.db, "till-1") is None, "the reader given back")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with counter(tmp_path) as at:
        visits = Visits(at.db, at.keyring.issuers)
        served = Served(at, borrowers={BORROWER: visits})
        with served:
            served.ready()
            yield Desk(at, served, visits)
        assert books.check(at.db).problems == []


def test_a_holder_sees_balance_limits_and_history_and_the_tap_can_still_pay(desk: Desk) -> None:
    card = desk.at.card("Ann", balance_sat=1_000)
    desk.begin(Kind.LOOK)
    shown = desk.lay(card)
    assert shown.step is Step.SHOWN
    assert shown.balance is not None
    assert shown.balance.account.balance_msat == 1_000_000
    found = cards.get(desk.db, card.card_id)
    assert found is not None
    assert found.last_counter < 2  # nothing was spent
    desk.back()
    sale = desk.at.arm(100)
    desk.served.lay(card)
    wait_for(desk.db, lambda: sales.get(desk.db, sale.sale_id).state == "approved", "the sale")  # type: ignore[union-attr]


def test_a_card_with_a_pin_shows_nothing_without_it(desk: Desk) -> None:
    card = desk.at.card()
    cards.set_pin(desk.db, card.card_id, PIN)
    desk.begin(Kind.LOOK)
    asked = desk.lay(card)
    assert (asked.step, asked.balance) == (Step.PIN, None)
    desk.visits.open_with(TERMINAL, "0000")
    assert desk.now().problem == Code.PIN_WRONG.words
    desk.visits.open_with(TERMINAL, PIN)
    assert desk.now().step is Step.SHOWN
    assert desk.now().tap is None


def test_threats_19_wrong_pins_are_counted_and_lock(desk: Desk) -> None:
    card = desk.at.card()
    cards.set_pin(desk.db, card.card_id, PIN)
    desk.begin(Kind.LOOK)
    desk.lay(card)
    for _ in range(3):
        desk.visits.open_with(TERMINAL, "0000")
    assert desk.now().problem == Code.PIN_LOCKED.words
    desk.visits.open_with(TERMINAL, PIN)
    assert desk.now().balance is None
    assert desk.visits.begin(Kind.PIN, TERMINAL, desk.tina, card.card_id) == Refused(
        Code.PIN_LOCKED
    )
    assert isinstance(desk.visits.begin(Kind.PIN, TERMINAL, desk.mona, card.card_id), Visit)


def test_a_holder_chooses_a_pin_that_nobody_else_sees(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    card = desk.at.card()
    desk.begin(Kind.PIN, desk.tina, card)
    assert desk.lay(card).step is Step.CHOOSE
    for pin, again, said in (("12", "12", "4 to 12"), (PIN, "7392", "not the same")):
        with pytest.raises(LedgerError, match=said):
            desk.visits.choose(TERMINAL, pin, again)
    desk.visits.choose(TERMINAL, PIN, PIN)
    assert desk.now().step is Step.DONE
    kept = cards.get(desk.db, card.card_id)
    assert kept is not None
    assert kept.pin_limit_msat == 0
    line = audit.recent(desk.db)[0]
    assert (line.action, line.person_id) == ("card.pin", desk.tina.person_id)
    assert line.data == {"pin_limit_msat": 0, "chosen_by": "holder"}
    told = [str(one.data) for one in desk.db.events.after(0)]
    assert PIN not in " ".join((*told, caplog.text, repr(desk.now()), str(line.data)))
    with pytest.raises(LedgerError, match="the time is over"):
        desk.visits.choose(TERMINAL, "1111", "1111")


def test_a_new_pin_keeps_the_amount_from_which_it_is_asked_for(desk: Desk) -> None:
    card = desk.at.card()
    cards.set_pin(desk.db, card.card_id, "1111", limit_msat=5_000)
    desk.begin(Kind.PIN, desk.mona, card)
    desk.lay(card)
    desk.visits.choose(TERMINAL, PIN, PIN)
    kept = cards.get(desk.db, card.card_id)
    assert kept is not None
    assert (kept.pin_limit_msat, kept.pin_tries) == (5_000, 0)


def test_another_card_chooses_nothing_and_the_right_one_may_follow(desk: Desk) -> None:
    ann, ben = desk.at.card("Ann"), desk.at.card("Ben")
    desk.begin(Kind.PIN, desk.mona, ann)
    wrong = desk.lay(ben)
    assert (wrong.step, wrong.problem and wrong.problem.says) == (
        Step.CARD,
        "This is another card",
    )
    assert desk.lay(ann).step is Step.CHOOSE


def test_threats_2_an_address_that_was_copied_changes_nothing_after_a_newer_tap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = desk.at.card()
    copied = card.tap_url()
    desk.begin(Kind.LOOK)
    desk.lay(card)
    desk.back()
    desk.visits.end(TERMINAL)

    def replayed(_: CardLink) -> str:
        return copied

    monkeypatch.setattr("host.holder.read_tap_url", replayed)
    for kind in Kind:
        desk.begin(kind, desk.mona, card)
        refused = desk.lay(card)
        assert (refused.step, refused.problem) == (Step.CARD, Code.SUN_REPLAYED.words)


def test_a_blocked_card_tells_its_finder_nothing(desk: Desk) -> None:
    card = desk.at.card()
    cards.freeze(desk.db, card.card_id)
    desk.begin(Kind.LOOK)
    refused = desk.lay(card)
    assert (refused.balance, refused.problem) == (None, Code.CARD_BLOCKED.words)


def test_a_card_of_another_store_is_not_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    card = desk.at.card()
    real = cards.get
    monkeypatch.setattr("host.visits.cards.get", lambda *_: None)
    desk.begin(Kind.LOOK)
    refused = desk.lay(card)
    assert refused.problem == Code.CARD_UNKNOWN.words
    monkeypatch.setattr("host.visits.cards.get", real)
    with pytest.raises(NotFound):
        desk.visits.begin(Kind.PIN, Terminal("till-1", "elsewhere"), desk.mona, card.card_id)


def test_a_sale_and_a_visit_exclude_each_other(desk: Desk) -> None:
    sale = desk.at.arm(100)
    assert desk.visits.begin(Kind.LOOK, TERMINAL, desk.cem) == Refused(Code.SALE_OPEN)
    sales.cancel(desk.db, sale.sale_id)
    desk.begin(Kind.LOOK)
    refused = sales.open(desk.db, "main", 1_000, terminal_id="till-1")
    assert refused == Refused(Code.READER_LENT)
    desk.visits.end(TERMINAL)
    desk.at.arm(100)


def test_a_visit_that_nobody_goes_on_with_ends_and_forgets(desk: Desk) -> None:
    card = desk.at.card()
    desk.begin(Kind.LOOK)
    desk.lay(card)
    desk.at.clock.advance(LASTS_MS)
    assert desk.visits.at(TERMINAL) is None
    desk.back()
    desk.begin(Kind.LOOK)
    desk.at.clock.advance(LASTS_MS)
    assert desk.visits.at(TERMINAL) is None
    desk.back()


def test_a_loan_from_before_a_restart_goes_back_to_the_till(desk: Desk) -> None:
    loans.take(desk.db, "till-1", BORROWER, 1, None)
    desk.back()


def test_a_begun_visit_takes_the_place_of_the_one_before(desk: Desk) -> None:
    first = desk.begin(Kind.LOOK)
    desk.at.clock.advance(5)
    second = desk.begin(Kind.LOOK)
    assert first.visit_id != second.visit_id
    assert desk.now() == second


def test_looking_at_the_counter_counts_as_a_look(desk: Desk) -> None:
    card = desk.at.card()
    desk.begin(Kind.LOOK)
    desk.lay(card)
    desk.back()
    desk.begin(Kind.LOOK)
    again = desk.lay(card)
    assert again.balance is not None
    assert again.balance.looked_before is not None
