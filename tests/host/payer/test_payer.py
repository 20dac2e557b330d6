"""The payer: durable before sent, sent once, settled by proof, released only when sure."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from host.clock import DAY, ManualClock
from host.faultpoints import FaultPoint
from host.ledger import books, payouts
from host.ledger.records import PayoutStatus
from host.lightning.embedded import Fault
from host.lightning.wallet import (
    Failed,
    Paid,
    PaymentResult,
    Unknown,
    WalletDown,
)
from host.money import sats
from host.payer import GRACE_MS, Payer, PayerTaken
from host.store.engine import Engine
from tests.support.paying import LATER, Watched, claim, now
from tests.support.world import World


def test_a_pending_payout_is_paid_and_proven(shop: World, payer: Payer) -> None:
    payout = claim(shop)
    assert payer.step() == 1
    done = now(shop, payout)
    assert done.status is PayoutStatus.COMPLETED
    assert done.preimage is not None
    assert shop.balance() == (sats(979), 0)
    assert shop.stranger.balance_msat() == sats(21)
    assert payer.step() == 0


def test_processing_is_durable_before_the_wallet_is_called(
    shop: World, payer: Payer, wallet: Watched
) -> None:
    payout = claim(shop)
    seen: list[PayoutStatus] = []
    wallet.before_pay = lambda: seen.append(now(shop, payout).status)
    payer.step()
    assert seen == [PayoutStatus.PROCESSING]


@pytest.mark.parametrize(
    ("fault", "first", "later", "free_msat"),
    [
        (Fault.OK, PayoutStatus.COMPLETED, PayoutStatus.COMPLETED, sats(979)),
        (Fault.FAIL, PayoutStatus.FAILED, PayoutStatus.FAILED, sats(1_000)),
        (Fault.UNKNOWN, PayoutStatus.PROCESSING, PayoutStatus.PROCESSING, sats(979)),
        (Fault.UNKNOWN_THEN_OK, PayoutStatus.PROCESSING, PayoutStatus.COMPLETED, sats(979)),
        (Fault.UNKNOWN_THEN_FAILED, PayoutStatus.PROCESSING, PayoutStatus.FAILED, sats(1_000)),
        (Fault.DOWN, PayoutStatus.PROCESSING, PayoutStatus.FAILED, sats(1_000)),
    ],
)
def test_threat_5_every_answer_of_a_wallet_has_its_outcome_and_is_sent_once(
    shop: World,
    payer: Payer,
    wallet: Watched,
    fault: Fault,
    first: PayoutStatus,
    later: PayoutStatus,
    free_msat: int,
) -> None:
    shop.pool.script(fault)
    payout = claim(shop)
    payer.step()
    assert now(shop, payout).status is first
    if first is PayoutStatus.PROCESSING:
        assert shop.balance() == (sats(979), sats(21)), "unknown is not failed"
    for _ in range(5):
        shop.clock.advance(LATER)
        payer.step()
    assert now(shop, payout).status is later
    held_msat = sats(21) if later is PayoutStatus.PROCESSING else 0
    assert shop.balance() == (free_msat, held_msat)
    assert len(wallet.sent) == 1


def test_a_wallet_that_is_down_for_long_holds_the_money_until_it_answers(
    shop: World, payer: Payer
) -> None:
    shop.pool.script_default(Fault.DOWN)
    payout = claim(shop)
    for _ in range(10):
        payer.step()
        shop.clock.advance(LATER)
    assert now(shop, payout).status is PayoutStatus.PROCESSING
    shop.pool.script_default(Fault.OK)
    payer.step()
    assert now(shop, payout).status is PayoutStatus.FAILED
    assert shop.balance() == (sats(1_000), 0)


def test_a_preimage_that_does_not_hash_settles_nothing(
    shop: World, payer: Payer, wallet: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    wallet.answer = lambda result: Paid(bytes(32)) if isinstance(result, Paid) else result
    payout = claim(shop)
    payer.step()
    shop.clock.advance(LATER)
    payer.step()
    assert now(shop, payout).status is PayoutStatus.PROCESSING
    assert shop.balance() == (sats(979), sats(21))
    assert "proves nothing" in caplog.text
    wallet.answer = lambda result: result
    shop.clock.advance(LATER)
    payer.step()
    assert now(shop, payout).status is PayoutStatus.COMPLETED
    assert len(wallet.sent) == 1


def test_look_ups_keep_off_for_longer_and_longer(
    shop: World, payer: Payer, wallet: Watched
) -> None:
    shop.pool.script(Fault.UNKNOWN)
    claim(shop)
    payer.step()
    for _ in range(600):
        shop.clock.advance(1_000)
        payer.step()
    assert 5 <= len(wallet.looked_up) <= 12


class TestAfterACrash:
    """What a process that died left behind is looked up, and never sent again."""

    def test_threat_32_a_payout_the_wallet_never_heard_of_is_released(
        self, shop: World, payer: Payer, wallet: Watched
    ) -> None:
        payout = claim(shop)
        payouts.take(shop.db)  # and the process dies here
        shop.clock.advance(GRACE_MS)
        payer.step()
        assert now(shop, payout).status is PayoutStatus.FAILED
        assert shop.balance() == (sats(1_000), 0)
        assert wallet.sent == []

    def test_threat_32_no_such_payment_is_not_believed_while_a_call_may_be_on_its_way(
        self, shop: World, payer: Payer, wallet: Watched
    ) -> None:
        payout = claim(shop)
        payouts.take(shop.db)  # the process dies, its call is still in the network …
        payer.step()
        assert now(shop, payout).status is PayoutStatus.PROCESSING
        shop.pool.pay(payout.recipient_address or "", 0)  # … and arrives only now
        shop.clock.advance(LATER)
        payer.step()
        assert now(shop, payout).status is PayoutStatus.COMPLETED
        assert wallet.sent == []

    def test_threat_32_a_payment_whose_answer_was_lost_is_settled(
        self, shop: World, payer: Payer, wallet: Watched
    ) -> None:
        payout = claim(shop)
        payouts.take(shop.db)
        shop.pool.pay(payout.recipient_address or "", 0)  # and the process dies here
        payer.step()
        assert now(shop, payout).status is PayoutStatus.COMPLETED
        assert wallet.sent == []

    def test_what_was_claimed_and_not_taken_is_sent(self, shop: World, payer: Payer) -> None:
        payout = claim(shop)
        shop.clock.advance(30_000)
        payer.step()
        assert now(shop, payout).status is PayoutStatus.COMPLETED


def test_one_payer_works_on_a_database(shop: World, wallet: Watched, payer: Payer) -> None:
    payer.start()
    second = Payer(shop.db, wallet, shop.clock)
    with pytest.raises(PayerTaken):
        second.start()
    payer.stop()
    second.start()
    second.stop()


def test_the_fault_points_come_in_order(shop: World, wallet: Watched) -> None:
    seen: list[FaultPoint] = []
    payer = Payer(shop.db, wallet, shop.clock, hook=seen.append)
    claim(shop)
    payer.step()
    payer.stop()
    claimed = (FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM)
    assert seen == [point for point in FaultPoint if point not in claimed]


def test_no_preimage_reaches_a_log(
    shop: World, payer: Payer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    payout = claim(shop)
    payer.step()
    preimage = now(shop, payout).preimage
    assert preimage is not None
    assert preimage.hex() not in caplog.text + str(shop.db.events.after(0))


def test_the_grace_is_measured_by_the_injected_clock(shop: World, wallet: Watched) -> None:
    assert isinstance(shop.clock, ManualClock)
    payer = Payer(shop.db, wallet, shop.clock, grace_ms=500)
    payout = claim(shop)
    payouts.take(shop.db)
    shop.clock.advance(499)
    payer.step()
    assert now(shop, payout).status is PayoutStatus.PROCESSING
    shop.clock.advance(LATER)
    payer.step()
    assert now(shop, payout).status is PayoutStatus.FAILED
    payer.stop()


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("fault", [Fault.OK, Fault.UNKNOWN_THEN_OK])
def test_a_ledger_restored_from_before_a_payment_pays_nothing_a_second_time(
    shop: World, wallet: Watched, tmp_path: Path, fault: Fault, taken: bool
) -> None:
    payout = claim(shop)
    before = shop.pool.balance_msat()
    shop.pool.script(fault)
    if taken:
        payouts.take(shop.db, wallet=wallet.identity())
        wallet.pay(payout.recipient_address or "", 0)
    shop.db.backup(tmp_path / "yesterday.db")
    for name in ("taptill.db", "yesterday.db"):
        with Engine.open(tmp_path / name, shop.clock) as db:
            payer = Payer(db, wallet, shop.clock)
            payer.step()
            shop.clock.advance(LATER)
            payer.step()
            payer.stop()
            found = payouts.get(db, payout.payout_id)
            assert found is not None
            assert found.status is PayoutStatus.COMPLETED
            assert books.check(db).problems == []
    assert before - shop.pool.balance_msat() == payout.amount_msat


@pytest.mark.parametrize("sent", [True, False])
def test_a_clock_that_is_set_back_holds_no_money_longer(
    shop: World, payer: Payer, wallet: Watched, sent: bool
) -> None:
    assert isinstance(shop.clock, ManualClock)
    payout = claim(shop)
    if sent:
        shop.pool.script(Fault.UNKNOWN)
        payer.step()
    else:
        payouts.take(shop.db, wallet=wallet.identity())
        payer.step()
    assert now(shop, payout).status is PayoutStatus.PROCESSING
    shop.clock.advance(-365 * DAY)
    if sent:
        shop.pool.resolve(payout.payment_hash or b"", paid=True)
    payer.step()
    assert now(shop, payout).status is (PayoutStatus.COMPLETED if sent else PayoutStatus.FAILED)
    assert books.check(shop.db).problems == []


@pytest.mark.parametrize("result", [Failed("no"), Unknown("?"), WalletDown("gone")])
def test_a_claim_made_after_any_outcome_is_paid_in_its_turn(
    shop: World, payer: Payer, wallet: Watched, result: object
) -> None:
    def answer(_: PaymentResult) -> PaymentResult:
        if isinstance(result, WalletDown):
            raise result
        assert isinstance(result, Failed | Unknown)
        return result

    wallet.answer = answer
    shop.pool.script(Fault.FAIL)
    first = claim(shop)
    payer.step()
    wallet.answer = lambda one: one
    shop.clock.advance(LATER)
    payer.step()
    assert now(shop, first).status is PayoutStatus.FAILED
    second = claim(shop, counter=2)
    payer.step()
    assert now(shop, second).status is PayoutStatus.COMPLETED
