"""Money that comes in for a card: once, where it belongs, and in the books."""

from __future__ import annotations

import hashlib

import pytest

from host.clock import DAY, MINUTE
from host.ledger import audit, cards, people, pull_payments, topups
from host.ledger.codes import Code, Refused
from host.ledger.errors import LedgerError, NotAllowed, NotFound
from host.ledger.looks import InvoiceState
from host.ledger.permissions import Role
from host.ledger.records import Card, EntryKind
from host.money import sats
from host.store.errors import StoreError
from host.store.tx import Tx
from tests.support.books import Shop, code

FUNDED = sats(100_000)


def offered(here: Shop, card: Card, number: int = 1, amount_msat: int = sats(5)) -> bytes:
    payment_hash = hashlib.sha256(bytes((number,))).digest()
    until = here.clock.now() + 10 * MINUTE
    assert topups.offer(here.db, card.card_id, payment_hash, "lnbcrt1", amount_msat, until)
    return payment_hash


def state(here: Shop, payment_hash: bytes) -> InvoiceState:
    found = topups.get(here.db, payment_hash)
    assert found is not None
    return found.state


class TestByHand:
    """Cash over the counter."""

    def test_the_account_has_the_money_with_reason_card_and_person(self, here: Shop) -> None:
        card = here.card()
        here.clock.advance(1)
        manager = people.create(here.db, "Mona", Role.MANAGER, store_id="shop")
        account = topups.by_hand(here.db, card.card_id, sats(20), "cash at the bar", manager)
        assert account.balance_msat == FUNDED + sats(20)
        (entry, _) = pull_payments.entries_by_hand(here.db, account.pull_payment_id)
        assert (entry.kind, entry.card_id, entry.person_id, entry.reason) == (
            EntryKind.TOP_UP,
            card.card_id,
            manager.person_id,
            "cash at the bar",
        )
        newest = audit.recent(here.db, limit=1)[0]
        assert (newest.person_id, newest.action) == (manager.person_id, "pull_payment.top-up")
        here.clean()

    @pytest.mark.parametrize(
        ("role", "store"), [(Role.CASHIER, "shop"), (Role.TECHNICIAN, None), (Role.MANAGER, "two")]
    )
    def test_who_may_not_cannot(self, here: Shop, role: Role, store: str | None) -> None:
        from host.ledger import stores

        stores.create(here.db, "Two", store_id="two")
        person = people.create(here.db, "Cem", role, store_id=store)
        with pytest.raises(NotAllowed):
            topups.by_hand(here.db, here.card().card_id, sats(20), "cash", person)
        assert here.money() == (FUNDED, 0, 0)

    def test_a_card_that_cannot_use_it_takes_none(self, here: Shop) -> None:
        wiped, ended = here.card(), here.card()
        cards.wipe(here.db, wiped.card_id)
        with pytest.raises(LedgerError, match="wiped"):
            topups.by_hand(here.db, wiped.card_id, sats(1), "cash")
        pull_payments.end(here.db, here.account.pull_payment_id)
        with pytest.raises(LedgerError, match="ended"):
            topups.by_hand(here.db, ended.card_id, sats(1), "cash")
        with pytest.raises(NotFound):
            topups.by_hand(here.db, "nowhere", sats(1), "cash")

    @pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-1, "x"), (sats(1), "")])
    def test_no_amount_and_no_reason_are_refused(
        self, here: Shop, amount: int, reason: str
    ) -> None:
        with pytest.raises(ValueError, match=r"amount|reason"):
            topups.by_hand(here.db, here.card().card_id, amount, reason)


class TestInvoices:
    """Invoices of the shop's wallet."""

    def test_a_paid_invoice_is_credited_exactly_once(self, here: Shop) -> None:
        payment_hash = offered(here, here.card())
        assert topups.settle(here.db, payment_hash)
        assert not topups.settle(here.db, payment_hash)
        assert here.money() == (FUNDED + sats(5), 0, 0)
        assert topups.due(here.db, everything=True) == []
        here.clean()

    def test_a_credit_that_breaks_half_way_leaves_nothing(
        self, here: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment_hash = offered(here, here.card())

        def broken(*_: object) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(topups, "_tell", broken)
            with pytest.raises(StoreError):
                topups.settle(here.db, payment_hash)
        assert here.money() == (FUNDED, 0, 0)
        assert state(here, payment_hash) is InvoiceState.OFFERED
        assert topups.settle(here.db, payment_hash)
        here.clean()

    def test_what_is_paid_late_is_credited_all_the_same(self, here: Shop) -> None:
        payment_hash = offered(here, here.card())
        assert topups.end(here.db, payment_hash)
        assert not topups.end(here.db, payment_hash)
        assert topups.settle(here.db, payment_hash)
        assert here.money() == (FUNDED + sats(5), 0, 0)
        here.clean()

    def test_what_is_paid_for_a_card_that_was_wiped_meanwhile_is_not_lost(self, here: Shop) -> None:
        card = here.card()
        payment_hash = offered(here, card)
        cards.wipe(here.db, card.card_id)
        pull_payments.end(here.db, here.account.pull_payment_id)
        assert topups.settle(here.db, payment_hash)
        assert here.money() == (FUNDED + sats(5), 0, 0)
        here.clean()

    def test_an_invoice_is_looked_at_ever_less_often_and_a_while_after_it_is_over(
        self, here: Shop
    ) -> None:
        payment_hash = offered(here, here.card())
        assert topups.due(here.db) == []
        assert len(topups.due(here.db, everything=True)) == 1
        looks = 0
        while here.clock.now() < 1_700_000_000_000 + 10 * MINUTE:
            here.clock.advance(1_000)
            for one in topups.due(here.db):
                looks += 1
                topups.postpone(here.db, one.payment_hash)
        assert 60 < looks < 75
        topups.end(here.db, payment_hash)
        for _ in range(4):
            here.clock.advance(DAY)
            assert len(topups.due(here.db)) == 1
            topups.postpone(here.db, payment_hash)
        here.clock.advance(10 * DAY)
        assert topups.due(here.db, everything=True) == []
        assert topups.settle(here.db, payment_hash), "should the wallet ever say so"
        here.clean()

    def test_threat_13_only_so_many_invoices_wait_for_a_card(self, here: Shop) -> None:
        card, other = here.card(), here.card()
        for number in range(topups.OPEN_PER_CARD):
            offered(here, card, number)
        until = here.clock.now() + MINUTE
        assert not topups.room(here.db, card.card_id)
        assert not topups.offer(here.db, card.card_id, bytes(32), "lnbcrt1", sats(1), until)
        offered(here, other, 99)
        topups.settle(here.db, hashlib.sha256(bytes((3,))).digest())
        assert topups.room(here.db, card.card_id)

    def test_only_an_active_card_of_a_running_account_is_filled(self, here: Shop) -> None:
        card = here.card()
        assert not isinstance(topups.fillable(here.db, card.card_id), Refused)
        cards.freeze(here.db, card.card_id)
        assert code(topups.fillable(here.db, card.card_id)) is Code.CARD_BLOCKED
        cards.wipe(here.db, card.card_id)
        assert code(topups.fillable(here.db, card.card_id)) is Code.LINK_INVALID
        assert code(topups.fillable(here.db, "nowhere")) is Code.LINK_INVALID
        other = here.card()
        pull_payments.end(here.db, here.account.pull_payment_id)
        assert code(topups.fillable(here.db, other.card_id)) is Code.CARD_EXPIRED
        until = here.clock.now() + MINUTE
        assert not topups.offer(here.db, other.card_id, bytes(32), "lnbcrt1", sats(1), until)

    def test_the_same_credit_twice_is_refused_by_the_schema(self, here: Shop) -> None:
        from host.ledger import entries
        from host.store.errors import StoreConflict

        payment_hash = offered(here, here.card())
        topups.settle(here.db, payment_hash)

        def again(tx: Tx) -> None:
            name = f"{payment_hash.hex()}.top-up"
            account = here.account.pull_payment_id
            entries.move(tx, account, EntryKind.TOP_UP, available=1, entry_id=name)

        with pytest.raises(StoreConflict):
            here.db.transaction(again)
