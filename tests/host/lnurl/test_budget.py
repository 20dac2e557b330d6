"""Budgets: so many at once, so many a second, in bounded memory."""

from __future__ import annotations

from host.clock import ManualClock
from host.lnurl.budget import Budget, Rate


def test_threat_13_a_burst_is_allowed_and_then_one_at_a_time() -> None:
    clock = ManualClock()
    budget = Budget(Rate(burst=3, per_second=2), clock)
    assert [budget.spend("a") for _ in range(5)] == [True, True, True, False, False]
    clock.advance(499)
    assert not budget.spend("a")
    clock.advance(1)
    assert [budget.spend("a"), budget.spend("a")] == [True, False]


def test_an_idle_key_never_saves_more_than_its_burst() -> None:
    clock = ManualClock()
    budget = Budget(Rate(burst=2, per_second=100), clock)
    budget.spend("a")
    clock.advance(3_600_000)
    assert [budget.spend("a") for _ in range(3)] == [True, True, False]


def test_keys_have_budgets_of_their_own() -> None:
    budget = Budget(Rate(burst=1, per_second=1), ManualClock())
    assert budget.spend("a")
    assert budget.spend("b")
    assert not budget.spend("a")


def test_threat_13_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    budget = Budget(Rate(burst=1, per_second=0.001), ManualClock(), max_keys=10)
    for key in range(1_000):
        budget.spend(key)
    assert len(budget) == 10
    assert not budget.spend(999), "a recent key is remembered"
    assert budget.spend(0), "an old one starts afresh"


def test_a_clock_that_is_set_back_neither_fills_nor_locks_a_bucket() -> None:
    clock = ManualClock()
    budget = Budget(Rate(burst=2, per_second=1), clock)
    budget.spend("a")
    clock.advance(-3_600_000)
    assert budget.spend("a")
    assert not budget.spend("a")
    clock.advance(1_000)
    assert budget.spend("a")
