"""Payouts that go through BTCPay: one set of books there, and ours beside it, never apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from host.ledger import audit, books, btcpay, payouts, people, pull_payments
from host.ledger.btcpay import Link
from host.ledger.errors import NotAllowed, NotFound, Taken
from host.ledger.permissions import Role
from host.ledger.records import Payout, PayoutStatus
from host.lightning.btcpay_claims import BtcpayClaims
from host.money import sats
from host.payer import Payer
from host.store.errors import StoreFull
from tests.support.btcpay_shop import claims_at, linked, net_of, offer
from tests.support.paying import LATER, Watched, claim, now
from tests.support.wallet_servers.btcpay_claims import ClaimsServer
from tests.support.wallet_servers.node import Net
from tests.support.world import World

FREE, HELD = sats(979), sats(21)


@dataclass
class There:
    """A shop with BTCPay."""

    shop: World
    net: Net
    server: ClaimsServer
    claims: BtcpayClaims
    payer: Payer
    wallet: Watched

    def offered(self, counter: int = 1) -> Payout:
        return offer(self.shop.db, self.net, self.shop.card.card_id, counter)

    def later(self, ms: int = LATER) -> None:
        self.shop.clock.advance(ms)
        self.payer.step()

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.server.shelf.payouts]


@pytest.fixture
def there(shop: World, wallet: Watched) -> Iterator[There]:
    net = net_of(shop.clock)
    with ClaimsServer(net, "pool") as server:
        assert isinstance(server, ClaimsServer)
        server.habits.instantly = False
        linked(shop.db, shop.account.pull_payment_id)
        claims = claims_at(server.url, shop.db)
        payer = Payer(shop.db, wallet, shop.clock, claims=claims)
        yield There(shop, net, server, claims, payer, wallet)
        payer.stop()
        claims.close()
        assert not server.violations
        assert books.check(shop.db).problems == []


def test_a_payout_is_filed_mirrored_and_settled_by_btcpays_proof(there: There) -> None:
    payout = there.offered()
    there.payer.step()
    assert there.states == ["AwaitingPayment"]
    assert now(there.shop, payout).status is PayoutStatus.PROCESSING
    assert there.shop.balance() == (FREE, HELD)
    there.server.process()
    there.later()
    done = now(there.shop, payout)
    assert done.status is PayoutStatus.COMPLETED
    assert done.preimage is not None
    assert there.shop.balance() == (FREE, 0)
    assert there.net.balances["shop"] == sats(21)
    assert there.wallet.sent == []
    told = [one.data["state"] for one in there.shop.db.events.after(0, kinds={"payout.btcpay"})]
    assert told == ["AwaitingPayment", "Completed"]


def test_what_is_cancelled_at_btcpay_is_failed_here_and_free_again(there: There) -> None:
    payout = there.offered()
    there.payer.step()
    there.server.shelf.payouts[0].state = "Cancelled"
    there.later()
    assert now(there.shop, payout).status is PayoutStatus.FAILED
    assert there.shop.balance() == (FREE + HELD, 0)


def test_what_was_marked_as_paid_by_hand_stays_held_until_it_is_proven(there: There) -> None:
    payout = there.offered()
    there.payer.step()
    there.server.shelf.payouts[0].state = "Completed"
    for _ in range(3):
        there.later(5_000)
    held = now(there.shop, payout)
    assert held.status is PayoutStatus.PROCESSING
    assert "preimage" in (held.error_message or "")
    assert there.shop.balance() == (FREE, HELD)
    there.net.pay("pool", payout.recipient_address or "")  # the node paid it after all
    there.later(10_000)
    assert now(there.shop, payout).status is PayoutStatus.COMPLETED


def test_a_ledger_that_cannot_note_the_claim_finds_it_again(
    there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = there.offered()

    def full(*_: object) -> None:
        raise StoreFull("The disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(there.claims._book, "seen", full)
        with pytest.raises(StoreFull):
            there.payer.step()
    assert there.states == ["AwaitingPayment"]
    there.server.process()
    there.later()
    assert now(there.shop, payout).status is PayoutStatus.COMPLETED
    assert there.states == ["Completed"]


def test_a_payout_that_was_taken_and_never_filed_is_failed_and_not_filed_later(
    there: There,
) -> None:
    payout = there.offered()
    payouts.take(there.shop.db)  # and then the host dies
    there.later()
    assert now(there.shop, payout).status is PayoutStatus.FAILED
    assert there.states == []
    assert there.shop.balance() == (FREE + HELD, 0)


def test_a_payout_goes_the_way_that_was_linked_when_it_was_taken(there: There) -> None:
    shop = there.shop
    first = there.offered(1)
    there.payer.step()
    assert btcpay.unlink(shop.db, shop.account.pull_payment_id)
    there.server.process()
    there.later()
    assert now(shop, first).status is PayoutStatus.COMPLETED
    second = claim(shop, 2)
    there.payer.step()
    assert now(shop, second).status is PayoutStatus.COMPLETED
    assert there.wallet.sent == [second.recipient_address]
    assert there.states == ["Completed"]


class TestAnotherWallet:
    """BTCPay is not the wallet any more, while payouts were filed there."""

    @pytest.fixture
    def without(self, there: There) -> Iterator[Payer]:
        there.payer.stop()
        payer = Payer(there.shop.db, there.wallet, there.shop.clock)
        yield payer
        payer.stop()

    def test_what_was_filed_stays_held_though_the_new_wallet_knows_nothing_of_it(
        self, there: There, without: Payer
    ) -> None:
        there.payer._lock.take()
        payout = there.offered()
        there.payer.step()
        there.payer.stop()
        for _ in range(3):
            there.shop.clock.advance(LATER)
            without.step()
        assert now(there.shop, payout).status is PayoutStatus.PROCESSING
        assert there.shop.balance() == (FREE, HELD)
        assert there.wallet.looked_up == []

    def test_nothing_is_filed_or_sent_and_the_money_is_free_at_once(
        self, there: There, without: Payer
    ) -> None:
        payout = there.offered()
        without.step()
        failed = now(there.shop, payout)
        assert failed.status is PayoutStatus.FAILED
        assert "wallet.kind" in (failed.error_message or "")
        assert there.wallet.sent == []


class TestLinks:
    """Which account is filed where."""

    def test_a_link_is_made_and_ended_with_an_audit_line_that_keeps_its_id_secret(
        self, shop: World
    ) -> None:
        mona = people.create(shop.db, "Mona", Role.MANAGER)
        account = shop.account.pull_payment_id
        btcpay.link(shop.db, Link(account, "remote-1", "SATS", manages=True), mona)
        assert btcpay.links(shop.db) == [Link(account, "remote-1", "SATS", manages=True)]
        btcpay.link(shop.db, Link(account, "remote-2", "BTC", manages=False), mona)
        assert btcpay.unlink(shop.db, account, mona)
        assert not btcpay.unlink(shop.db, account, mona)
        rows = shop.db.read(lambda tx: tx.all("SELECT action, data FROM audit ORDER BY audit_id"))
        kept = [row for row in rows if "btcpay" in row[0]]
        assert [row[0].partition(".")[2] for row in kept] == ["btcpay", "btcpay", "btcpay_ended"]
        assert not any("remote" in row[1] for row in kept)
        assert audit.verify(shop.db) == []

    def test_who_may_not_and_what_is_not_there_is_refused(self, shop: World) -> None:
        cem = people.create(shop.db, "Cem", Role.CASHIER, store_id=shop.account.store_id)
        link = Link(shop.account.pull_payment_id, "remote-1", "BTC", manages=False)
        with pytest.raises(NotAllowed):
            btcpay.link(shop.db, link, cem)
        with pytest.raises(NotFound):
            btcpay.link(shop.db, Link("none", "remote-1", "BTC", manages=False))
        btcpay.link(shop.db, link)
        other = pull_payments.create(shop.db, shop.account.store_id, "Other")
        with pytest.raises(Taken):
            btcpay.link(shop.db, Link(other.pull_payment_id, "remote-1", "BTC", manages=False))
