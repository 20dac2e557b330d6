"""What CPython lacks of MicroPython, so that every module runs on both.

Use: `try: import micropython` and, on ImportError, `from reader import compat as micropython`.
"""

import asyncio
import time


def native(function):
    """Stand-in for `micropython.native`: compiled to machine code on the chip, plain here."""
    return function


if hasattr(time, "ticks_ms"):
    ticks_ms = time.ticks_ms
    ticks_diff = time.ticks_diff
    sleep_ms = asyncio.sleep_ms
else:

    def ticks_ms() -> int:
        """Milliseconds of a monotonic clock."""
        return time.monotonic_ns() // 1_000_000

    def ticks_diff(late: int, early: int) -> int:
        """`late - early` in milliseconds."""
        return late - early

    async def sleep_ms(ms: int) -> None:
        """Let the other tasks run for at least `ms` milliseconds."""
        await asyncio.sleep(ms / 1000)


class Monotonic:
    """A millisecond count that never wraps (MicroPython's ticks do, after 12 days).

    Has to be read at least once in 6 days.
    """

    def __init__(self) -> None:
        self._last = ticks_ms()
        self._now = 0

    def now(self) -> int:
        """Milliseconds since this clock was made."""
        ticks = ticks_ms()
        self._now += ticks_diff(ticks, self._last)
        self._last = ticks
        return self._now
