"""A reader at its post: what a cashier, a card and a cable may do to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.twin.card import Tear, TearAt
from host.ledger import cards, sales
from host.ledger.codes import Code
from host.ledger.records import Limits, Sale, SaleState
from host.money import sats
from host.readers.base import Look, Reader, ReaderError, ReaderTaken
from host.readers.direct import DirectReader
from host.store.errors import StoreBusy
from tests.support.counter import Counter, Served, counter
from tests.support.running import MONEY, digest, wait_for


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with counter(tmp_path) as opened:
        yield opened


@pytest.fixture
def served(at: Counter) -> Iterator[Served]:
    with Served(at) as running:
        yield running


def paid(at: Counter) -> int:
    """How many payouts there are."""
    found = at.db.read(lambda tx: tx.one("SELECT count(*) FROM payouts"))
    return int(found[0]) if found else 0


def seen(at: Counter, count: int) -> None:
    """Wait until so many cards were seen too early."""
    wait_for(at.db, lambda: at.kinds().count("card.seen") >= count, f"{count} card.seen")


def test_one_tap_pays_one_sale_and_the_lights_say_so(at: Counter, served: Served) -> None:
    sale, card = at.arm(), at.card()
    served.lay(card)
    done = served.wait(sale, SaleState.APPROVED)
    assert served.shows(Look.APPROVED)
    assert done.payout_id is not None
    assert paid(at) == 1
    assert served.reader.shown[-1].lines[0] == "100 sat"


def test_a_card_before_the_amount_is_seen_and_no_error(at: Counter, served: Served) -> None:
    card = at.card()
    before = digest(at.db, MONEY)
    served.lay(card)
    seen(at, 1)
    (event,) = at.db.events.after(0, kinds=["card.seen"])
    assert event.data == {"terminal_id": "till-1", "sale_state": "idle"}
    assert digest(at.db, MONEY) == before
    assert {show.look for show in served.reader.shown} == {Look.IDLE}


def test_a_card_left_on_the_reader_is_not_charged_until_it_is_laid_down_again(
    at: Counter, served: Served
) -> None:
    card = at.card()
    served.lay(card)
    seen(at, 1)
    sale = at.arm()
    assert served.shows(Look.READY)
    assert at.sale(sale.sale_id).state is SaleState.READY
    assert paid(at) == 0
    served.lift()
    served.lay(card)
    served.wait(sale, SaleState.APPROVED)
    assert paid(at) == 1


def test_who_charges_while_a_card_lies_there_is_told_to_have_it_lifted(
    at: Counter, served: Served
) -> None:
    served.lay(at.card())
    seen(at, 1)
    at.arm()
    seen(at, 2)
    (_early, lying) = at.db.events.after(0, kinds=["card.seen"])
    assert lying.data == {"terminal_id": "till-1", "sale_state": "ready", "lying": True}


def test_a_forgotten_card_pays_nothing_when_the_reader_drops_out_and_comes_back(
    at: Counter,
) -> None:
    card, opened = at.card(), list[DirectReader]()

    def opener() -> Reader:
        opened.append(DirectReader("till-1"))
        if len(opened) > 1:
            opened[-1].lay(card.twin)
        return opened[-1]

    with Served(at, opener) as served:
        served.wait_part(ok=True)
        sale = at.arm()
        opened[0].unplug()
        while "lift it" not in served.wait_part(ok=False):
            at.board.wait_change(100)
        assert at.sale(sale.sale_id).state is SaleState.READY
        assert paid(at) == 0
        opened[1].lift()
        served.wait_part(ok=True)
        served.ready()
        opened[1].lay(card.twin)
        served.wait(sale, SaleState.APPROVED)


def test_a_card_left_on_the_reader_pays_one_sale_only(at: Counter, served: Served) -> None:
    card, first = at.card(), at.arm()
    served.lay(card)
    served.wait(first, SaleState.APPROVED)
    second = at.arm(50)
    assert served.shows(Look.READY)
    assert at.sale(second.sale_id).state is SaleState.READY
    assert paid(at) == 1


def test_a_declined_card_leaves_the_sale_open_for_another_card(at: Counter, served: Served) -> None:
    sale = at.arm(100)
    poor, rich = at.card("Poor", balance_sat=99), at.card("Rich")
    served.lay(poor)
    declined = served.wait(sale, SaleState.DECLINED)
    assert declined.code is Code.BALANCE_LOW
    assert served.shows(Look.DECLINED)
    served.lift()
    assert served.shows(Look.READY)
    served.lay(rich)
    assert served.wait(sale, SaleState.APPROVED).code is None
    assert at.kinds() == ["sale.ready", "sale.declined", "payout.completed", "sale.approved"]


def test_a_declined_sale_stays_declined_while_the_card_lies_and_arms_again_when_it_has_left(
    at: Counter, served: Served
) -> None:
    sale, frozen = at.arm(), at.card()
    cards.freeze(at.db, frozen.card_id)
    served.lay(frozen)
    served.wait(sale, SaleState.DECLINED)
    assert served.shows(Look.DECLINED)
    assert served.reader.shown[-1].look is Look.DECLINED
    shown = len(served.reader.shown)
    served.lift()
    served.post.refresh()
    again = served.reader.shown[shown:]
    assert [show.look for show in again] == [Look.READY]
    assert again[0].lines == ("100 sat", Code.CARD_BLOCKED.words.says)


def test_the_same_card_laid_down_twice_within_moments_is_one_sale(
    at: Counter, served: Served
) -> None:
    sale, card = at.arm(), at.card()
    served.lay(card)
    served.wait(sale, SaleState.APPROVED)
    for again in (1, 2):
        served.lift()
        served.lay(card)
        seen(at, again)
    assert paid(at) == 1
    last = at.db.events.after(0, kinds=["card.seen"])[-1]
    assert last.data["sale_state"] == "idle"


def test_two_cards_at_once_are_refused_and_one_of_them_alone_pays(
    at: Counter, served: Served
) -> None:
    sale, ann, bob = at.arm(), at.card("Ann"), at.card("Bob")
    served.lay(ann, bob)
    assert served.wait(sale, SaleState.DECLINED).code is Code.TWO_CARDS
    assert paid(at) == 0
    served.lift()
    served.lay(bob)
    served.wait(sale, SaleState.APPROVED)
    assert paid(at) == 1


def test_two_cards_without_a_sale_say_nothing(at: Counter, served: Served) -> None:
    ann, bob = at.card("Ann"), at.card("Bob")
    served.lay(ann, bob)
    served.lift()
    assert at.kinds() == []


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("where", [TearAt.COMMAND, TearAt.ANSWER])
def test_a_card_pulled_before_between_or_after_the_two_apdus_is_asked_for_again(
    at: Counter, served: Served, skip: int, where: TearAt
) -> None:
    sale, card = at.arm(), at.card()
    card.twin.tear(Tear(where, skip=skip))
    before = digest(at.db, MONEY)
    served.lay(card)
    assert served.wait(sale, SaleState.DECLINED).code is Code.MOVED_TOO_SOON
    assert digest(at.db, MONEY) == before
    served.ready()  # the torn card has left the field
    served.lay(card)
    served.wait(sale, SaleState.APPROVED)
    assert paid(at) == 1


def test_a_sale_that_timed_out_is_not_paid_by_a_late_card(at: Counter, served: Served) -> None:
    sale, card = at.arm(timeout_ms=1_000), at.card()
    at.clock.advance(1_001)
    before = digest(at.db, MONEY)
    served.lay(card)
    declined = served.wait(sale, SaleState.DECLINED, SaleState.CANCELLED)
    assert declined.code is Code.SALE_TIMED_OUT
    assert sales.expire_due(at.db) == 1
    assert at.sale(sale.sale_id).state is SaleState.CANCELLED
    assert digest(at.db, MONEY) == before
    following = at.arm()
    served.lift()
    served.lay(card)
    served.wait(following, SaleState.APPROVED)


def test_a_sale_that_was_cancelled_is_not_paid(at: Counter, served: Served) -> None:
    sale, card = at.arm(), at.card()
    sales.cancel(at.db, sale.sale_id)
    served.lay(card)
    seen(at, 1)
    assert paid(at) == 0


class TestReaders:
    def test_a_reader_that_is_not_there_says_so_and_works_when_it_comes(self, at: Counter) -> None:
        served = Served(at)
        served.plug.unplug()
        with served:
            assert served.wait_part(ok=False) == "till-1 is not plugged in"
            served.plug.plug()
            assert served.wait_part(ok=True) == "till-1 ready"
            sale, card = at.arm(), at.card()
            served.lay(card)
            served.wait(sale, SaleState.APPROVED)

    def test_a_reader_unplugged_while_armed_keeps_the_sale_for_when_it_is_back(
        self, at: Counter, served: Served
    ) -> None:
        served.ready()
        served.wait_part(ok=True)
        sale, card = at.arm(), at.card()
        assert served.shows(Look.READY)
        served.plug.unplug()
        served.wait_part(ok=False)
        assert at.sale(sale.sale_id).state is SaleState.READY
        served.plug.plug()
        served.wait_part(ok=True)
        assert served.shows(Look.READY)
        served.lay(card)
        served.wait(sale, SaleState.APPROVED)

    def test_a_reader_unplugged_between_the_two_apdus_takes_nothing(
        self, at: Counter, served: Served
    ) -> None:
        sale, card = at.arm(), at.card()
        before = digest(at.db, MONEY)
        exchange = card.twin.transceive

        def pull(apdu: bytes) -> bytes:
            served.plug.unplug()
            return exchange(apdu)

        served.ready()
        card.twin.transceive = pull  # type: ignore[method-assign]
        served.lay(card)
        served.wait_part(ok=False)
        card.twin.transceive = exchange  # type: ignore[method-assign]
        assert at.sale(sale.sale_id).state is SaleState.READY
        assert digest(at.db, MONEY) == before
        served.plug.plug()
        served.wait_part(ok=True)
        served.lay(card)
        served.wait(sale, SaleState.APPROVED)
        assert paid(at) == 1

    def test_pauses_between_openings_grow_and_start_anew_after_success(self, at: Counter) -> None:
        waited: list[float] = []

        class Noting(list[float]):
            def __getitem__(self, index: object) -> float:  # type: ignore[override]
                waited.append(float(str(index)))
                return 0.0

        served = Served(at, pauses=Noting([0.0, 0.0, 0.0]))
        served.plug.unplug()
        with served:
            while len(waited) < 5:
                at.board.wait_change(1)
            served.plug.plug()
            served.ready()
            assert waited[:4] == [0, 1, 2, 2]
            first = len(waited)
            served.plug.unplug()
            served.wait_part(ok=False)
            while len(waited) == first:
                at.board.wait_change(1)
            assert waited[first] == 0

    def test_a_reader_that_is_taken_names_its_owner_on_the_dot(self, at: Counter) -> None:
        def taken() -> Reader:
            raise ReaderTaken("/dev/ttyUSB0 is in use by process 4711")

        with Served(at, opener=taken) as served:
            assert "process 4711" in served.wait_part(ok=False)

    def test_a_reader_that_stopped_says_so(self, at: Counter) -> None:
        with Served(at) as served:
            served.wait_part(ok=True)
        assert at.board.parts("till-1")[0].detail == "stopped"

    def test_a_fault_of_the_driver_is_survived(
        self, at: Counter, caplog: pytest.LogCaptureFixture
    ) -> None:
        served = Served(at)
        faults = iter([RuntimeError("the driver's mistake"), ReaderError("odd")])
        opener = served.plug.__call__

        def faulty() -> Reader:
            for fault in faults:
                raise fault
            return opener()

        served.post._open = faulty
        with caplog.at_level(logging.CRITICAL), served:
            served.wait_part(ok=True)
            sale, card = at.arm(), at.card()
            served.lay(card)
            served.wait(sale, SaleState.APPROVED)


class TestTheLedgerIsInTrouble:
    def test_a_claim_that_cannot_be_written_takes_nothing_and_the_next_tap_pays(
        self, at: Counter, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale, card = at.arm(), at.card()
        before = digest(at.db)

        def busy(_fn: object) -> None:
            raise StoreBusy("Another program is using the database; try again")

        with monkeypatch.context() as broken:
            broken.setattr(at.db, "transaction", busy)
            served.lay(card)
            assert served.shows(Look.RETRY)
            served.post.refresh()
            assert served.reader.shown[-1].look is Look.RETRY  # for as long as the card lies
        assert digest(at.db) == before
        assert not {part.name: part.ok for part in at.board.parts("till-1")}["ledger"]
        at.board.beat()
        served.lift()
        assert served.shows(Look.READY)
        served.lay(card)
        served.wait(sale, SaleState.APPROVED)
        assert paid(at) == 1

    def test_two_cards_while_the_ledger_cannot_be_written_break_nothing(
        self, at: Counter, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale, ann, bob = at.arm(), at.card("Ann"), at.card("Bob")

        def busy(_fn: object) -> None:
            raise StoreBusy("Another program is using the database; try again")

        with monkeypatch.context() as broken:
            broken.setattr(at.db, "transaction", busy)
            served.lay(ann, bob)
            assert served.shows(Look.RETRY)
        served.lift()
        assert served.worker.faults == 0
        served.lay(ann)
        served.wait(sale, SaleState.APPROVED)


def test_a_limit_at_its_edge_at_the_till(at: Counter, served: Served) -> None:
    card = at.card(limits=Limits(tap_msat=sats(100)))
    above = at.arm(101)
    served.lay(card)
    assert served.wait(above, SaleState.DECLINED).code is Code.LIMIT_TAP
    served.lift()
    at_limit: Sale = at.arm(100)
    served.lay(card)
    served.wait(at_limit, SaleState.APPROVED)
    assert at.sale(above.sale_id).state is SaleState.CANCELLED
