"""Time per card on a twin in this process: what our side of a card's making costs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from host.ntag424.values import Uid
from provisioning.orders import Goal
from provisioning.seen import Depth
from tests.bench.report import Report, timed
from tests.provisioning.shop import Shop, with_uid

CARDS = 100


def run(report: Report) -> None:
    """Print the time of one card for each use and depth, journal and ledger on disk included."""
    report.title("Provisioning, per card")
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop.open(Path(folder))
        try:
            for depth in Depth:
                _life(report, shop, depth)
        finally:
            shop.db.close()


def _life(report: Report, shop: Shop, depth: Depth) -> None:
    first = list(Depth).index(depth) * CARDS
    stack = [with_uid(Uid(b"\x04" + n.to_bytes(6, "big"))) for n in range(first, first + CARDS)]
    for goal in (Goal.ISSUE, Goal.REKEY, Goal.WIPE):
        cards = iter(stack)
        times = timed(lambda g=goal, c=cards: shop.done(next(c), g, depth=depth), CARDS)  # type: ignore[misc]
        report.spread(f"{goal}, {depth} ({shop.outcomes[-1].apdus} APDUs)", times)  # type: ignore[union-attr]
