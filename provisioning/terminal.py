"""What a technician sees on the command line: a bar and words while it runs, one line a card."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, TextIO

from provisioning.desk import Result
from provisioning.orders import Done, Goal, Progress
from provisioning.trouble import Trouble

_BAR = 20
_DONE_WORDS: Final = {
    Goal.ISSUE: "issued",
    Goal.REKEY: "has new keys",
    Goal.WIPE: "wiped, as delivered",
    Goal.REPAIR: "repaired",
}


def bar(progress: Progress) -> str:
    """`[########------------] changing key 3`."""
    filled = _BAR * progress.done // progress.total if progress.total else 0
    return f"[{'#' * filled}{'-' * (_BAR - filled)}] {progress.words}"


def words(outcome: Done | Trouble) -> str:
    """One card's outcome in one line."""
    if isinstance(outcome, Trouble):
        began = " (it was begun and can be finished)" if outcome.wrote else ""
        return f"{outcome.words}{began} [{outcome.code}]"
    if outcome.already and outcome.goal is not Goal.ISSUE:
        said = "nothing to do"
    elif outcome.already:
        said = "was issued already and is fine"
    else:
        said = _DONE_WORDS[outcome.goal]
        if outcome.resumed:
            said = f"{said}, finishing an earlier tap"
    name = f"“{outcome.alias}” " if outcome.alias else ""
    origin = f"; {outcome.originality}" if outcome.originality else ""
    return f"{name}{said}{origin}"


def line(result: Result, total: int) -> str:
    """`ok  3/20 04968c… “Guest-003” issued`: the word says it, the sign and colour repeat it."""
    sign = "ok " if result.done else "NO " if result.final else "...".ljust(3)
    uid = result.outcome.uid or "-" * 14
    return f"{sign} {result.number:>3}/{total} {uid}  {words(result.outcome)}  ({result.ms} ms)"


def summary(results: Sequence[Result]) -> str:
    """`17 done, 3 not done`."""
    done = sum(one.done for one in results)
    aside = sum(one.final and not one.done for one in results)
    again = sum(not one.final for one in results)
    tail = f", {again} taps to be repeated" if again else ""
    return f"{done} done, {aside} not done{tail}"


class Screen:
    """Progress on a terminal that can redraw a line; elsewhere only what is final."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        self._total = total
        self._out = out or sys.stdout
        self._live = self._out.isatty()

    def waiting(self, number: int) -> None:
        self._redraw(f"Lay down card {number} of {self._total} …")

    def progress(self, progress: Progress) -> None:
        self._redraw(bar(progress))

    def result(self, result: Result) -> None:
        self._redraw("")
        self._out.write(line(result, self._total) + "\n")
        self._out.flush()

    def _redraw(self, text: str) -> None:
        if self._live:
            self._out.write(f"\r\x1b[K{text}")
            self._out.flush()
