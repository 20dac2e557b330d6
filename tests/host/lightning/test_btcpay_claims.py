"""Payouts filed at a pull payment of BTCPay: a strict stand-in, and all that can go wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal

import pytest

from host.bolt11 import Network
from host.lightning.btcpay import BtcpaySettings
from host.lightning.btcpay_claims import MANAGE, UNPAID_MS, BtcpayClaims
from host.lightning.claim_book import Claim
from host.lightning.doubts import QUIET_S
from host.lightning.http import Endpoint, Secret
from host.lightning.remote import Common, RemoteWallet
from host.lightning.wallet import Failed, Paid, Unknown, WalletDown, WalletError
from tests.host.lightning.contract import Pair, WalletContract
from tests.host.lightning.remote_rig import Kind, Rig, asked
from tests.support.invoices import invoice_text
from tests.support.wallet_servers.btcpay_claims import PULL_PAYMENT, ClaimsServer

MINUTES_10 = 600_000


class MemoryBook:
    """Notes claims as the ledger does; every payment goes this way."""

    def __init__(self, *, unit: str = "BTC", manages: bool = False) -> None:
        self.fresh = Claim(PULL_PAYMENT, unit, manages, filing=False, remote_id=None)
        self.claims: dict[bytes, Claim] = {}
        self.states: list[str] = []
        self.forgetful = False
        """Loses what BTCPay said: the host died before it was noted."""

    def claim(self, payment_hash: bytes) -> Claim | None:
        return self.claims.get(payment_hash, self.fresh)

    def filing(self, payment_hash: bytes) -> bool:
        known = self.claims.get(payment_hash, self.fresh)
        self.claims[payment_hash] = replace(known, filing=True)
        return not known.filing

    def seen(self, payment_hash: bytes, remote_id: str, state: str) -> None:
        self.states.append(state)
        if not self.forgetful:
            known = self.claims.get(payment_hash, self.fresh)
            self.claims[payment_hash] = replace(known, filing=True, remote_id=remote_id)


class ClaimsRig(Rig):
    """A payer whose payments are claims, with its book in hand."""

    server: ClaimsServer

    def __init__(self, stack: ExitStack) -> None:
        self.book = MemoryBook()
        super().__init__(Kind(ClaimsServer, self._open, paying="POST /api/v1/pull-pay"), stack)

    def _open(self, at: Endpoint, key: Secret, common: Common) -> RemoteWallet:
        return BtcpayClaims(BtcpaySettings(at, key, "Store1"), common, self.book)

    @property
    def states(self) -> list[str]:
        """The states of all payouts at BTCPay."""
        return [one.state for one in self.server.shelf.payouts]


@pytest.fixture
def rig() -> Iterator[ClaimsRig]:
    with ExitStack() as stack:
        rig = ClaimsRig(stack)
        rig.server.shelf.pull_payments[PULL_PAYMENT].limit = Decimal(21_000_000)
        yield rig
    assert not rig.server.violations
    assert not rig.shop.violations


@pytest.fixture
def slow(rig: ClaimsRig) -> ClaimsRig:
    """BTCPay's processor runs when the test says so, and tries again what failed."""
    rig.server.habits.instantly = rig.server.habits.cancels = False
    return rig


class TestContract(WalletContract):
    """With a processor that pays at once and cancels what fails, the way is a wallet."""

    @pytest.fixture
    def pair(self, rig: ClaimsRig) -> Pair:
        return Pair(
            payer=rig.payer,
            payee=rig.payee,
            network=Network.REGTEST,
            received_msat=lambda: rig.net.balances["shop"],
            foreign_bolt11=lambda: invoice_text(
                1_000, now=rig.clock.now(), network=Network.REGTEST
            ),
            down=rig.down,
            pass_time=rig.clock.advance,
        )


def test_a_payout_is_mirrored_from_filing_to_its_proof(slow: ClaimsRig) -> None:
    slow.server.shelf.pull_payments[PULL_PAYMENT].approves = False
    text, payment_hash = asked(slow)
    result = slow.payer.pay(text, 0)
    assert isinstance(result, Unknown)
    assert "approved" in result.reason
    slow.server.shelf.payouts[0].state = "AwaitingPayment"
    assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
    slow.net.plan = ["pending"]
    slow.server.process()
    assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
    slow.net.resolve("pool", payment_hash.hex(), paid=True)
    slow.server.listen()
    result = slow.payer.lookup_payment(payment_hash)
    assert isinstance(result, Paid)
    assert hashlib.sha256(result.preimage).digest() == payment_hash
    assert result.fee_msat == 0  # what the way cost is in BTCPay's books, not on the card
    assert slow.book.states == ["AwaitingApproval", "AwaitingPayment", "InProgress", "Completed"]


@pytest.mark.parametrize(("unit", "amount"), [("BTC", "0.00000021"), ("SATS", "21")])
def test_a_claim_is_for_the_invoice_and_its_amount_in_the_currency_of_the_pull_payment(
    slow: ClaimsRig, unit: str, amount: str
) -> None:
    slow.server.shelf.pull_payments[PULL_PAYMENT].unit = unit
    slow.book.fresh = replace(slow.book.fresh, unit=unit)
    text, _ = asked(slow)
    assert isinstance(slow.payer.pay(text, 0), Unknown)
    (payout,) = slow.server.shelf.payouts
    assert (payout.destination, payout.amount) == (text, Decimal(amount))


class TestNeverTwice:
    """THREATS 5: a claim leaves once."""

    def test_a_crash_between_filing_and_noting_finds_the_claim_again(self, slow: ClaimsRig) -> None:
        slow.book.forgetful = True
        text, payment_hash = asked(slow)
        assert isinstance(slow.payer.pay(text, 0), Unknown)
        slow.server.process()
        slow.book.forgetful = False
        for again in (slow.payer.lookup_payment(payment_hash), slow.payer.pay(text, 0)):
            assert isinstance(again, Paid)
        assert slow.states == ["Completed"]
        assert slow.net.balances["shop"] == 21_000

    def test_what_is_completed_is_not_filed_again_though_btcpay_would_take_it(
        self, rig: ClaimsRig
    ) -> None:
        rig.book.forgetful = True
        text, _ = asked(rig)
        first = rig.payer.pay(text, 0)
        assert rig.payer.pay(text, 0) == first
        assert rig.states == ["Completed"]

    def test_an_answer_that_is_lost_is_unknown_and_then_found(self, slow: ClaimsRig) -> None:
        text, payment_hash = asked(slow)
        with slow.relay.losing_answers_to(slow.paying):
            assert isinstance(slow.payer.pay(text, 0), Unknown)
        assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
        slow.server.process()
        assert isinstance(slow.payer.lookup_payment(payment_hash), Paid)

    def test_a_request_that_is_lost_is_failed_only_after_a_while(self, slow: ClaimsRig) -> None:
        text, payment_hash = asked(slow)
        with slow.relay.losing_requests(slow.paying):
            assert isinstance(slow.payer.pay(text, 0), Unknown)
        assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
        slow.seconds += QUIET_S
        assert isinstance(slow.payer.lookup_payment(payment_hash), Failed)
        assert slow.states == []

    def test_a_claim_of_somebody_else_for_the_invoice_is_followed_as_ours(
        self, slow: ClaimsRig
    ) -> None:
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        stranger = ClaimsRig._open(slow, Endpoint(slow.relay.url), Secret("x" * 20), _common(slow))
        slow.book.claims.clear()
        assert isinstance(stranger.pay(text, 0), Unknown)  # duplicate-destination
        stranger.close()
        assert len(slow.states) == 1
        slow.server.process()
        assert isinstance(slow.payer.lookup_payment(payment_hash), Paid)


class TestTheEnd:
    """Completed only with proof, failed only when it is sure."""

    def test_cancelled_is_failed(self, slow: ClaimsRig) -> None:
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        slow.server.shelf.payouts[0].state = "Cancelled"
        assert isinstance(slow.payer.lookup_payment(payment_hash), Failed)

    def test_a_failed_attempt_is_tried_again_by_btcpay_and_is_no_failure(
        self, slow: ClaimsRig
    ) -> None:
        slow.net.plan = ["failed"]
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        slow.server.process()
        assert slow.states == ["AwaitingPayment"]
        assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
        slow.server.process()
        assert isinstance(slow.payer.lookup_payment(payment_hash), Paid)

    @pytest.mark.parametrize("paid", [True, False])
    def test_cancelled_while_its_payment_is_on_the_way_waits_for_the_node(
        self, slow: ClaimsRig, paid: bool
    ) -> None:
        slow.net.plan = ["pending"]
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        slow.server.process()
        slow.server.shelf.payouts[0].state = "Cancelled"
        assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)
        slow.net.resolve("pool", payment_hash.hex(), paid=paid)
        assert isinstance(slow.payer.lookup_payment(payment_hash), Paid if paid else Failed)

    def test_completed_without_a_preimage_is_proven_by_the_node(self, slow: ClaimsRig) -> None:
        slow.server.habits.preimages = False
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        slow.server.process()
        assert isinstance(slow.payer.lookup_payment(payment_hash), Paid)

    @pytest.mark.parametrize(
        "proof", [None, {}, "x", {"Preimage": "00" * 32}, {"preimage": 5}, {"Preimage": None}]
    )
    def test_completed_by_hand_proves_nothing_and_stays_unknown(
        self, slow: ClaimsRig, proof: dict[str, object]
    ) -> None:
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        payout = slow.server.shelf.payouts[0]
        payout.state, payout.proof = "Completed", proof  # "mark as paid" in BTCPay
        result = slow.payer.lookup_payment(payment_hash)
        assert isinstance(result, Unknown)
        assert "preimage" in result.reason

    def test_refused_claims_are_failed_in_btcpays_words(self, slow: ClaimsRig) -> None:
        shelf = slow.server.shelf.pull_payments[PULL_PAYMENT]
        for change, words in (
            ({"archived": True}, "archived"),
            ({"limit": Decimal("0.00000020")}, "overdraft"),
            ({"days": 30}, "30 days"),
        ):
            slow.server.shelf.pull_payments[PULL_PAYMENT] = replace(shelf, **change)  # type: ignore[arg-type]
            text, payment_hash = asked(slow)
            result = slow.payer.pay(text, 0)
            assert isinstance(result, Failed)
            assert words in result.reason
            assert isinstance(slow.payer.lookup_payment(payment_hash), Failed)

    def test_a_pull_payment_or_a_payout_that_is_gone_frees_nothing(self, slow: ClaimsRig) -> None:
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        kept, slow.server.shelf.payouts = slow.server.shelf.payouts, []
        with pytest.raises(WalletDown):
            slow.payer.lookup_payment(payment_hash)
        slow.server.shelf.payouts = kept
        slow.book.fresh = replace(slow.book.fresh, pull_payment="elsewhere")
        slow.book.claims.clear()
        with pytest.raises(WalletDown, match="no such pull payment"):
            slow.payer.pay(text, 0)

    @pytest.mark.parametrize("status", [500, 502, 503, 429, 200])
    @pytest.mark.parametrize(
        "body", [b"<html>", b"", b"[]", b"{}", b'{"id":"x","state":"Cancelled"}']
    )
    def test_an_answer_without_meaning_is_unknown(
        self, slow: ClaimsRig, status: int, body: bytes
    ) -> None:
        text, payment_hash = asked(slow)
        slow.server.instead.append((ClaimsServer.paying, (status, body)))
        assert isinstance(slow.payer.pay(text, 0), Unknown)
        assert isinstance(slow.payer.lookup_payment(payment_hash), Unknown)

    def test_a_state_that_is_not_known_is_unknown(self, slow: ClaimsRig) -> None:
        text, payment_hash = asked(slow)
        slow.payer.pay(text, 0)
        slow.server.shelf.payouts[0].state = "Reversed"
        with pytest.raises(WalletError):
            slow.payer.lookup_payment(payment_hash)


class TestManaging:
    """With the right to manage payouts we approve our own claims, and cancel what nobody paid."""

    @pytest.fixture
    def managed(self, slow: ClaimsRig) -> ClaimsRig:
        slow.server.shelf.pull_payments[PULL_PAYMENT].approves = False
        slow.book.fresh = replace(slow.book.fresh, manages=True)
        return slow

    def test_a_claim_is_approved_by_us(self, managed: ClaimsRig) -> None:
        text, _ = asked(managed)
        assert isinstance(managed.payer.pay(text, 0), Unknown)
        assert managed.states == ["AwaitingPayment"]
        managed.server.process()
        assert isinstance(managed.payer.pay(text, 0), Paid)

    def test_only_our_own_claims_are_approved(self, managed: ClaimsRig) -> None:
        strangers, _ = asked(managed)
        managed.payer._api.post(
            f"/api/v1/pull-payments/{PULL_PAYMENT}/payouts",
            {"destination": strangers, "amount": "0.00000021", "payoutMethodId": "BTC-LN"},
        )
        managed.payer.pay(asked(managed)[0], 0)
        assert managed.states == ["AwaitingApproval", "AwaitingPayment"]

    def test_what_nobody_paid_in_time_is_cancelled_and_failed(self, managed: ClaimsRig) -> None:
        text, payment_hash = asked(managed)
        managed.payer.pay(text, 0)
        managed.clock.advance(MINUTES_10 + UNPAID_MS - 1)
        assert isinstance(managed.payer.lookup_payment(payment_hash), Unknown)
        managed.clock.advance(1)
        assert isinstance(managed.payer.lookup_payment(payment_hash), Failed)
        assert managed.states == ["Cancelled"]

    def test_what_is_being_paid_is_never_cancelled(self, managed: ClaimsRig) -> None:
        managed.net.plan = ["pending"]
        text, payment_hash = asked(managed)
        managed.payer.pay(text, 0)
        managed.server.process()
        managed.clock.advance(MINUTES_10 + UNPAID_MS)
        assert isinstance(managed.payer.lookup_payment(payment_hash), Unknown)
        assert managed.states == ["InProgress"]

    def test_without_the_right_the_claim_waits_for_a_person(self, managed: ClaimsRig) -> None:
        managed.server.habits.may_manage = False
        text, payment_hash = asked(managed)
        result = managed.payer.pay(text, 0)
        assert isinstance(result, Unknown)
        assert MANAGE in result.reason
        managed.server.shelf.payouts[0].state = "AwaitingPayment"
        managed.server.process()
        assert isinstance(managed.payer.lookup_payment(payment_hash), Paid)


def test_a_pull_payment_that_does_not_fit_is_told_in_words(rig: ClaimsRig) -> None:
    claims = rig.payer
    assert isinstance(claims, BtcpayClaims)
    shelf = rig.server.shelf.pull_payments
    assert claims.pull_payment(PULL_PAYMENT).unfit(manages=False) == ""
    for change, words in (
        ({"archived": True}, "archived"),
        ({"unit": "EUR"}, "EUR"),
        ({"days": 30}, "30 days"),
        ({"approves": False}, "nobody approves"),
    ):
        shelf["other"] = replace(shelf[PULL_PAYMENT], **change)  # type: ignore[arg-type]
        assert words in claims.pull_payment("other").unfit(manages=False)
    assert claims.pull_payment("other").unfit(manages=True) == ""
    with pytest.raises(WalletDown, match="no such pull payment"):
        claims.pull_payment("gone")


def _common(rig: ClaimsRig) -> Common:
    return Common(Network.REGTEST, rig.clock, lambda: rig.seconds + 2 * QUIET_S)
