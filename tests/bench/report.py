"""How a measurement is taken and printed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One measured figure and what it was hoped to be."""

    name: str
    value: float
    unit: str
    note: str = ""
    goal: str = ""
    met: bool | None = None

    def text(self) -> str:
        mark = {None: "  ", True: "✓ ", False: "✗ "}[self.met]
        goal = f"   goal {self.goal}" if self.goal else ""
        note = f"   ({self.note})" if self.note else ""
        return f"{mark}{self.name:58} {self.value:>10,.2f} {self.unit:9}{goal}{note}"


class Report:
    """Prints each figure as it is known, and remembers all of them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def title(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        note: str = "",
        most: float | None = None,
        least: float | None = None,
    ) -> None:
        """Add a figure; `most` or `least` is its goal."""
        goal, met = "", None
        if most is not None:
            goal, met = f"≤ {most:g} {unit}", value <= most
        if least is not None:
            goal, met = f"≥ {least:g} {unit}", value >= least
        line = Line(name, value, unit, note, goal, met)
        self.lines.append(line)
        print(line.text(), flush=True)

    def spread(self, name: str, seconds: Sequence[float], *, most_ms: float | None = None) -> None:
        """Add the median of many times, with p99 as its note (milliseconds)."""
        self.add(
            name,
            median(seconds) * 1e3,
            "ms",
            note=f"p99 {quantile(seconds, 0.99) * 1e3:.2f} ms, n={len(seconds)}",
            most=most_ms,
        )

    def as_json(self) -> str:
        return json.dumps([asdict(line) for line in self.lines], indent=1)


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least `q` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def timed(fn: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of `times` calls."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        fn()
        taken.append(time.perf_counter() - start)
    return taken


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Seconds since the block began."""
    start = time.perf_counter()
    yield lambda: time.perf_counter() - start
