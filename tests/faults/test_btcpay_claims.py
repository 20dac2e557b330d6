"""kill -9 while a payout goes through BTCPay: filed once, and paid once or free again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from host.clock import SystemClock
from host.ledger import books, btcpay, cards, payouts
from host.ledger.records import PayoutStatus
from host.money import sats
from host.payer import Payer
from host.store.engine import Engine
from tests.faults.count import FUNDED
from tests.faults.runs import CARDS, DEADLINE_S, FORK, make_template
from tests.support.btcpay_shop import claims_at, linked, net_of, offer
from tests.support.wallet_servers.btcpay_claims import ClaimsServer

PRICE = sats(21)
POINTS: dict[str, tuple[Any, str, bool]] = {
    "before it is taken": (btcpay, "begin", True),
    "in the taking": (btcpay, "begin", False),
    "before filing is noted": (btcpay.Book, "filing", True),
    "between that note and filing": (btcpay.Book, "filing", False),
    "between filing and noting it": (btcpay.Book, "seen", True),
    "after it was noted": (btcpay.Book, "seen", False),
    "before it is settled or free": (payouts, "_move", True),
    "in that transaction": (payouts, "_move", False),
}
"""Where the host dies: at a function, before or after it."""

FILED = list(POINTS)[4:]
"""From these points on BTCPay has the claim."""
CASES = [
    *((point, "paid") for point in POINTS),
    *((point, script) for script in ("cancelled", "slow") for point in FILED),
]
"""What BTCPay does with a claim matters from where it has one."""


class SlowServer(ClaimsServer):
    """What was in flight has arrived at the next look."""

    def listen(self) -> None:
        for (account, name), sent in self.net.payments.items():
            if sent.state == "pending":
                self.net.resolve(account, name, paid=True)
        super().listen()


@dataclass
class Shop:
    """A host's folder, and the BTCPay that its account is filed at."""

    folder: Path
    server: ClaimsServer
    db: Engine
    payout_id: str

    def status(self) -> PayoutStatus:
        payout = payouts.get(self.db, self.payout_id)
        assert payout is not None
        return payout.status


def pay(folder: Path, url: str, point: str | None) -> None:
    """A host's payer, until it is killed."""
    if point is not None:
        place, name, before = POINTS[point]
        function = getattr(place, name)

        def deadly(*args: Any, **kwargs: Any) -> Any:
            if not before:
                function(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(place, name, deadly)
    clock = SystemClock()
    db = Engine.open(folder / "taptill.db", clock)
    claims = claims_at(url, db)
    # Whatever the killed process sent has arrived: it was sent on this machine.
    Payer(db, claims, clock, claims=claims, grace_ms=0, workers=2).start()
    threading.Event().wait()


def run(shop: Shop, point: str | None) -> Any:
    process = FORK.Process(target=pay, args=(shop.folder, shop.server.url, point))
    process.start()
    return process


def end(process: Any) -> None:
    process.join(DEADLINE_S)
    assert process.exitcode == -signal.SIGKILL
    process.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    make_template(tmp_path)
    clock = SystemClock()
    net = net_of(clock)
    with SlowServer(net, "pool") as server, Engine.open(tmp_path / "taptill.db", clock) as db:
        assert isinstance(server, SlowServer)
        card = cards.by_uid(db, CARDS[0])
        assert card is not None
        linked(db, card.pull_payment_id)
        payout = offer(db, net, card.card_id, 1, PRICE)
        yield Shop(tmp_path, server, db, payout.payout_id)
        assert not server.violations


@pytest.mark.parametrize(("point", "script"), CASES)
def test_threat_32_a_claim_at_btcpay_is_filed_once_wherever_the_host_is_killed(
    shop: Shop, point: str, script: str
) -> None:
    server = shop.server
    server.net.plan = {"paid": ["paid"], "cancelled": ["failed"], "slow": ["pending"]}[script]
    end(run(shop, point))

    process = run(shop, None)
    seen = 0
    while shop.status() not in (PayoutStatus.COMPLETED, PayoutStatus.FAILED):
        assert shop.db.events.wait(seen, 60_000), shop.status()
        seen = shop.db.events.last_id()
    os.kill(process.pid, signal.SIGKILL)
    end(process)

    filed = [one.state for one in server.shelf.payouts]
    paid = shop.status() is PayoutStatus.COMPLETED
    assert len(filed) == (1 if point in FILED or filed else 0)
    assert paid == (filed == ["Completed"])
    assert server.net.balances["shop"] == (PRICE if paid else 0)
    account = shop.db.read(lambda tx: tx.one("SELECT balance_msat, held_msat FROM pull_payments"))
    assert account is not None
    assert tuple(account) == (FUNDED - (PRICE if paid else 0), 0)
    assert books.check(shop.db).problems == []
