"""Claims at our own till, beside the rate at which the same disk commits one row."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from host.clock import SystemClock
from host.ledger import claims, sales, stores
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Sale
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.sqlite import connect, use_journal, wal_is_safe
from host.store.tx import Tx
from tests.bench.report import Report, median, stopwatch
from tests.support.ledger import STORE, Filled, fill

AMOUNT = 1_000
BLOCK = 250
ROUNDS = 8
THREADS = 8
CARDS, PAYOUTS = 10_000, int(os.environ.get("TAPTILL_BENCH_PAYOUTS", "1000000"))

_till_number = count(1)


def run(report: Report) -> None:
    """Print both rates in turns, in a small ledger and in one with a million payouts."""
    report.title("Claims at our own till, one transaction each, synchronous=FULL")
    for cards, payouts in ((1_000, 1_000), (CARDS, PAYOUTS)):
        with TemporaryDirectory(dir=os.environ.get("TAPTILL_BENCH_DIR")) as folder:
            _measure(report, Path(folder), cards, payouts)


def _measure(report: Report, folder: Path, cards: int, payouts: int) -> None:
    size = f"{cards:,} cards, {payouts:,} payouts"
    with Engine.open(folder / "ledger.db", SystemClock()) as db, _Plain(folder) as plain:
        with stopwatch() as seconds:
            filled = fill(db, cards, payouts)
        report.add(f"filling: {size}", seconds(), "s", most=60.0)
        requests = _requests(db, filled)
        _claims(db, requests, BLOCK)
        rows, singles, crowds = [], [], []
        for _ in range(ROUNDS):
            rows.append(_rate(plain.commit, BLOCK))
            singles.append(_claims(db, requests, BLOCK))
            crowds.append(_crowd(db, requests))
    base, single, crowd = median(rows), median(singles), median(crowds)
    report.add("one-row commits", base, "/s", note=size)
    report.add(
        "claims, one thread",
        single,
        "/s",
        note=f"{single / base:.0%} of one-row commits",
        least=base / 2,
    )
    report.add(
        f"claims, {THREADS} threads",
        crowd,
        "/s",
        note=f"{crowd / base:.0%} of one-row commits",
        least=base / 2,
    )


class _Plain:
    """A table with one row more a commit, under the engine's very settings."""

    def __init__(self, folder: Path) -> None:
        self._conn: sqlite3.Connection = connect(folder / "plain.db", "rwc")
        use_journal(self._conn, safe=wal_is_safe())
        self._conn.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")

    def commit(self) -> None:
        self._conn.execute("BEGIN IMMEDIATE")
        self._conn.execute("INSERT INTO rows (text) VALUES (:text)", {"text": "one row"})
        self._conn.execute("COMMIT")

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()


def _rate(fn: Callable[[], object], times: int) -> float:
    with stopwatch() as seconds:
        for _ in range(times):
            fn()
    return times / seconds()


def _requests(db: Engine, filled: Filled) -> Iterator[ClaimRequest]:
    """Taps of every card in turn, each with a sale armed for it; armed in bulk, not measured."""
    for round_number in count(1):
        for first in range(1, filled.cards + 1, BLOCK):
            numbers = range(first, min(first + BLOCK, filled.cards + 1))
            armed = _arm_many(db, len(numbers))
            for number, sale in zip(numbers, armed, strict=True):
                yield ClaimRequest(
                    filled.tap(number, round_number),
                    AMOUNT,
                    Source.TILL,
                    sale_id=sale.sale_id,
                    terminal_id=sale.terminal_id,
                )


def _arm_many(db: Engine, number: int) -> list[Sale]:
    return db.transaction(lambda tx: [_arm(tx) for _ in range(number)])


def _arm(tx: Tx) -> Sale:
    terminal = stores.ensure_terminal(tx, f"bench-{next(_till_number)}", STORE)
    sale = sales.open(tx, STORE, AMOUNT, terminal_id=terminal.terminal_id, timeout_ms=3_600_000)
    assert isinstance(sale, Sale)
    return sale


def _claim(db: Engine, request: ClaimRequest) -> None:
    assert isinstance(claims.claim(db, request), Claimed)


def _claims(db: Engine, requests: Iterator[ClaimRequest], times: int) -> float:
    ready = iter([next(requests) for _ in range(times)])
    return _rate(lambda: _claim(db, next(ready)), times)


def _crowd(db: Engine, requests: Iterator[ClaimRequest]) -> float:
    """The same claims by several threads, which share commits."""
    ready = [next(requests) for _ in range(2 * BLOCK)]

    def work(mine: list[ClaimRequest]) -> None:
        for request in mine:
            _claim(db, request)

    threads = [threading.Thread(target=work, args=(ready[n::THREADS],)) for n in range(THREADS)]
    with stopwatch() as seconds:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(ready) / seconds()
