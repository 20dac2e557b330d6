"""What the way of a payment costs, who bears it, and that no more than its limit is ever held."""

from __future__ import annotations

import pytest

from host.ledger import audit, fees, payouts, pull_payments
from host.ledger.codes import Code
from host.ledger.errors import LedgerError, NotFound
from host.ledger.fees import FeePayer, FeePolicy
from host.money import sats
from tests.support.books import Shop, code, made, preimage_of

TEN = sats(10)
FUNDED = sats(100_000)
STORE_PAYS = FeePolicy(FeePayer.STORE, base_msat=1_000, ppm=5_000)
CARD_PAYS = FeePolicy(FeePayer.CARD, base_msat=1_000, ppm=5_000)


def test_without_a_policy_the_card_holds_the_hosts_limit(here: Shop) -> None:
    payout = made(here.offer(here.card(), 1, TEN, max_fee_msat=2_000))
    assert (payout.fee_limit_msat, payout.fee_held_msat) == (2_000, 2_000)
    assert here.money() == (FUNDED - TEN - 2_000, TEN + 2_000, 0)


def test_where_the_card_pays_the_limit_is_held_and_what_was_not_needed_is_free_again(
    here: Shop,
) -> None:
    fees.set_policy(here.db, here.account.pull_payment_id, CARD_PAYS)
    payout = made(here.offer(here.card(), 1, TEN, max_fee_msat=999_000))
    assert (payout.fee_limit_msat, payout.fee_held_msat) == (1_050, 1_050)
    payouts.take(here.db, 1)
    assert payouts.settle(here.db, payout.payout_id, preimage_of(payout), 700)
    assert here.money() == (FUNDED - TEN - 700, 0, TEN + 700)
    here.clean()


def test_where_the_store_pays_the_amount_alone_is_held_and_settled(here: Shop) -> None:
    fees.set_policy(here.db, here.account.pull_payment_id, STORE_PAYS)
    payout = made(here.offer(here.card(), 1, TEN, max_fee_msat=999_000))
    assert (payout.fee_limit_msat, payout.fee_held_msat) == (1_050, 0)
    assert here.money() == (FUNDED - TEN, TEN, 0)
    payouts.take(here.db, 1)
    assert payouts.settle(here.db, payout.payout_id, preimage_of(payout), 700)
    assert here.money() == (FUNDED - TEN, 0, TEN)
    kept = payouts.get(here.db, payout.payout_id)
    assert kept is not None
    assert (kept.fee_msat, kept.fee_limit_msat) == (700, 1_050)
    here.clean()


def test_a_failed_payment_frees_amount_and_fee(here: Shop) -> None:
    fees.set_policy(here.db, here.account.pull_payment_id, CARD_PAYS)
    payout = made(here.offer(here.card(), 1, TEN))
    payouts.take(here.db, 1)
    payouts.fail(here.db, payout.payout_id, "no route")
    assert here.money() == (FUNDED, 0, 0)
    here.clean()


def test_the_balance_must_cover_the_fee_only_where_the_card_pays_it(here: Shop) -> None:
    fees.set_policy(here.db, here.account.pull_payment_id, CARD_PAYS)
    card = here.card()
    assert code(here.offer(card, 1, FUNDED)) is Code.BALANCE_LOW
    fees.set_policy(here.db, here.account.pull_payment_id, STORE_PAYS)
    assert made(here.offer(card, 1, FUNDED)).fee_held_msat == 0


def test_inside_our_own_books_there_is_no_fee(here: Shop) -> None:
    fees.set_policy(here.db, here.account.pull_payment_id, CARD_PAYS)
    payout = made(here.pay(here.card(), 1, TEN))
    assert (payout.fee_limit_msat, payout.fee_held_msat) == (None, 0)
    assert here.money() == (FUNDED - TEN, 0, TEN)


def test_a_policy_changes_what_is_claimed_after_it_and_is_audited(here: Shop) -> None:
    before = made(here.offer(here.card(), 1, TEN, max_fee_msat=2_000))
    fees.set_policy(here.db, here.account.pull_payment_id, STORE_PAYS, "ann")
    assert fees.get(here.db, here.account.pull_payment_id) == STORE_PAYS
    payouts.take(here.db, 1)
    payouts.settle(here.db, before.payout_id, preimage_of(before), 2_000)
    assert here.money() == (FUNDED - TEN - 2_000, 0, TEN + 2_000)
    newest = audit.recent(here.db, limit=1)[0]
    assert (newest.person_id, newest.action) == ("ann", "pull_payment.fees")
    here.clean()


@pytest.mark.parametrize(("base", "ppm"), [(1, None), (None, 1), (-1, 0), (0, -1), (0, 1_000_001)])
def test_a_policy_that_makes_no_sense_is_refused(base: int | None, ppm: int | None) -> None:
    with pytest.raises(LedgerError):
        FeePolicy(FeePayer.CARD, base, ppm)


def test_an_account_that_is_not_there_has_no_fees(here: Shop) -> None:
    with pytest.raises(NotFound):
        fees.set_policy(here.db, "nowhere", CARD_PAYS)


@pytest.mark.parametrize(
    ("left_ms", "taken"), [(14_999, False), (15_000, True), (0, False), (-1, False)]
)
def test_an_invoice_that_is_about_to_expire_is_refused_and_the_tap_stays_good(
    here: Shop, left_ms: int, taken: bool
) -> None:
    card = here.card()
    invoice = here.invoice(TEN, expires_at=here.clock.now() + left_ms)
    outcome = here.offer(card, 1, TEN, invoice=invoice, min_left_ms=15_000)
    if taken:
        assert made(outcome).counter == 1
    else:
        assert code(outcome) is Code.INVOICE_EXPIRED
        assert here.money() == (FUNDED, 0, 0)
        assert made(here.offer(card, 1, TEN, min_left_ms=15_000)).counter == 1


def test_a_retry_joins_also_when_its_invoice_is_about_to_expire_by_then(here: Shop) -> None:
    card, invoice = here.card(), here.invoice(TEN, expires_at=here.clock.now() + 20_000)
    first = made(here.offer(card, 1, TEN, invoice=invoice, min_left_ms=15_000))
    here.clock.advance(10_000)
    again = made(here.offer(card, 1, TEN, invoice=invoice, min_left_ms=15_000))
    assert again.payout_id == first.payout_id
    account = pull_payments.get(here.db, here.account.pull_payment_id)
    assert account is not None
    assert account.held_msat == TEN
