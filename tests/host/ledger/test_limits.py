"""Limits to the edge: THREATS 17, and what counts against them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.clock import DAY, HOUR, ManualClock
from host.ledger import cards, payouts, pull_payments
from host.ledger.claims import MONTH, Claimed
from host.ledger.codes import Code, Refused
from host.ledger.errors import LedgerError
from host.ledger.records import Card, Limits
from host.money import MAX_MSAT, sats
from tests.support.books import STORE, Shop, code, made, preimage_of, shop

TEN = sats(10)
ALL = sats(100_000)


def fail(here: Shop, payout_id: str) -> None:
    payouts.take(here.db, 10)
    assert payouts.fail(here.db, payout_id, "no route")


def test_the_limit_of_one_payment_includes_its_edge(here: Shop) -> None:
    card = here.card(limits=Limits(tap_msat=TEN))
    assert code(here.pay(card, 1, TEN + 1_000)) is Code.LIMIT_TAP
    made(here.pay(card, 1, TEN))


def test_the_limit_of_a_day_includes_its_edge(here: Shop) -> None:
    card = here.card(limits=Limits(day_msat=TEN))
    made(here.pay(card, 1, sats(4)))
    assert code(here.pay(card, 2, sats(7))) is Code.LIMIT_DAY
    made(here.pay(card, 2, sats(6)))
    assert code(here.pay(card, 3, sats(1))) is Code.LIMIT_DAY


def test_the_limit_of_a_month_includes_its_edge(here: Shop) -> None:
    card = here.card(limits=Limits(month_msat=TEN))
    made(here.pay(card, 1, sats(4)))
    here.clock.advance(29 * DAY)
    assert code(here.pay(card, 2, sats(7))) is Code.LIMIT_MONTH
    made(here.pay(card, 2, sats(6)))


def test_the_limit_of_taps_includes_its_edge(here: Shop) -> None:
    card = here.card(limits=Limits(count=2))
    made(here.pay(card, 1, TEN))
    made(here.pay(card, 2, TEN))
    assert code(here.pay(card, 3, TEN)) is Code.LIMIT_COUNT


@pytest.mark.parametrize(
    ("limits", "window", "expected"),
    [
        (Limits(day_msat=TEN), DAY, Code.LIMIT_DAY),
        (Limits(month_msat=TEN), MONTH, Code.LIMIT_MONTH),
        (Limits(count=1), DAY, Code.LIMIT_COUNT),
    ],
)
def test_windows_roll_and_a_payment_leaves_them_to_the_millisecond(
    here: Shop, limits: Limits, window: int, expected: Code
) -> None:
    card = here.card(limits=limits)
    made(here.pay(card, 1, TEN))
    here.clock.advance(window - 1)
    assert code(here.pay(card, 2, TEN)) is expected
    here.clock.advance(1)
    made(here.pay(card, 2, TEN))


def test_windows_roll_and_do_not_begin_anew_at_midnight(here: Shop) -> None:
    card = here.card(limits=Limits(day_msat=TEN))
    to_midnight = DAY - here.clock.now() % DAY
    here.clock.advance(to_midnight - 1)
    made(here.pay(card, 1, TEN))
    here.clock.advance(2)
    assert code(here.pay(card, 2, TEN)) is Code.LIMIT_DAY


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(day_msat=TEN), Code.LIMIT_DAY),
        (Limits(month_msat=TEN), Code.LIMIT_MONTH),
        (Limits(count=1), Code.LIMIT_COUNT),
    ],
)
def test_held_money_counts_and_failed_money_does_not(
    here: Shop, limits: Limits, expected: Code
) -> None:
    card = here.card(limits=limits)
    held = made(here.offer(card, 1, TEN))
    # While it is held the card is busy; that it counts shows once it is paid or failed.
    fail(here, held.payout_id)
    paid = made(here.offer(card, 2, TEN))
    payouts.take(here.db, 1)
    payouts.settle(here.db, paid.payout_id, preimage_of(paid))
    assert code(here.pay(card, 3, TEN)) is expected


def test_cancelled_money_does_not_count(here: Shop) -> None:
    card = here.card(limits=Limits(day_msat=TEN, month_msat=TEN, count=1))
    payouts.cancel(here.db, made(here.offer(card, 1, TEN)).payout_id, "expired")
    made(here.pay(card, 2, TEN))


def test_blank_is_no_limit_and_zero_is_zero(here: Shop) -> None:
    free = here.card()
    for counter in range(1, 20):
        made(here.pay(free, counter, sats(1_000)))
    for limits, expected in (
        (Limits(tap_msat=0), Code.LIMIT_TAP),
        (Limits(day_msat=0), Code.LIMIT_DAY),
        (Limits(month_msat=0), Code.LIMIT_MONTH),
        (Limits(count=0), Code.LIMIT_COUNT),
    ):
        assert code(here.pay(here.card(limits=limits), 1, sats(1))) is expected


def test_the_first_limit_in_the_order_of_the_design_is_the_one_told(here: Shop) -> None:
    zero = Limits(tap_msat=0, day_msat=0, month_msat=0, count=0)
    card = here.card(limits=zero)
    pull_payments.adjust(here.db, here.account.pull_payment_id, -ALL, "empty")
    order = [
        (zero, Code.LIMIT_TAP),
        (Limits(day_msat=0, month_msat=0, count=0), Code.LIMIT_DAY),
        (Limits(month_msat=0, count=0), Code.LIMIT_MONTH),
        (Limits(count=0), Code.LIMIT_COUNT),
        (Limits(), Code.BALANCE_LOW),
    ]
    for limits, expected in order:
        cards.set_limits(here.db, card.card_id, limits)
        assert code(here.pay(card, 1, TEN)) is expected


def test_the_balance_is_spent_to_its_edge_and_no_further(here: Shop) -> None:
    card = here.card()
    assert code(here.pay(card, 1, ALL + 1_000)) is Code.BALANCE_LOW
    made(here.pay(card, 1, ALL))
    assert here.money() == (0, 0, ALL)
    assert code(here.pay(card, 2, sats(1))) is Code.BALANCE_LOW


def test_no_sum_ever_grows_beyond_what_its_column_can_count(here: Shop) -> None:
    """All bitcoin there will be, again and again: refused by name, before any overflow."""
    pull_payments.adjust(here.db, here.account.pull_payment_id, -ALL, "none")
    outcomes: list[Code | None] = []
    for number, card in enumerate((here.card(), here.card(), here.card()), 1):
        for counter in (1, 2):
            if not outcomes or outcomes[-1] is None:
                account_id = here.account.pull_payment_id
                pull_payments.fund(here.db, account_id, MAX_MSAT, f"all of it, {number}")
            outcome = here.offer(card, counter, MAX_MSAT)
            outcomes.append(outcome.code if isinstance(outcome, Refused) else None)
            for payout in payouts.take(here.db):
                assert payouts.settle(here.db, payout.payout_id, preimage_of(payout))
    assert outcomes == [None] * 4 + [Code.BALANCE_LOW] * 2
    assert here.money() == (MAX_MSAT, 0, 4 * MAX_MSAT)


def test_held_money_and_its_fee_are_not_in_the_balance(here: Shop) -> None:
    mine, other = here.card(), here.card()
    assert code(here.offer(mine, 1, ALL, max_fee_msat=1)) is Code.BALANCE_LOW
    held = made(here.offer(mine, 1, ALL - sats(5), max_fee_msat=sats(1)))
    assert code(here.pay(other, 1, sats(5))) is Code.BALANCE_LOW
    made(here.pay(other, 1, sats(4)))
    fail(here, held.payout_id)
    made(here.pay(other, 2, sats(90_000)))


def test_a_pull_payment_caps_what_it_pays_and_holds_in_all(here: Shop) -> None:
    account = pull_payments.create(here.db, STORE, "Capped", limit_msat=TEN)
    pull_payments.fund(here.db, account.pull_payment_id, ALL, "more than it may pay")
    one = here.card(pull_payment_id=account.pull_payment_id)
    two = here.card(pull_payment_id=account.pull_payment_id)
    made(here.pay(one, 1, sats(3)))
    held = made(here.offer(two, 1, sats(4), max_fee_msat=sats(1)))
    assert code(here.pay(one, 2, sats(3))) is Code.BALANCE_LOW
    fail(here, held.payout_id)
    made(here.pay(one, 2, sats(7)))
    assert code(here.pay(one, 3, sats(1))) is Code.BALANCE_LOW


def test_limits_below_zero_are_refused(here: Shop) -> None:
    for wrong in (Limits(tap_msat=-1), Limits(day_msat=-1), Limits(count=-1)):
        with pytest.raises(LedgerError, match="limit"):
            here.card(limits=wrong)


def test_a_clock_that_was_set_back_lets_nobody_spend_more(here: Shop) -> None:
    card = here.card(limits=Limits(day_msat=TEN))
    made(here.pay(card, 1, sats(6)))
    here.clock.advance(-3 * HOUR)
    assert code(here.pay(card, 2, sats(5))) is Code.LIMIT_DAY
    made(here.pay(card, 2, sats(4)))
    here.clock.advance(21 * HOUR + 1)
    assert code(here.pay(card, 3, sats(5))) is Code.LIMIT_DAY
    here.clock.advance(HOUR * 3)
    assert code(here.pay(card, 3, sats(5))) is Code.LIMIT_DAY
    here.clock.advance(HOUR * 3)
    made(here.pay(card, 3, TEN))


STEP = st.tuples(
    st.integers(-20 * HOUR, 30 * HOUR),
    st.integers(1, 9),
    st.sampled_from(["till", "paid", "failed", "cancelled"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_what_a_card_spent_is_exact_however_the_clock_moves(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]]
) -> None:
    limit = sats(12)
    clock = ManualClock()
    with shop(tmp_path_factory.mktemp("windows"), clock) as here:
        card = here.card(limits=Limits(day_msat=limit))
        counted: list[tuple[int, int]] = []
        for counter, (move, amount_sat, how) in enumerate(steps, start=1):
            clock.advance(move)
            amount = sats(amount_sat)
            spent = sum(one for at, one in counted if at > clock.now() - DAY)
            outcome = _spend(here, card, counter, amount, how)
            assert outcome == (spent + amount <= limit)
            if outcome and how in ("till", "paid"):
                counted.append((clock.now(), amount))
            here.clean()


def _spend(here: Shop, card: Card, counter: int, amount: int, how: str) -> bool:
    """One payment that ends as told; whether it was let through."""
    if how == "till":
        return isinstance(here.pay(card, counter, amount), Claimed)
    outcome = here.offer(card, counter, amount)
    if not isinstance(outcome, Claimed):
        assert outcome.code is Code.LIMIT_DAY
        return False
    payout = outcome.payout
    if how == "cancelled":
        assert payouts.cancel(here.db, payout.payout_id, "gone")
        return True
    payouts.take(here.db, 1)
    if how == "paid":
        assert payouts.settle(here.db, payout.payout_id, preimage_of(payout))
    else:
        assert payouts.fail(here.db, payout.payout_id, "no route")
    return True
