"""Time as everything here sees it: UTC epoch milliseconds from an injected clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> int:
        """UTC epoch milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that moves only when told to; for tests and for simulations."""

    def __init__(self, start: int = 1_700_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, ms: int) -> None:
        """Move by `ms` milliseconds (a negative number sets the clock back)."""
        self._now += ms


class Steps:
    """Watches a clock for steps back: what was put off until a time then waits too long for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = clock.now()

    def back(self) -> bool:
        """Whether the clock was set back since this was asked before."""
        before, self._seen = self._seen, self._clock.now()
        return self._seen < before


SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ANY_TIME = 1 << 62
"""After every time that a clock shows."""
