"""The public service over HTTP: scan and callback beside an empty route, and whole taps."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from host import keyring
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.keyring import Issuer
from host.ledger import books
from host.lightning.embedded import EmbeddedWallet
from host.lightning.open import EMBEDDED_FILE
from host.money import sats
from host.store.engine import Engine
from tests.bench.http import Client
from tests.bench.report import Report, median, stopwatch, timed
from tests.bench.taps_client import Hand, Watch, many_taps
from tests.support.ledger import Filled, fill

SMALL = (2_000, 0)
LARGE = (10_000, 1_000_000)
ALONE, TOGETHER = 200, 2_000


def run(report: Report) -> None:
    """Print the service's figures with a small ledger and with a large one."""
    rates = {}
    for cards, payouts in (SMALL, LARGE):
        report.title(f"HTTP, with {cards:,} cards and {payouts:,} payouts in the ledger")
        with TemporaryDirectory() as folder:
            home = Path(folder)
            filled, issuer = _fill(home, cards, payouts, report)
            with serving(home) as urls:
                rates[payouts] = _measure(home, urls, Hand(filled, issuer), cards, report)
            _books(home, report)
    report.add("rate with the large ledger, of the small", rates[LARGE[1]] / rates[SMALL[1]], "×")


@contextmanager
def serving(home: Path) -> Iterator[dict[str, str]]:
    """The daemon and an empty application in a process of their own; their addresses."""
    command = [sys.executable, "-m", "tests.bench.taps_server", str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate(timeout=30)


def _fill(home: Path, cards: int, payouts: int, report: Report) -> tuple[Filled, Issuer]:
    ring = keyring.generate(demo=True)
    keyring.save(ring, home / keyring.FILE_NAME)
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    try:
        with stopwatch() as seconds:
            filled = fill(db, cards, payouts)
        report.add("filling the ledger", seconds(), "s")
        name = {"issuer": ring.newest.issuer_id}
        db.transaction(lambda tx: tx.run("UPDATE cards SET issuer_id = :issuer", name))
    finally:
        db.close()
    return filled, ring.newest


def _measure(home: Path, urls: dict[str, str], hand: Hand, cards: int, report: Report) -> float:
    """Each route alone, then whole taps; returns whole taps a second with eight clients."""
    with Client(urls["empty"]) as empty, Client(urls["lnurl"]) as client:
        nothing = timed(lambda: empty.get("/empty"), 1_000)
        numbers = count(1)
        scans = timed(lambda: client.get(f"/ln?{hand.tap(next(numbers))}"), 1_000)
    report.spread("empty route", nothing)
    report.spread("/ln scan", scans)
    ratio = median(scans) / median(nothing)
    report.add("/ln against the empty route", ratio, "×", most=2)
    pos = EmbeddedWallet(home / EMBEDDED_FILE, "foreign-pos", SystemClock())
    watch = Watch(home / DATABASE_NAME)
    try:
        made = [pos.make_invoice(sats(21), "bench", 3_600) for _ in range(ALONE + TOGETHER)]
        invoices = iter([(one.bolt11, one.payment_hash) for one in made])
        numbers = iter(range(1, cards + 1))

        def taps(times: int) -> Iterator[tuple[str, tuple[str, bytes]]]:
            return iter(
                [(hand.tap(next(numbers)), next(invoices)) for _ in range(min(times, cards))]
            )

        one, took = many_taps(urls["lnurl"], 1, taps(ALONE), watch)
        callbacks = [tap.callback for tap in one]
        report.spread("/ln/cb callback", callbacks)
        report.add("/ln/cb against the empty route", median(callbacks) / median(nothing), "×")
        report.spread("whole tap, 1 client, scan → Completed", [tap.whole for tap in one])
        report.add("whole taps a second, 1 client", len(one) / took, "taps/s")
        many, took = many_taps(urls["lnurl"], 8, taps(min(TOGETHER, cards - ALONE)), watch)
        report.spread("whole tap, 8 clients, scan → Completed", [tap.whole for tap in many])
        report.add("whole taps a second, 8 clients", len(many) / took, "taps/s", least=250)
    finally:
        watch.close()
        pos.close()
    return len(many) / took


def _books(home: Path, report: Report) -> None:
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    try:
        with stopwatch() as seconds:
            found = books.check(db)
    finally:
        db.close()
    report.add("books clean (1 is yes)", float(found.ok), "", note=f"{seconds():.1f} s", least=1)
