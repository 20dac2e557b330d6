"""Time is UTC milliseconds, and in tests it moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime

from host.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, Steps, SystemClock


def test_the_machines_clock_is_utc_milliseconds() -> None:
    before = int(datetime.now(UTC).timestamp() * 1_000)
    now = SystemClock().now()
    after = int(datetime.now(UTC).timestamp() * 1_000)
    assert before - 1 <= now <= after + 1


def test_a_manual_clock_stands_until_it_is_moved_also_back() -> None:
    clock = ManualClock(1_000)
    assert clock.now() == clock.now() == 1_000
    clock.advance(MINUTE)
    assert clock.now() == 61_000
    clock.advance(-2 * MINUTE)
    assert clock.now() == -59_000


def test_a_step_back_is_told_once() -> None:
    clock = ManualClock()
    steps = Steps(clock)
    assert not steps.back()
    clock.advance(MINUTE)
    assert not steps.back()
    clock.advance(-1)
    assert steps.back()
    assert not steps.back()


def test_units() -> None:
    assert (SECOND, MINUTE, HOUR, DAY) == (1_000, 60_000, 3_600_000, 86_400_000)
