"""The manager's pages in growing ledgers: `python -m tests.bench.bench_dashboard [payouts …]`.

The application is called in this process, without network and browser. A page's time is that of
its thread, so what else the machine does does not count; the wall clock's stands beside it. Small
and large ledger are asked in turns.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, SystemClock
from host.health import Board
from host.ledger import books, people, views_payouts
from host.ledger.permissions import Role
from host.ledger.views_payouts import PayoutList
from host.store.engine import Engine
from host.till import Terminal
from tests.bench.report import Report, median, stopwatch
from tests.support.ledger import STORE, TERMINAL, Filled, fill

SMALL = 10_000
SIZES = (1_000_000,)
CARDS = 200
TIMES = 25
PAGE_MS, RATIO = 50.0, 1.5
EXPORT_ROWS, EXPORT_MB = 50_000, 50.0


@dataclass
class Bench:
    """A ledger with a dashboard over it, and a manager in a browser."""

    db: Engine
    clock: ManualClock
    client: FlaskClient
    filled: Filled

    def get(self, path: str) -> bytes:
        """A page as the manager gets it; a little later each time, so that no budget is used up."""
        self.clock.advance(SECOND)
        answer = self.client.get(path, headers={"Accept": "text/html"})
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        return bytes(answer.data)

    def days_ago(self, days: int) -> str:
        """A day as a filter has it."""
        at = (self.clock.now() - days * DAY) / 1000
        return datetime.fromtimestamp(at, UTC).date().isoformat()


def run(report: Report, sizes: tuple[int, ...] = SIZES) -> None:
    """Measure each size in turns with the small ledger."""
    with _bench(report, SMALL) as small:
        for size in sizes:
            with _bench(report, size) as large:
                _compare(report, small, large)
                _export(report, large)
                _prove(report, large)


@contextmanager
def _bench(report: Report, payouts: int) -> Iterator[Bench]:
    report.title(f"{payouts:,} payouts of {CARDS} cards in a year")
    with TemporaryDirectory(dir=os.environ.get("TAPTILL_BENCH_DIR")) as folder:
        clock = ManualClock(SystemClock().now())
        with Engine.open(Path(folder) / "ledger.db", clock) as db:
            with stopwatch() as seconds:
                filled = fill(db, CARDS, payouts)
            report.add("filling the ledger", seconds(), "s")
            yield Bench(db, clock, _client(db, clock), filled)


def _compare(report: Report, small: Bench, large: Bench) -> None:
    """Each page of both ledgers in turns: its time in the large one, and the ratio."""
    report.title(f"Pages with {large.filled.payouts:,} payouts, beside {SMALL:,}")
    ratios = []
    for (name, little), (_, call) in zip(_pages(small), _pages(large), strict=True):
        little(), call()
        pairs = [(_spent(little), _spent(call)) for _ in range(TIMES)]
        base = median([one.thread for one, _ in pairs])
        took = median([other.thread for _, other in pairs])
        wall = median([other.wall for _, other in pairs])
        ratios.append((name, took / base))
        note = f"wall clock {wall * 1e3:.1f} ms; {took / base:.2f} × of {base * 1e3:.1f} ms"
        report.add(name, took * 1e3, "ms", note=note, most=PAGE_MS)
    name, worst = max(ratios, key=lambda one: one[1])
    report.add("the most that any page grew", worst, "×", note=name, most=RATIO)


class Spent(NamedTuple):
    """Seconds of one call."""

    thread: float
    wall: float


def _spent(call: Callable[[], object]) -> Spent:
    wall, thread = time.perf_counter(), time.thread_time()
    call()
    return Spent(time.thread_time() - thread, time.perf_counter() - wall)


def _client(db: Engine, clock: ManualClock) -> FlaskClient:
    board = Board(db, clock)
    board.beat()
    app = create_app(DashboardContext(db, clock, board, Terminal(TERMINAL, STORE), b"s" * 32))
    person = people.create(db, "manager", Role.MANAGER)
    client = app.test_client()
    token = people.redeem(db, people.one_time_link(db, person.person_id))
    client.set_cookie(COOKIE, token or "")
    return client


def _pages(bench: Bench) -> list[tuple[str, Callable[[], object]]]:
    deep, year = _deep(bench), f"startDate={bench.days_ago(364)}"
    old = f"startDate={bench.days_ago(330)}&endDate={bench.days_ago(300)}"
    card = bench.filled.card_id(7)

    def fresh() -> object:
        bench.clock.advance(MINUTE)  # the kept figures are too old now
        return bench.get("/overview")

    return [
        ("overview, figures read", fresh),
        ("overview, figures kept", lambda: bench.get("/overview")),
        ("payouts, first page", lambda: bench.get("/payouts")),
        ("payouts, a deep page of a year", lambda: bench.get(f"/payouts?{year}&before={deep}")),
        ("filter: a month long ago", lambda: bench.get(f"/payouts?{old}")),
        ("filter: completed", lambda: bench.get(f"/payouts?{year}&status=Completed")),
        ("filter: failed", lambda: bench.get(f"/payouts?{year}&status=Failed")),
        ("filter: one card", lambda: bench.get(f"/payouts?{year}&boltcardId={card}")),
        ("filter: eleven cards by name", lambda: bench.get(f"/payouts?{year}&boltcardId=Card 11")),
        ("one payout", lambda: bench.get(f"/payouts/{deep}")),
        ("sales, first page", lambda: bench.get("/sales")),
        ("sales, a deep page of a year", lambda: bench.get(f"/sales?{year}&before={deep}")),
        ("sales: by cards of other issuers", lambda: bench.get(f"/sales?{year}&method=foreign")),
        ("cards", lambda: bench.get("/cards")),
        ("card page", lambda: bench.get(f"/cards/{card}")),
        ("API: stats", lambda: bench.get("/api/stats")),
        ("API: payouts", lambda: bench.get("/api/payouts")),
    ]


def _deep(bench: Bench) -> str:
    """The id of a payout nine tenths of the way down the list."""
    which = PayoutList(STORE, bench.days_ago(365), bench.days_ago(328))
    return views_payouts.page(bench.db, which, limit=1)[0].payout_id


def _export(report: Report, bench: Bench) -> None:
    """Take every payout along as CSV, a chunk at a time as a browser does."""
    process = psutil.Process()
    path = f"/payouts/export.csv?startDate={bench.days_ago(366)}"
    bench.clock.advance(HOUR)
    before = most = process.memory_info().rss
    lines = size = 0
    thread = time.thread_time()
    with stopwatch() as seconds:
        answer = bench.client.get(path)
        for chunk in answer.iter_encoded():
            lines += chunk.count(b"\r\n")
            size += len(chunk)
            most = max(most, process.memory_info().rss)
        wall = seconds()
    rate, grown = (lines - 1) / (time.thread_time() - thread), (most - before) / 2**20
    note = f"{lines - 1:,} rows, {size / 2**20:,.0f} MB in {wall:.1f} s of the wall clock"
    report.add("export as CSV", rate, "rows/s", note=note, least=EXPORT_ROWS)
    report.add("  … memory it needed", grown, "MB", most=EXPORT_MB)


def _prove(report: Report, bench: Bench) -> None:
    """`taptill books`: everything is computed again, in memory that does not grow with payouts."""
    process = psutil.Process()
    before = process.memory_info().rss
    thread = time.thread_time()
    with stopwatch() as seconds:
        found = books.check(bench.db)
        wall = seconds()
    if not found.ok:
        raise SystemExit("\n".join(found.problems))
    grown = (process.memory_info().rss - before) / 2**20
    report.add("books are clean", time.thread_time() - thread, "s", note=f"wall clock {wall:.0f} s")
    report.add("  … memory it needed", grown, "MB")


def main(arguments: list[str]) -> None:
    """Measure 10 thousand payouts, then the sizes that are asked for."""
    report = Report()
    run(report, tuple(int(one.replace("_", "")) for one in arguments) or SIZES)
    missed = [line.name.strip() for line in report.lines if line.met is False]
    print(f"\n{len(report.lines)} figures, {len(missed)} goals missed")


if __name__ == "__main__":
    main(sys.argv[1:])
