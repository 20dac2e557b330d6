"""The payer with its threads, as the daemon runs it."""

from __future__ import annotations

import threading

import pytest

from host.ledger import payouts
from host.ledger.records import Payout, PayoutStatus
from host.ledger.taps import VerifiedTap
from host.lightning.embedded import Fault
from host.money import sats
from host.payer import Payer, PayerTaken
from host.store.errors import StoreFull
from tests.support.paying import LATER, Watched, claim, claim_of, now, until
from tests.support.world import KEY_VERSION, World, add_card


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

    @pytest.mark.parametrize("fault", [Fault.OK, Fault.FAIL])
    def test_threat_32_an_answer_that_a_full_disk_did_not_take_is_asked_for_again_soon(
        self,
        shop: World,
        payer: Payer,
        wallet: Watched,
        monkeypatch: pytest.MonkeyPatch,
        fault: Fault,
    ) -> None:
        """Not when its lease is over: the clock of this test stands still."""
        name = "settle" if fault is Fault.OK else "fail"
        write, tries = getattr(payouts, name), iter((True, True))

        def full(*args: object) -> bool:
            if next(tries, False):
                raise StoreFull("The disk is full")
            return bool(write(*args))

        monkeypatch.setattr(payouts, name, full)
        monkeypatch.setattr(payer, "_grace_ms", 0)
        shop.pool.script(fault)
        payer.start()
        payout = claim(shop)
        status = PayoutStatus.COMPLETED if fault is Fault.OK else PayoutStatus.FAILED
        until(shop, payout, status)
        assert len(wallet.sent) == 1
        assert len(wallet.looked_up) == 2
        assert payer._unnoted == {}

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
