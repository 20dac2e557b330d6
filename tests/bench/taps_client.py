"""The client side of the HTTP benchmarks: cards in hand, invoices ready, and a watch on payouts."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.keyring import Issuer
from host.ntag424 import keys, sun
from tests.bench.http import Client
from tests.support.ledger import Filled

LOOK_S = 0.0005
_SINCE = """
    SELECT e.event_id, p.payment_hash FROM events e JOIN payouts p ON p.payout_id = e.subject
    WHERE e.event_id > ? AND e.kind = 'payout.completed' ORDER BY e.event_id
"""


@dataclass(frozen=True, slots=True)
class Tapped:
    """How long the parts of one whole tap took, in seconds."""

    scan: float
    callback: float
    whole: float


class Hand:
    """Cards of a filled ledger that tap as real ones do, each tap later than the last."""

    def __init__(self, filled: Filled, issuer: Issuer) -> None:
        self._filled = filled
        self._issuer = issuer
        self._k1 = keys.k1(issuer.key)
        self._later: dict[int, int] = {}

    def tap(self, number: int) -> str:
        """The query of the next tap of a card."""
        later = self._later[number] = self._later.get(number, 0) + 1
        tap = self._filled.tap(number, later)
        k2 = keys.k2(self._issuer.key, tap.uid, tap.key_version)
        message = sun.build(self._k1, k2, tap.uid, tap.counter)
        return f"p={message.p.hex().upper()}&c={message.c.hex().upper()}"


class Watch:
    """Tells by payment hash when a payout is Completed, from the ledger's own outbox."""

    def __init__(self, database: Path) -> None:
        self._db = sqlite3.connect(
            f"{database.as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        (self._seen,) = self._db.execute("SELECT coalesce(max(event_id), 0) FROM events").fetchone()
        self._waiting: dict[bytes, threading.Event] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def expect(self, payment_hash: bytes) -> threading.Event:
        """An event that is set once this payout is Completed."""
        return self._waiting.setdefault(payment_hash, threading.Event())

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._db.close()

    def _look(self) -> None:
        version = None
        while not self._stop.wait(LOOK_S):
            (now,) = self._db.execute("PRAGMA data_version").fetchone()
            if now == version:
                continue
            version = now
            for event_id, payment_hash in self._db.execute(_SINCE, (self._seen,)).fetchall():
                self._seen = event_id
                self.expect(payment_hash).set()


def whole_tap(client: Client, query: str, invoice: tuple[str, bytes], watch: Watch) -> Tapped:
    """Scan, claim with an invoice, and wait until the payout is Completed."""
    bolt11, payment_hash = invoice
    done = watch.expect(payment_hash)
    start = time.perf_counter()
    offer = _good(client.get(f"/ln?{query}"))
    scanned = time.perf_counter()
    _good(client.get(f"/ln/cb?k1={offer['k1']}&pr={bolt11}"))
    called = time.perf_counter()
    if not done.wait(30):
        raise TimeoutError("the payout did not complete")
    return Tapped(scanned - start, called - scanned, time.perf_counter() - start)


def _good(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("status") == "ERROR":
        raise RuntimeError(f"refused: {answer}")
    return answer


def many_taps(
    url: str,
    clients: int,
    taps: Iterator[tuple[str, tuple[str, bytes]]],
    watch: Watch,
) -> tuple[list[Tapped], float]:
    """Whole taps from several clients at once: each tap's times, and the seconds of all."""
    lock, found, broken = threading.Lock(), [], []

    def work() -> None:
        try:
            with Client(url) as client:
                while True:
                    with lock:
                        one = next(taps, None)
                    if one is None:
                        return
                    found.append(whole_tap(client, *one, watch))
        except Exception as error:  # noqa: BLE001 - raised again below
            broken.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return found, time.perf_counter() - start
