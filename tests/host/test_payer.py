"""The payer: durable before sent, sent once, settled by proof, released only when sure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.faultpoints import FaultPoint
from host.ledger import claims, payouts
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Payout, PayoutStatus
from host.ledger.taps import VerifiedTap
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import (
    Failed,
    Invoice,
    InvoiceState,
    Paid,
    PaymentResult,
    Unknown,
    Wallet,
    WalletDown,
)
from host.money import sats
from host.payer import GRACE_MS, Payer, PayerTaken
from tests.support.world import KEY_VERSION, UID, World, add_card, world

LATER = 10 * 60_000
"""After the lease and after every back-off of these tests."""


class Watched(Wallet):
    """A wallet that counts what is asked of it, and lets the test answer in its place."""

    name = "watched"

    def __init__(self, wallet: EmbeddedWallet) -> None:
        self.wallet = wallet
        self.sent: list[str] = []
        self.looked_up: list[bytes] = []
        self.before_pay: Callable[[], object] = lambda: None
        self.answer: Callable[[PaymentResult], PaymentResult] = lambda result: result

    def make_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Invoice:
        raise NotImplementedError

    def invoice_state(self, payment_hash: bytes) -> InvoiceState:
        raise NotImplementedError

    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        self.sent.append(bolt11)
        self.before_pay()
        return self.answer(self.wallet.pay(bolt11, max_fee_msat))

    def lookup_payment(self, payment_hash: bytes) -> PaymentResult:
        self.looked_up.append(payment_hash)
        return self.answer(self.wallet.lookup_payment(payment_hash))

    def check(self) -> None:
        self.wallet.check()

    def close(self) -> None:
        self.wallet.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def wallet(shop: World) -> Watched:
    return Watched(shop.pool)


@pytest.fixture
def payer(shop: World, wallet: Watched) -> Iterator[Payer]:
    made = Payer(shop.db, wallet, shop.clock)
    yield made
    made.stop()


def claim(shop: World, counter: int = 1, amount_msat: int = sats(21)) -> Payout:
    """A pending payout of the shop's card."""
    return claim_of(shop, VerifiedTap(shop.card.card_id, UID, counter, KEY_VERSION), amount_msat)


def claim_of(shop: World, tap: VerifiedTap, amount_msat: int = sats(21)) -> Payout:
    from host.bolt11 import decode

    invoice = decode(shop.invoice(amount_msat))
    result = claims.claim(shop.db, ClaimRequest(tap, amount_msat, Source.LNURL, invoice=invoice))
    assert isinstance(result, Claimed)
    return result.payout


def now(shop: World, payout: Payout) -> Payout:
    found = payouts.get(shop.db, payout.payout_id)
    assert found is not None
    return found


def until(shop: World, payout: Payout, status: PayoutStatus) -> Payout:
    """Wait for events until the payout has this status."""
    seen = 0
    while (found := now(shop, payout)).status is not status:
        assert shop.db.events.wait(seen, 10_000), found
        seen = shop.db.events.last_id()
    return found


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


class TestThreads:
    """The same with threads, as the daemon runs it."""

    def test_it_is_woken_by_a_claim(self, shop: World, payer: Payer) -> None:
        payer.start()
        payout = claim(shop)
        until(shop, payout, PayoutStatus.COMPLETED)

    def test_many_claims_are_each_paid_once(
        self, shop: World, payer: Payer, wallet: Watched
    ) -> None:
        from host.ntag424.values import Uid

        payer.start()
        made = []
        for number in range(30):
            uid = Uid(bytes((4, 0, 0, 0, 0, 0, number)))
            card = add_card(shop.db, shop.account, uid)
            made.append(claim_of(shop, VerifiedTap(card.card_id, uid, 1, KEY_VERSION), sats(3)))
        for payout in made:
            until(shop, payout, PayoutStatus.COMPLETED)
        assert sorted(wallet.sent) == sorted(str(payout.recipient_address) for payout in made)
        assert shop.balance() == (sats(910), 0)
        assert shop.stranger.balance_msat() == sats(90)

    def test_a_slow_payment_stops_no_other(self, shop: World, wallet: Watched) -> None:
        from host.ntag424.values import Uid

        go_on, entered = threading.Event(), threading.Event()

        def block_first() -> None:
            if len(wallet.sent) == 1:
                entered.set()
                go_on.wait(20)

        wallet.before_pay = block_first
        payer = Payer(shop.db, wallet, shop.clock, workers=2)
        payer.start()
        slow = claim(shop)
        assert entered.wait(10)
        other = add_card(shop.db, shop.account, Uid.parse("04000000000001"))
        quick = claim_of(shop, VerifiedTap(other.card_id, Uid.parse(other.uid), 1, KEY_VERSION))
        until(shop, quick, PayoutStatus.COMPLETED)
        assert now(shop, slow).status is PayoutStatus.PROCESSING
        go_on.set()
        until(shop, slow, PayoutStatus.COMPLETED)
        payer.stop()

    def test_threat_32_none_is_not_believed_while_our_own_call_is_in_flight(
        self, shop: World, payer: Payer, wallet: Watched
    ) -> None:
        go_on, entered, rounds = threading.Event(), threading.Event(), threading.Semaphore(0)

        def block() -> None:
            entered.set()
            go_on.wait(20)

        wallet.before_pay = block  # the wallet has not heard of the payment yet
        due = payouts.due
        named: list[str] = []

        def watched_due(*args: object, **options: object) -> list[Payout]:
            found = due(*args, **options)  # type: ignore[arg-type]
            named.extend(payout.payout_id for payout in found)
            rounds.release()
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payouts, "due", watched_due)
            payer.start()
            payout = claim(shop)
            assert entered.wait(10)
            shop.clock.advance(120_000)  # the lease and the grace are over
            while payout.payout_id not in named:
                assert rounds.acquire(timeout=10)
            assert rounds.acquire(timeout=10), "and a whole round has gone by"
        assert wallet.looked_up == []
        assert now(shop, payout).status is PayoutStatus.PROCESSING
        go_on.set()
        until(shop, payout, PayoutStatus.COMPLETED)

    def test_a_mistake_in_a_wallet_leaves_the_payout_to_be_looked_up(
        self, shop: World, payer: Payer, wallet: Watched, caplog: pytest.LogCaptureFixture
    ) -> None:
        raised = threading.Event()

        def explode() -> None:
            raised.set()
            raise ZeroDivisionError

        wallet.before_pay = explode
        payer.start()
        payout = claim(shop)
        assert raised.wait(10)
        shop.clock.advance(LATER)
        until(shop, payout, PayoutStatus.FAILED)
        assert "ZeroDivisionError" in caplog.text
        assert len(wallet.sent) == 1

    def test_stop_waits_for_calls_in_flight(self, shop: World, wallet: Watched) -> None:
        go_on, entered = threading.Event(), threading.Event()

        def block() -> None:
            entered.set()
            go_on.wait(20)

        wallet.before_pay = block
        payer = Payer(shop.db, wallet, shop.clock)
        payer.start()
        payout = claim(shop)
        assert entered.wait(10)
        stopper = threading.Thread(target=payer.stop, args=(20,))
        stopper.start()
        go_on.set()
        stopper.join(20)
        assert now(shop, payout).status is PayoutStatus.COMPLETED

    def test_after_its_deadline_stop_leaves_calls_processing_and_keeps_the_right_to_pay(
        self, shop: World, wallet: Watched
    ) -> None:
        go_on, entered = threading.Event(), threading.Event()

        def block() -> None:
            entered.set()
            go_on.wait(20)

        wallet.before_pay = block
        payer = Payer(shop.db, wallet, shop.clock, workers=1)
        payer.start()
        payout = claim(shop)
        assert entered.wait(10)
        payer.stop(deadline_s=0)
        assert now(shop, payout).status is PayoutStatus.PROCESSING
        following = Payer(shop.db, wallet, shop.clock)
        with pytest.raises(PayerTaken):
            following.step()
        go_on.set()
        until(shop, payout, PayoutStatus.COMPLETED)
        for thread in payer._threads:
            thread.join(10)
        assert following.step() == 0
        following.stop()


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
    assert seen == [point for point in FaultPoint if point is not FaultPoint.AFTER_CLAIM]


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
