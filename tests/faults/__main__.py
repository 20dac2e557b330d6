"""`make faults`: the whole matrix, its table, and a last line to be read by people and programs."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.runs import SCRIPTS, Case, Outcome, make_template, play
from tests.faults.victim import POINTS

ROUNDS = ((1, 1), (3, 1), (3, 2), (3, 3))
"""How many cards pay side by side, and at which passing of its point the host dies."""
AT_ONCE = 3


def matrix() -> list[Case]:
    """Every point with every script, in every round; card and store pay the fee in turn."""
    cases = [
        (point, script, cards, nth)
        for cards, nth in ROUNDS
        for point in POINTS
        for script in SCRIPTS
    ]
    return [Case(*one, store_pays=bool(number % 2)) for number, one in enumerate(cases)]


def run(cases: Sequence[Case], folder: Path) -> list[Outcome]:
    """Play all cases, a few side by side."""
    template = folder / "template"
    template.mkdir()
    make_template(template)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        jobs = [
            threads.submit(play, case, template, folder / f"run-{number}")
            for number, case in enumerate(cases)
        ]
        return [job.result() for job in jobs]


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Runs by point and script: how many were played, and how many died at the point."""
    cells: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        cells[one.case.point, one.case.script].append(one)
    lines = ["killed".ljust(15) + "".join(script.rjust(21) for script in SCRIPTS)]
    for point in POINTS:
        cell = "".join(_cell(cells[point, script]).rjust(21) for script in SCRIPTS)
        lines.append(point.ljust(15) + cell)
    return lines


def _cell(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "-"
    wrong = sum(bool(one.counted.twice or one.counted.lost) for one in outcomes)
    if wrong:
        return f"{wrong} OF {len(outcomes)} WRONG"
    return f"{len(outcomes)} good ({sum(one.died for one in outcomes)} hit)"


def last_line(outcomes: Sequence[Outcome]) -> str:
    twice = sum(bool(one.counted.twice) for one in outcomes)
    lost = sum(bool(one.counted.lost) for one in outcomes)
    return f"{len(outcomes)} runs, {twice} paid twice, {lost} lost"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="play every n-th run only")
    cases = matrix()[:: parser.parse_args().every]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="taptill-faults-") as folder:
        outcomes = run(cases, Path(folder))
    for line in table(outcomes):
        print(line)
    for one in outcomes:
        for words in (*one.counted.twice, *one.counted.lost):
            print(f"{one.case}: {words}")
    print(f"books clean after every restart; {time.monotonic() - started:.0f} s")
    print(last_line(outcomes))
    return any(one.counted.twice or one.counted.lost for one in outcomes)


if __name__ == "__main__":
    sys.exit(main())
