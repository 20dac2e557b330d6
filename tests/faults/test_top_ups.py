"""kill -9 while a card is filled: what was paid is credited once, and nothing else is."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from host.bolt11 import Network
from host.clock import SystemClock
from host.ledger import books, cards, topups
from host.lightning.embedded import EmbeddedWallet
from host.lightning.wallet import Paid
from host.lnurl import pay, paytoken
from host.lnurl.pay import PaySettings
from host.lnurl.paytoken import LinkKind
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.store.engine import Engine
from host.topups import TopUps
from tests.faults.count import FUNDED
from tests.faults.runs import DEADLINE_S, FORK, ask, make_template
from tests.support.world import ISSUER, SECRET

AMOUNT = sats(250)
POINTS: dict[str, tuple[str, bool]] = {
    "before the invoice is noted": ("offer", True),
    "after the invoice was noted": ("offer", False),
    "before the credit": ("settle", True),
    "inside the credit": ("_tell", True),
    "after the credit": ("settle", False),
}
"""Where the host dies: at a function of the ledger's top-ups, before or after it."""


def fill(folder: Path, point: str | None, ready: Connection) -> None:
    """A host that fills cards, until it is killed."""
    if point is not None:
        name, before = POINTS[point]
        function = getattr(topups, name)

        def deadly(*args: Any, **kwargs: Any) -> Any:
            result = None if before else function(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(topups, name, deadly)
    clock = SystemClock()
    db = Engine.open(folder / "taptill.db", clock)
    wallet = EmbeddedWallet(folder / "wallet.db", "pool", clock)
    service = ServiceSettings("https://pay.example")
    app = create_app(db, [ISSUER], Network.REGTEST, service, clock, SECRET)
    pay.install(app, db, wallet, PaySettings("https://pay.example"), clock, SECRET)
    from host.web import WebServer

    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    ready.send(server.port)
    TopUps(db, wallet, clock).run(threading.Event())


def start(folder: Path, point: str | None) -> tuple[Any, int]:
    ready, tell = FORK.Pipe(duplex=False)
    process = FORK.Process(target=fill, args=(folder, point, tell))
    process.start()
    tell.close()
    assert ready.poll(DEADLINE_S)
    port = ready.recv()
    ready.close()
    return process, port


def end(process: Any, *, kill: bool) -> None:
    if kill:
        os.kill(process.pid, signal.SIGKILL)
    process.join(DEADLINE_S)
    assert process.exitcode == -signal.SIGKILL
    process.close()


@pytest.mark.parametrize("point", POINTS)
def test_threat_32_a_card_is_filled_once_wherever_the_host_is_killed(
    tmp_path: Path, point: str
) -> None:
    make_template(tmp_path)
    clock = SystemClock()
    payer = EmbeddedWallet(tmp_path / "wallet.db", "stranger", clock)
    payer.fund(AMOUNT)
    with Engine.open(tmp_path / "taptill.db", clock) as db:
        card_id = cards.every(db)[0].card_id
        path = f"/lnp/{paytoken.mint(SECRET, card_id, LinkKind.HOLDER)}/cb"
        process, port = start(tmp_path, point)
        pr = ask(port, f"{path}?{urlencode({'amount': AMOUNT})}").get("pr")
        if pr is not None:
            assert isinstance(payer.pay(pr, 0), Paid)
        end(process, kill=False)

        process, _ = start(tmp_path, None)
        seen, expected = 0, FUNDED + (AMOUNT if pr else 0)
        while balance(db) != expected:
            assert db.events.wait(seen, 30_000), "what was paid was not credited"
            seen = db.events.last_id()
        end(process, kill=True)
        assert balance(db) == expected
        assert books.check(db).problems == []
    payer.close()


def balance(db: Engine) -> int:
    row = db.read(lambda tx: tx.one("SELECT balance_msat FROM pull_payments"))
    assert row is not None
    return int(row[0])
