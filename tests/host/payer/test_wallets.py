"""The wallet is changed while payouts are Processing: no other one is believed, no money leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.bolt11 import decode
from host.ledger import audit, books, by_hand, payouts, people, wallets
from host.ledger.errors import LedgerError, NotAllowed, NotFound
from host.ledger.permissions import Role
from host.ledger.records import Payout, PayoutStatus
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import Paid, WalletDown
from host.money import sats
from host.payer import Payer
from tests.support.paying import LATER, Watched, claim, now
from tests.support.world import World


@pytest.fixture
def other(shop: World, tmp_path: Path) -> Iterator[Watched]:
    """Another wallet, with a file of its own."""
    opened = EmbeddedWallet(tmp_path / "other.db", "pool", shop.clock)
    opened.fund(sats(1_000_000))
    yield Watched(opened)
    opened.close()


def stuck(shop: World, wallet: Watched, fault: Fault = Fault.UNKNOWN_THEN_OK) -> Payout:
    """A payout whose answer was lost at this wallet, which is then put away."""
    payout = claim(shop)
    shop.pool.script(fault)
    at(shop, wallet)
    found = now(shop, payout)
    assert (found.status, found.wallet) == (PayoutStatus.PROCESSING, shop.pool.identity())
    return found


def at(shop: World, wallet: Watched) -> None:
    """Taptill runs with this wallet for one round; then much time passes."""
    payer = Payer(shop.db, wallet, shop.clock)
    payer.step()
    payer.stop()
    shop.clock.advance(LATER)


def test_the_wallet_is_noted_before_it_is_called(shop: World, wallet: Watched) -> None:
    payout = claim(shop)
    seen: list[str | None] = []
    wallet.before_pay = lambda: seen.append(now(shop, payout).wallet)
    at(shop, wallet)
    assert seen == [shop.pool.identity()] == [wallets.in_use(shop.db)]


def test_another_wallet_is_never_asked_and_the_old_one_settles(
    shop: World, wallet: Watched, other: Watched
) -> None:
    payout = stuck(shop, wallet)
    for _ in range(5):
        at(shop, other)
        held = now(shop, payout)
        assert (held.status, shop.balance()) == (PayoutStatus.PROCESSING, (sats(979), sats(21)))
    assert (other.sent, other.looked_up) == ([], [])
    assert held.error_message == wallets.why_held(shop.pool.identity())
    (elsewhere,) = wallets.elsewhere(shop.db)
    assert elsewhere.words in books.check(shop.db).lines
    assert elsewhere.words.startswith("1 payout waits for the wallet embedded:pool:")
    at(shop, wallet)
    assert now(shop, payout).status is PayoutStatus.COMPLETED
    assert shop.balance() == (sats(979), 0)
    assert shop.stranger.balance_msat() == sats(21)
    assert wallets.elsewhere(shop.db) == []
    assert books.check(shop.db).ok


def test_the_old_wallet_releases_what_it_did_not_pay(
    shop: World, wallet: Watched, other: Watched
) -> None:
    payout = stuck(shop, wallet, Fault.UNKNOWN_THEN_FAILED)
    at(shop, other)
    assert now(shop, payout).status is PayoutStatus.PROCESSING
    at(shop, wallet)
    assert now(shop, payout).status is PayoutStatus.FAILED
    assert shop.balance() == (sats(1_000), 0)


def test_another_account_of_one_file_is_another_wallet(shop: World, wallet: Watched) -> None:
    payout = stuck(shop, wallet)
    at(shop, Watched(shop.stranger))
    assert now(shop, payout).status is PayoutStatus.PROCESSING


def test_a_payout_from_before_belongs_to_the_wallet_that_is_configured_first(
    shop: World, wallet: Watched, other: Watched
) -> None:
    payout = stuck(shop, wallet)
    forget = "UPDATE payouts SET wallet = NULL"
    shop.db.transaction(lambda tx: (tx.run(forget), tx.run("DELETE FROM wallets")))
    at(shop, wallet)
    assert now(shop, payout).wallet == shop.pool.identity()
    assert now(shop, payout).status is PayoutStatus.COMPLETED
    at(shop, other)
    assert wallets.knows(shop.db, shop.pool.identity(), payout.created_at)
    assert not wallets.knows(shop.db, other.identity(), payout.created_at)
    assert wallets.knows(shop.db, other.identity(), shop.clock.now())


def test_nothing_is_handed_to_a_wallet_that_cannot_say_which_one_it_is(
    shop: World, wallet: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> str:
        raise WalletDown("not reachable")

    payout = claim(shop)
    with monkeypatch.context() as down:
        down.setattr(wallet, "identity", silent)
        payer = Payer(shop.db, wallet, shop.clock)
        assert payer.step() == 0
        payer.stop()
    assert now(shop, payout).status is PayoutStatus.PENDING
    assert wallet.sent == []
    at(shop, wallet)
    assert now(shop, payout).status is PayoutStatus.COMPLETED


class TestByHand:
    """A wallet that is gone for good."""

    def test_the_preimage_settles_and_nothing_else_does(
        self, shop: World, wallet: Watched, other: Watched
    ) -> None:
        payout = stuck(shop, wallet)
        paid = shop.pool.lookup_payment(payout.payment_hash or b"")
        assert isinstance(paid, Paid)
        at(shop, other)
        with pytest.raises(LedgerError, match="does not hash"):
            by_hand.settle(shop.db, payout.payout_id, hashlib.sha256(b"no").digest())
        mona = people.create(shop.db, "Mona", Role.MANAGER)
        shop.db.transaction(lambda tx: tx.run("UPDATE payouts SET fee_limit_msat = 500"))
        for fee_msat in (-1, 501):
            with pytest.raises(LedgerError, match="fee: "):
                by_hand.settle(shop.db, payout.payout_id, paid.preimage, fee_msat=fee_msat)
        assert now(shop, payout).status is PayoutStatus.PROCESSING
        done = by_hand.settle(shop.db, payout.payout_id, paid.preimage, mona, fee_msat=500)
        assert done.status is PayoutStatus.COMPLETED
        assert done.fee_msat == 500, "the store pays it: nothing was held for it"
        assert shop.balance() == (sats(979), 0)
        assert deeds(shop) == [(mona.person_id, "payout.settle", payout.payout_id)]
        assert books.check(shop.db).ok
        with pytest.raises(LedgerError, match="Completed"):
            by_hand.release(shop.db, payout.payout_id, "again")

    def test_it_is_released_a_day_after_its_invoice_and_not_before(
        self, shop: World, wallet: Watched, other: Watched
    ) -> None:
        payout = stuck(shop, wallet, Fault.UNKNOWN)
        at(shop, other)
        over = decode(payout.recipient_address or "").expires_at + by_hand.GRACE_MS
        shop.clock.advance(over - shop.clock.now() - 1)
        with pytest.raises(LedgerError, match="may still be paid; wait until"):
            by_hand.release(shop.db, payout.payout_id, "the node burned down")
        shop.clock.advance(1)
        done = by_hand.release(shop.db, payout.payout_id, "the node burned down")
        assert done.status is PayoutStatus.FAILED
        assert done.error_message == "Released by hand: the node burned down"
        assert shop.balance() == (sats(1_000), 0)
        assert deeds(shop) == [(None, "payout.release", payout.payout_id)]
        assert by_hand.undecided(shop.db) == []

    def test_only_who_may_and_only_what_is_there(self, shop: World, wallet: Watched) -> None:
        payout = stuck(shop, wallet)
        assert [one.payout_id for one in by_hand.undecided(shop.db)] == [payout.payout_id]
        for role in (Role.CASHIER, Role.TECHNICIAN):
            who = people.create(shop.db, role.value, role)
            with pytest.raises(NotAllowed):
                by_hand.release(shop.db, payout.payout_id, "why", who)
            with pytest.raises(NotAllowed):
                by_hand.settle(shop.db, payout.payout_id, bytes(32), who)
        with pytest.raises(NotFound):
            by_hand.release(shop.db, "nothing", "why")
        assert payouts.get(shop.db, payout.payout_id) == payout


def deeds(shop: World) -> list[tuple[object, ...]]:
    """Who did what to which payout."""
    sql = "SELECT person_id, action, subject FROM audit WHERE action LIKE 'payout.%'"
    assert audit.verify(shop.db) == []
    return [tuple(row) for row in shop.db.read(lambda tx: tx.all(sql))]
