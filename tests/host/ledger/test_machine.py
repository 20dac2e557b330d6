"""Everything that can happen to money, in any order: the books are clean after every step."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from host.clock import DAY, ManualClock
from host.ledger import books, cards, payouts, pull_payments
from host.ledger.claims import Claimed
from host.ledger.codes import Refused
from host.ledger.errors import LedgerError
from host.ledger.records import Card, Limits, Payout, PayoutStatus
from host.money import sats
from tests.support.books import STORE, Shop, preimage_of, shop

AMOUNTS = st.integers(1, 40).map(sats)
LIMITS = st.builds(
    Limits,
    st.none() | AMOUNTS,
    st.none() | AMOUNTS,
    st.none() | AMOUNTS,
    st.none() | st.integers(0, 3),
)


class Money(RuleBasedStateMachine):
    """A shop with three cards on two accounts, and a wallet that may answer anything."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()

    @initialize(limits=st.lists(LIMITS, min_size=3, max_size=3))
    def open(self, limits: list[Limits]) -> None:
        folder = self.exits.enter_context(tempfile.TemporaryDirectory())
        self.here: Shop = self.exits.enter_context(shop(Path(folder), ManualClock()))
        other = pull_payments.create(self.here.db, STORE, "Other", limit_msat=sats(60))
        self.accounts = [self.here.account.pull_payment_id, other.pull_payment_id]
        self.cards = [
            self.here.card(limits=one, pull_payment_id=self.accounts[n % 2])
            for n, one in enumerate(limits)
        ]
        self.counters = [0, 0, 0]
        self.under_way: list[Payout] = []
        self.came_in = sats(100_000)
        self.went_out = 0

    def teardown(self) -> None:
        self.exits.close()

    @rule(account=st.integers(0, 1), amount=AMOUNTS)
    def fund(self, account: int, amount: int) -> None:
        pull_payments.fund(self.here.db, self.accounts[account], amount, "more")
        self.came_in += amount

    @rule(account=st.integers(0, 1), amount=AMOUNTS)
    def take_away(self, account: int, amount: int) -> None:
        try:
            pull_payments.adjust(self.here.db, self.accounts[account], -amount, "less")
        except LedgerError:
            return
        self.came_in -= amount

    @rule(card=st.integers(0, 2), amount=AMOUNTS, skip=st.integers(0, 2))
    def pay_here(self, card: int, amount: int, skip: int) -> None:
        self.counters[card] += skip
        self._claimed(card, self.here.pay(self.cards[card], self.counters[card], amount))

    @rule(card=st.integers(0, 2), amount=AMOUNTS, skip=st.integers(0, 2), fee=st.integers(0, 5))
    def offer(self, card: int, amount: int, skip: int, fee: int) -> None:
        self.counters[card] += skip
        outcome = self.here.offer(
            self.cards[card], self.counters[card], amount, max_fee_msat=fee * 1_000
        )
        self._claimed(card, outcome)
        if isinstance(outcome, Claimed):
            self.under_way.append(outcome.payout)

    def _claimed(self, card: int, outcome: Claimed | Refused) -> None:
        if isinstance(outcome, Claimed) and not outcome.joined:
            assert outcome.payout.counter == self.counters[card]
            if outcome.payout.status is PayoutStatus.COMPLETED:
                self.went_out += outcome.payout.amount_msat

    @rule(limit=st.integers(1, 3))
    def take(self, limit: int) -> None:
        payouts.take(self.here.db, limit)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fee=st.integers(0, 7_000))
    def settle(self, data: Any, fee: int) -> None:
        payout = data.draw(st.sampled_from(self.under_way))
        if payouts.settle(self.here.db, payout.payout_id, preimage_of(payout), fee):
            self.under_way.remove(payout)
            self.went_out += payout.amount_msat + min(fee, payout.fee_held_msat)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), how=st.sampled_from([payouts.fail, payouts.cancel]))
    def give_up(self, data: Any, how: Any) -> None:
        payout = data.draw(st.sampled_from(self.under_way))
        if how(self.here.db, payout.payout_id, "gone"):
            self.under_way.remove(payout)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def postpone(self, data: Any) -> None:
        payout = data.draw(st.sampled_from(self.under_way))
        payouts.postpone(self.here.db, payout.payout_id, "no answer")

    @rule(card=st.integers(0, 2), frozen=st.booleans())
    def freeze(self, card: int, frozen: bool) -> None:
        act = cards.freeze if frozen else cards.unfreeze
        act(self.here.db, self.cards[card].card_id)

    @rule(card=st.integers(0, 2))
    def make_anew(self, card: int) -> None:
        old: Card = self.here.now(self.cards[card])
        self.cards[card] = cards.rekey(
            self.here.db,
            old.card_id,
            issuer_id=old.issuer_id,
            key_version=old.key_version + 1,
            last_counter=0,
        )
        self.counters[card] = 0

    @rule(move=st.sampled_from([1, 60_000, DAY // 2, DAY, 20 * DAY, -DAY // 3]))
    def pass_time(self, move: int) -> None:
        self.here.clock.advance(move)

    @invariant()
    def the_books_are_clean(self) -> None:
        assert books.check(self.here.db).problems == []

    @invariant()
    def no_money_appears_or_vanishes(self) -> None:
        accounts = pull_payments.all(self.here.db)
        assert sum(one.balance_msat + one.held_msat for one in accounts) == (
            self.came_in - self.went_out
        )
        held = sum(one.amount_msat + one.fee_held_msat for one in self.under_way)
        assert sum(one.held_msat for one in accounts) == held


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
