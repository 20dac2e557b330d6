"""One sale charged by one tap, from an empty folder to a payout: the shortest proof of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hardware.demo.readers import DemoReader
from hardware.demo.stage import CARDS, DemoFailed, Say, stage
from host.charge import describe, result_of
from host.daemon import Daemon
from host.ledger import sales
from host.ledger.codes import Refused
from host.ledger.records import Sale, SaleState
from host.money import sats
from host.report import card_objects
from host.till import Terminal, arm

AMOUNT_MSAT = sats(2_100)
READY_MS = 20_000
PAID_MS = 10_000


@contextmanager
def home_folder(home: Path | None) -> Iterator[Path]:
    """The given folder, or a throwaway one."""
    if home is not None:
        yield home
        return
    with TemporaryDirectory(prefix="taptill-demo-") as folder:
        yield Path(folder)


def once(home: Path | None, kind: str, say: Say) -> dict[str, Any]:
    """Set up, charge one sale by one tap, and return `sale`, `payout` and `usage` as JSON."""
    with (
        home_folder(home) as folder,
        stage(folder, kind, say, live=False, only=1) as (daemon, reader),
    ):
        sale = _arm(daemon)
        say("armed: 2 100 sat; laying the card on the reader")
        _tap(daemon, reader, sale)
        result = result_of(daemon.db, sale.sale_id)
        if not result.approved:
            raise DemoFailed(f"the sale was not approved: {result.words}")
        say(result.words)
        told = describe(result)
        usage = (
            card
            for card in card_objects(daemon.db, sale.store_id)
            if card["boltcardId"] == told["payout"]["boltcardId"]
        )
        return {"sale": told["sale"], "payout": told["payout"], "usage": next(usage)}


def _arm(daemon: Daemon) -> Sale:
    reader = daemon.config.readers[0]
    terminal = Terminal(reader.terminal, reader.store)
    until = daemon.clock.now() + READY_MS
    while True:
        sale = arm(daemon.db, daemon.board, terminal, AMOUNT_MSAT)
        if not isinstance(sale, Refused):
            return sale
        if daemon.clock.now() > until:
            raise DemoFailed(f"not ready: {sale.code.words.says} ({sale.detail})")
        daemon.board.wait_change(500)


def _tap(daemon: Daemon, reader: DemoReader, sale: Sale) -> None:
    reader.lay(CARDS[0].name)
    until = daemon.clock.now() + PAID_MS
    while daemon.clock.now() < until:
        seen = daemon.db.events.last_id()
        now = sales.get(daemon.db, sale.sale_id)
        if now is not None and now.state is not SaleState.READY:
            break
        daemon.db.events.wait(seen, 500)
    reader.lift()
