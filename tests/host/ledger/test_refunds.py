"""Giving back: to the card that paid, never above the sale, by who may, and in the books."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from host.ledger import people, pull_payments, refunds, sales
from host.ledger.errors import LedgerError, NotAllowed, NotFound
from host.ledger.permissions import Role
from host.ledger.records import EntryKind, SaleState
from host.money import sats
from tests.support.books import Shop, made

TEN = sats(10)
FUNDED = sats(100_000)


def paid_sale(here: Shop) -> str:
    payout = made(here.pay(here.card(), 1, TEN))
    assert payout.sale_id is not None
    return payout.sale_id


def test_a_refund_goes_to_the_card_and_the_sale_shows_it(here: Shop) -> None:
    sale_id = paid_sale(here)
    manager = people.create(here.db, "Mona", Role.MANAGER, store_id="shop")
    sale = refunds.refund(here.db, sale_id, sats(4), "one coffee was cold", manager)
    assert refunds.refunded_msat(sale) == sats(4)
    here.clock.advance(1)
    assert refunds.refunded_msat(refunds.refund(here.db, sale_id, sats(6), "all of it")) == TEN
    assert here.money() == (FUNDED, 0, TEN)
    assert sale.payout_id is not None
    first, second = refunds.of_payout(here.db, sale.payout_id)
    assert (first.kind, first.person_id, first.reason) == (
        EntryKind.REFUND,
        manager.person_id,
        "one coffee was cold",
    )
    assert (first.available_msat, second.available_msat) == (sats(4), sats(6))
    assert first.card_id is not None
    here.clean()


def test_the_sum_of_refunds_never_exceeds_the_sale(here: Shop) -> None:
    sale_id = paid_sale(here)
    refunds.refund(here.db, sale_id, sats(6), "x")
    with pytest.raises(LedgerError, match="more than was paid"):
        refunds.refund(here.db, sale_id, sats(5), "x")
    refunds.refund(here.db, sale_id, sats(4), "x")
    with pytest.raises(LedgerError, match="more than was paid"):
        refunds.refund(here.db, sale_id, sats(1), "x")
    here.clean()


def test_of_many_refunds_at_once_no_more_than_the_sale_is_given_back(here: Shop) -> None:
    sale_id = paid_sale(here)

    def give(_: int) -> bool:
        try:
            refunds.refund(here.db, sale_id, sats(3), "x")
        except LedgerError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(give, range(8))) == 3
    assert here.money() == (FUNDED - TEN + sats(9), 0, TEN)
    here.clean()


@pytest.mark.parametrize(
    ("role", "store"), [(Role.CASHIER, "shop"), (Role.TECHNICIAN, None), (Role.MANAGER, "two")]
)
def test_who_may_not_refund_cannot(here: Shop, role: Role, store: str | None) -> None:
    from host.ledger import stores

    stores.create(here.db, "Two", store_id="two")
    person = people.create(here.db, "Cem", role, store_id=store)
    with pytest.raises(NotAllowed):
        refunds.refund(here.db, paid_sale(here), sats(1), "x", person)


def test_a_sale_that_was_not_paid_by_a_card_of_ours_is_not_refunded_here(here: Shop) -> None:
    sale = here.sale(TEN)
    with pytest.raises(LedgerError, match="only a sale that was paid"):
        refunds.refund(here.db, sale.sale_id, TEN, "x")
    sales.move(here.db, sale.sale_id, SaleState.AUTHORISING)
    sales.move(here.db, sale.sale_id, SaleState.APPROVED)
    with pytest.raises(LedgerError, match="another issuer"):
        refunds.refund(here.db, sale.sale_id, TEN, "x")
    with pytest.raises(NotFound):
        refunds.refund(here.db, "nowhere", TEN, "x")


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-1000, "x"), (1_500, "x"), (1_000, "")])
def test_a_refund_needs_whole_satoshi_and_a_reason(here: Shop, amount: int, reason: str) -> None:
    sale_id = paid_sale(here)
    with pytest.raises(ValueError, match=r"amount|reason"):
        refunds.refund(here.db, sale_id, amount, reason)
    assert here.money() == (FUNDED - TEN, 0, TEN)


def test_a_refund_after_the_account_ended_is_still_the_holders(here: Shop) -> None:
    sale_id = paid_sale(here)
    pull_payments.end(here.db, here.account.pull_payment_id)
    refunds.refund(here.db, sale_id, TEN, "x")
    assert here.money() == (FUNDED, 0, TEN)
    here.clean()
