"""`kill -9` of the daemon in the middle of another issuer's card: what was paid is approved."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from host.clock import SystemClock
from host.ledger import incoming, sales
from host.ledger.codes import Code
from host.ledger.records import SaleState
from host.lightning.embedded import EmbeddedWallet
from host.money import sats
from tests.host.lnurl.issuers import Issuer, running_issuer
from tests.support.foreign_child import config
from tests.support.running import DEADLINE_S, running, wait_sale
from tests.support.scripted_http import Pieces

ROOT = Path(__file__).parents[2]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[EmbeddedWallet]:
    wallet = EmbeddedWallet(tmp_path / "net.db", "bank", SystemClock())
    wallet.fund(sats(1_000))
    yield wallet
    wallet.close()


@pytest.mark.parametrize(
    ("path", "pays", "state"),
    [
        ("/ln", False, SaleState.DECLINED),  # nothing was handed over: nobody can pay
        ("/cb", False, SaleState.CHECKING),  # it may be paid: locked
        ("/cb", True, SaleState.APPROVED),  # it was paid while nobody listened
    ],
)
def test_threats_32_a_killed_daemon_finds_out_what_became_of_the_sale(
    tmp_path: Path, issuer: Issuer, bank: EmbeddedWallet, path: str, pays: bool, state: SaleState
) -> None:
    asked, dead = threading.Event(), threading.Event()

    def hold() -> Pieces:
        asked.set()
        dead.wait(DEADLINE_S)
        return [b""]

    issuer.answers[path] = hold
    home, net = tmp_path / "home", str(tmp_path / "net.db")
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.support.foreign_child",
            str(home),
            net,
            issuer.server.host,
            issuer.card,
        ],
        cwd=ROOT,
    )
    try:
        assert asked.wait(DEADLINE_S)
        child.kill()
        child.wait(DEADLINE_S)
    finally:
        child.kill()
        dead.set()
    if pays:
        bank.pay(parse_qs(urlsplit(issuer.server.requests[-1].target).query)["pr"][0], sats(1))
    with running(home, config=config(net, issuer.server.host)) as again:
        sale = sales.latest(again.db, "till-1")
        assert sale is not None
        now = wait_sale(again.db, sale.sale_id, state)
        assert now.code in (None, Code.LIGHTNING_FAILED, Code.LIGHTNING_UNKNOWN)
        assert bool(incoming.offered(again.db, sale.sale_id)) == (state is SaleState.CHECKING)
        again.check_books()
