"""Somebody who means harm, at every door of a whole daemon, and the clock as an accomplice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from host.ledger import cards, claims, sales
from host.ledger.claims import ClaimRequest, Source
from host.ledger.codes import Code, Refused
from host.ledger.records import PayoutStatus, SaleState
from host.ledger.taps import VerifiedTap, verify
from host.money import sats
from host.ntag424.sun import parse_params
from host.readers.base import Look
from tests.integration.test_races import at_once
from tests.support.running import (
    MONEY,
    HeldCard,
    RunningShop,
    get,
    nothing_written,
    payouts_of,
    refused,
    running,
    wait_for,
    wait_payout,
    wait_sale,
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running(tmp_path / "home") as opened:
        yield opened
        opened.check_books()


def tapped(shop: RunningShop, card: HeldCard) -> VerifiedTap:
    tap = verify(shop.db, shop.keyring.issuers, parse_params(**card.tap()))
    assert isinstance(tap, VerifiedTap)
    return tap


def test_threat_19_guessing_a_pin_with_many_requests_at_once_gets_three_guesses(
    shop: RunningShop,
) -> None:
    """The slow hash runs outside the lock; the tries are counted inside it."""
    card = shop.card()
    cards.set_pin(shop.db, card.card_id, "7351", limit_msat=0)
    k1, offered = shop.scan(**card.tap())["k1"], shop.invoice(50)
    guesses = [f"{guess:04d}" for guess in range(20)]
    answers = at_once([partial(shop.claim, k1, offered, pin=pin) for pin in guesses])
    codes = Counter(refused(answer) for answer in answers)
    assert set(codes) <= {Code.PIN_WRONG, Code.PIN_LOCKED}
    assert codes[Code.PIN_WRONG] == 2
    kept = cards.get(shop.db, card.card_id)
    assert kept is not None
    assert kept.pin_tries == 3
    with nothing_written(shop):
        assert refused(shop.claim(k1, offered, pin="7351")) is Code.PIN_LOCKED
    assert payouts_of(shop.db, card) == []


def test_threat_26_nothing_secret_reaches_a_log_in_good_times_and_in_bad(
    shop: RunningShop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = shop.card()
    cards.set_pin(shop.db, card.card_id, "7351", limit_msat=0)
    with caplog.at_level(logging.DEBUG):
        tap = card.tap()
        k1, offered = shop.scan(**tap)["k1"], shop.invoice(50)
        shop.claim(k1, offered)
        shop.claim(k1, offered, pin="9876")
        with monkeypatch.context() as broken:
            broken.setattr(claims, "_decide", lambda *_: 1 // 0)
            answer = shop.claim(k1, offered, pin="7351")
            assert refused(answer) is Code.STORE_OFFLINE
        assert shop.claim(k1, offered, pin="7351") == {"status": "OK"}
        payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
        get(shop.url, f"/nowhere?p={tap['p']}&c={tap['c']}&pin=7351")
        sale = shop.arm(10)
        shop.lay(card)
        wait_sale(shop.db, sale.sale_id, SaleState.DECLINED)
        shop.lift()
    logged = caplog.text.lower()
    assert "zerodivisionerror" in logged  # there was something to see
    events = repr(shop.db.events.after(0)).lower()
    assert payout.preimage is not None
    keys = (shop.keyring.newest.key.reveal(), shop.keyring.secret, payout.preimage)
    for secret in (tap["p"], tap["c"], k1, "7351", "9876", *(key.hex() for key in keys)):
        assert secret.lower() not in logged
        assert secret.lower() not in events


class TestTheClockIsSetBack:
    """An hour: a battery was empty, or somebody has set the time of the machine."""

    def test_the_reader_shows_the_sale_that_is_armed_and_not_an_older_one(
        self, shop: RunningShop
    ) -> None:
        card = shop.card()
        shop.pay(card, 10)
        shop.clock.advance(-3_600_000)  # type: ignore[attr-defined]
        shown = len(shop.reader().shown)
        sale = shop.arm(77)
        wait_for(
            shop.db,
            lambda: any(
                one.look is Look.READY and one.lines[0] == "77 sat"
                for one in shop.reader().shown[shown:]
            ),
            "the amount on the reader",
        )
        shop.lay(card)
        wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
        assert shop.balance(card)[2] == 87

    def test_a_sale_that_was_paid_does_not_stay_approved_for_an_hour(
        self, shop: RunningShop
    ) -> None:
        shop.pay(shop.card(), 10)
        assert shop.reader().wait_shown(Look.APPROVED, 20_000)
        shop.clock.advance(-3_600_000)  # type: ignore[attr-defined]
        wait_for(shop.db, lambda: shop.reader().shown[-1].look is Look.IDLE, "an idle reader")

    def test_limits_and_payments_go_on(self, shop: RunningShop) -> None:
        card = shop.card()
        shop.pay_abroad(card, 10)
        shop.clock.advance(-3_600_000)  # type: ignore[attr-defined]
        shop.pay_abroad(card, 20)
        shop.pay(card, 30)
        assert [one.amount_msat for one in payouts_of(shop.db, card)] == [
            sats(10),
            sats(20),
            sats(30),
        ]


@pytest.mark.parametrize("state", [SaleState.AUTHORISING, SaleState.CHECKING])
def test_a_sale_that_a_stranger_may_be_paying_is_closed_to_our_own_cards(
    shop: RunningShop, state: SaleState
) -> None:
    """Whatever way a claim comes in: the ledger itself refuses to charge the sale twice."""
    card, sale = shop.card(), shop.arm(50)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    if state is SaleState.CHECKING:
        sales.move(shop.db, sale.sale_id, SaleState.CHECKING)
    request = ClaimRequest(tapped(shop, card), sats(50), Source.TILL, sale_id=sale.sale_id)
    with nothing_written(shop):
        assert claims.claim(shop.db, request) == Refused(Code.SALE_IN_PROGRESS)


@pytest.mark.parametrize("state", [SaleState.AUTHORISING, SaleState.CHECKING])
def test_a_refusal_that_comes_late_does_not_open_a_sale_that_is_being_paid(
    shop: RunningShop, state: SaleState
) -> None:
    """A card refused at the till while another's payment is on its way: the sale stays locked."""
    sale = shop.arm(50)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    if state is SaleState.CHECKING:
        sales.move(shop.db, sale.sale_id, SaleState.CHECKING)
    shop.daemon.posts[0].till.refuse(sale, Refused(Code.BALANCE_LOW))
    now = sales.get(shop.db, sale.sale_id)
    assert now is not None
    assert now.state is state


def test_an_old_tap_that_somebody_copied_does_not_lock_its_card_out(shop: RunningShop) -> None:
    """Whoever saw one tap may send it for ever; it must not lock the card out."""
    card = shop.card()
    old = card.tap()
    shop.pay(card, 10)  # from here on the copy is worth nothing
    answers = [shop.scan(**old) for _ in range(60)]
    assert {refused(answer) for answer in answers} <= {Code.SUN_REPLAYED, Code.RATE_LIMITED}
    assert shop.scan(**card.tap())["tag"] == "withdrawRequest"


def test_names_of_cards_in_headers_and_parameters_are_not_read(shop: RunningShop) -> None:
    """DESIGN: identity comes from a verified tap, and from nothing else."""
    rich, poor = shop.card("Rich"), shop.card("Poor", balance_sat=0)
    tap = poor.tap()
    for extra in ({"card": rich.card_id}, {"uid": rich.uid.hex()}, {"card_id": rich.card_id}):
        k1 = shop.scan(**tap, **extra)["k1"]
        with nothing_written(shop, MONEY):
            assert refused(shop.claim(k1, shop.invoice(10), **extra)) is Code.BALANCE_LOW


def test_the_same_money_cannot_leave_at_the_till_and_abroad_at_once(shop: RunningShop) -> None:
    """Two taps of one card, money for one: till and stranger claim at the same moment."""
    for round_ in range(5):
        card, sale = shop.card(f"round {round_}", balance_sat=100), shop.arm(80)
        k1, here = shop.scan(**card.tap())["k1"], tapped(shop, card)
        offered = shop.invoice(50)
        request = ClaimRequest(here, sats(80), Source.TILL, sale_id=sale.sale_id)
        till, abroad = at_once(
            [partial(claims.claim, shop.db, request), partial(shop.claim, k1, offered)]
        )
        outcomes: list[Any] = [till, abroad]
        won = [one for one in outcomes if not isinstance(one, Refused) and one != _error(one)]
        assert len(won) == 1, outcomes
        payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
        assert shop.balance(card) == (
            100 - payout.amount_msat // 1_000,
            0,
            payout.amount_msat // 1_000,
        )


def _error(answer: Any) -> Any:
    return answer if isinstance(answer, dict) and answer.get("status") == "ERROR" else None
