"""The life of a payout: each step once, money held until the end is certain (THREATS 5, 32)."""

from __future__ import annotations

import hashlib

import pytest

from host.clock import SECOND
from host.ledger import audit, cards, payouts, pull_payments, refunds, views
from host.ledger.errors import LedgerError, NotFound
from host.ledger.records import UNRESOLVED, Payout, PayoutStatus
from host.money import sats
from tests.support.books import Shop, made, preimage_of
from tests.support.threads import together

TEN, FEE = sats(10), sats(1)
ALL = sats(100_000)


def pending(here: Shop) -> Payout:
    return made(here.offer(here.card(), 1, TEN, max_fee_msat=FEE))


def taken(here: Shop) -> Payout:
    payout = pending(here)
    (took,) = payouts.take(here.db, 10)
    assert took.payout_id == payout.payout_id
    return took


def now(here: Shop, payout: Payout) -> Payout:
    found = payouts.get(here.db, payout.payout_id)
    assert found is not None
    return found


def kinds(here: Shop, payout: Payout) -> list[str]:
    return [event.kind for event in here.db.events.after(0) if event.subject == payout.payout_id]


def test_taking_is_durable_and_nobody_else_gets_it(here: Shop) -> None:
    payout = taken(here)
    assert payout.status is PayoutStatus.PROCESSING
    assert payout.processing_at == here.clock.now()
    assert payouts.take(here.db, 10) == []
    assert here.money() == (ALL - TEN - FEE, TEN + FEE, 0)
    assert kinds(here, payout) == ["payout.pending", "payout.processing"]


def test_takers_at_the_same_time_share_what_there_is(here: Shop) -> None:
    ids = {pending(here).payout_id for _ in range(12)}
    batches = together([lambda: payouts.take(here.db, 2) for _ in range(8)])
    took = [payout.payout_id for batch in batches for payout in batch]
    assert len(took) == 12
    assert set(took) == ids


def test_the_oldest_are_taken_first(here: Shop) -> None:
    first, second = pending(here), pending(here)
    assert [one.payout_id for one in payouts.take(here.db, 1)] == [first.payout_id]
    assert [one.payout_id for one in payouts.take(here.db, 1)] == [second.payout_id]


def test_a_proof_completes_and_only_the_real_fee_is_paid(here: Shop) -> None:
    payout = taken(here)
    here.clock.advance(SECOND)
    assert payouts.settle(here.db, payout.payout_id, preimage_of(payout), 300)
    done = now(here, payout)
    assert (done.status, done.fee_msat) == (PayoutStatus.COMPLETED, 300)
    assert done.completed_at == here.clock.now()
    assert done.preimage == preimage_of(payout)
    assert done.transaction_id == hashlib.sha256(preimage_of(payout)).hexdigest()
    assert here.money() == (ALL - TEN - 300, 0, TEN + 300)
    usage = views.usage_of(here.db, payout.boltcard_id)
    assert usage is not None
    assert (usage.total_payouts, usage.total_amount_msat) == (1, TEN)
    assert usage.first_used == usage.last_used == payout.created_at


def test_a_fee_above_what_was_held_is_the_shops(here: Shop) -> None:
    payout = taken(here)
    assert payouts.settle(here.db, payout.payout_id, preimage_of(payout), FEE + 5_000)
    assert now(here, payout).fee_msat == FEE + 5_000
    assert here.money() == (ALL - TEN - FEE, 0, TEN + FEE)


@pytest.mark.parametrize("proof", [bytes(32), b"", b"x" * 31, b"x" * 33])
def test_without_a_proof_that_fits_nothing_is_completed(here: Shop, proof: bytes) -> None:
    payout = taken(here)
    assert not payouts.settle(here.db, payout.payout_id, proof)
    assert now(here, payout) == payout
    assert here.money() == (ALL - TEN - FEE, TEN + FEE, 0)


def test_settling_again_changes_nothing(here: Shop) -> None:
    payout = taken(here)
    proof = preimage_of(payout)
    settled = together([lambda: payouts.settle(here.db, payout.payout_id, proof) for _ in range(8)])
    assert sorted(settled) == [False] * 7 + [True]
    assert here.money() == (ALL - TEN, 0, TEN)


def test_certain_failure_frees_the_money(here: Shop) -> None:
    payout = taken(here)
    assert payouts.fail(here.db, payout.payout_id, "no route")
    assert now(here, payout).error_message == "no route"
    assert here.money() == (ALL, 0, 0)
    assert not payouts.fail(here.db, payout.payout_id, "again")
    assert kinds(here, payout)[-1] == "payout.failed"


def test_settle_and_fail_at_once_have_one_winner(here: Shop) -> None:
    for _ in range(6):
        payout = taken(here)
        proof = preimage_of(payout)
        won = together(
            [
                lambda payout=payout, proof=proof: payouts.settle(here.db, payout.payout_id, proof),
                lambda payout=payout: payouts.fail(here.db, payout.payout_id, "no route"),
            ]
        )
        assert sorted(won) == [False, True]
        here.clean()


def test_a_payment_proven_after_it_was_called_failed_is_told_and_not_booked(here: Shop) -> None:
    payout = taken(here)
    payouts.fail(here.db, payout.payout_id, "the wallet was sure")
    assert not payouts.settle(here.db, payout.payout_id, preimage_of(payout))
    assert now(here, payout).status is PayoutStatus.FAILED
    assert kinds(here, payout)[-1] == "payout.conflict"
    deed = audit.recent(here.db)[0]
    assert (deed.action, deed.subject) == ("payout.conflict", payout.payout_id)


def test_threat_5_unknown_stays_held_and_is_looked_up_ever_more_seldom(here: Shop) -> None:
    payout = taken(here)
    waits = []
    for _ in range(14):
        assert payouts.postpone(here.db, payout.payout_id, "no answer")
        next_check_at = now(here, payout).next_check_at
        assert next_check_at is not None
        waits.append(next_check_at - here.clock.now())
        assert here.money() == (ALL - TEN - FEE, TEN + FEE, 0)
    assert waits[:4] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert waits[-1] == waits[-2] == payouts.LONGEST_WAIT_MS
    assert now(here, payout).status is PayoutStatus.PROCESSING
    assert kinds(here, payout).count("payout.unknown") == 1


def test_due_names_what_is_to_be_looked_up_the_longest_due_first(here: Shop) -> None:
    first, second = taken(here), taken(here)
    assert payouts.due(here.db) == []
    payouts.postpone(here.db, second.payout_id, "no answer")
    here.clock.advance(SECOND)
    assert [one.payout_id for one in payouts.due(here.db)] == [second.payout_id]
    here.clock.advance(payouts.LEASE_MS)
    due = [one.payout_id for one in payouts.due(here.db)]
    assert due == [second.payout_id, first.payout_id]
    assert len(payouts.due(here.db, limit=1)) == 1


def test_at_the_start_also_what_somebody_had_taken_is_due(here: Shop) -> None:
    payout = taken(here)
    assert payouts.due(here.db) == []
    assert [one.payout_id for one in payouts.due(here.db, leased=True)] == [payout.payout_id]


def test_only_what_nobody_took_can_be_cancelled(here: Shop) -> None:
    payout = pending(here)
    assert payouts.cancel(here.db, payout.payout_id, "expired")
    assert now(here, payout).status is PayoutStatus.CANCELLED
    assert here.money() == (ALL, 0, 0)
    other = taken(here)
    assert not payouts.cancel(here.db, other.payout_id, "too late")
    assert not payouts.settle(here.db, payout.payout_id, preimage_of(payout))


@pytest.mark.parametrize("step", ["settle", "fail", "postpone"])
def test_a_payout_nobody_took_does_not_jump_ahead(here: Shop, step: str) -> None:
    payout = pending(here)
    calls = {
        "settle": lambda: payouts.settle(here.db, payout.payout_id, preimage_of(payout)),
        "fail": lambda: payouts.fail(here.db, payout.payout_id, "x"),
        "postpone": lambda: payouts.postpone(here.db, payout.payout_id, "x"),
    }
    assert not calls[step]()
    assert now(here, payout) == payout


def test_a_payout_that_is_not_there_is_nobodys(here: Shop) -> None:
    assert payouts.get(here.db, "nothing") is None
    assert not payouts.settle(here.db, "nothing", bytes(32))
    assert not payouts.fail(here.db, "nothing", "x")
    assert not payouts.postpone(here.db, "nothing", "x")
    with pytest.raises(ValueError, match="fee_msat"):
        payouts.settle(here.db, "nothing", bytes(32), -1)


def test_unresolved_is_what_holds_money(here: Shop) -> None:
    payout = pending(here)
    assert payout.unresolved
    assert payout.status in UNRESOLVED
    assert made(here.pay(here.card(), 1, TEN)).unresolved is False


def test_an_account_that_ended_still_settles_and_frees_what_it_holds(here: Shop) -> None:
    one, other = taken(here), taken(here)
    pull_payments.end(here.db, here.account.pull_payment_id)
    cards.freeze(here.db, one.boltcard_id)
    assert payouts.settle(here.db, one.payout_id, preimage_of(one))
    assert payouts.fail(here.db, other.payout_id, "no route")
    assert here.money() == (ALL - TEN, 0, TEN)


def test_a_completed_payment_is_given_back_at_most_once_in_all(here: Shop) -> None:
    payout = made(here.pay(here.card(), 1, TEN))
    refunds.give_back(here.db, payout.payout_id, sats(4), "one coffee too many")
    assert here.money() == (ALL - sats(6), 0, TEN)
    with pytest.raises(LedgerError, match="more than was paid"):
        refunds.give_back(here.db, payout.payout_id, sats(7), "greedy")
    refunds.give_back(here.db, payout.payout_id, sats(6), "the rest")
    with pytest.raises(LedgerError, match="only a completed"):
        refunds.give_back(here.db, pending(here).payout_id, sats(1), "not yet")
    with pytest.raises(NotFound):
        refunds.give_back(here.db, "nothing", sats(1), "what")
