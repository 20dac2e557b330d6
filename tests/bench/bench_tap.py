"""A tap on the twin through the real pcscd: from the card being seen to the sale approved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hardware.demo.readers import DemoReader
from hardware.demo.stage import CARDS, stage
from host.daemon import Daemon
from host.ledger import sales
from host.ledger.claims import Claimed
from host.ledger.records import SaleState
from host.money import sats
from host.readers.base import CardLink
from host.till import Outcome, Terminal, Till, arm
from tests.bench.report import Report

TAPS = 60


class Watch:
    """Looks over the till's shoulder: how long each presentation took, and how many APDUs."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.apdus: list[int] = []

    def bound(self) -> Callable[[Till, CardLink], Outcome | None]:
        """A function that takes the place of `Till.presented`."""

        def presented(till: Till, link: CardLink) -> Outcome | None:
            return self.presented(till, link)

        return presented

    def presented(self, till: Till, link: CardLink) -> Outcome | None:
        count = 0
        exchange = link.transceive

        def counted(apdu: bytes) -> bytes:
            nonlocal count
            count += 1
            return exchange(apdu)

        link.transceive = counted  # type: ignore[method-assign]
        outcome = _presented(till, link)
        if isinstance(outcome, Claimed):
            self.seconds.append((time.monotonic_ns() - link.seen_ns) / 1e9)
            self.apdus.append(count)
        return outcome


_presented = Till.presented


@contextmanager
def watched() -> Iterator[Watch]:
    """Every till of this process is watched while the block lasts."""
    watch = Watch()
    Till.presented = watch.bound()  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        Till.presented = _presented  # type: ignore[method-assign]


def run(report: Report) -> None:
    """Print the time from seen to approved for each driver that runs here."""
    report.title("A tap on the twin, from the card being seen to the sale approved")
    for kind, goal in (("pcsc", 10.0), ("nfc", None)):
        with TemporaryDirectory() as home, watched() as watch:
            with stage(Path(home), kind, lambda _: None, live=False, only=1) as (daemon, reader):
                for _ in range(TAPS):
                    one_tap(daemon, reader)
            report.spread(f"{kind}: seen → approved", watch.seconds, most_ms=goal)
            report.add(f"{kind}: APDUs a tap", max(watch.apdus), "APDUs", most=2)


def one_tap(daemon: Daemon, reader: DemoReader) -> None:
    """Arm a sale, lay the card down until it is approved, lift it."""
    at = daemon.config.readers[0]
    armed = arm(daemon.db, daemon.board, Terminal(at.terminal, at.store), sats(10))
    while not hasattr(armed, "sale_id"):  # the dots turn green after the start
        daemon.board.wait_change(200)
        armed = arm(daemon.db, daemon.board, Terminal(at.terminal, at.store), sats(10))
    reader.lay(CARDS[0].name)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = daemon.db.events.last_id()
        now = sales.get(daemon.db, armed.sale_id)
        if now is not None and now.state is SaleState.APPROVED:
            break
        daemon.db.events.wait(seen, 200)
    else:
        raise RuntimeError("the tap was not approved")
    reader.lift()
    if not daemon.posts[0].wait_free(5):
        raise RuntimeError("the card did not leave")
