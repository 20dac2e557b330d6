"""kill -9 at every fault point: nothing is lost and nothing is paid twice (THREATS 32)."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from host.bolt11 import Network
from host.clock import SystemClock
from host.faultpoints import FaultPoint
from host.ledger import books, payouts, pull_payments
from host.ledger.records import PayoutStatus
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.payer import Payer
from host.store.engine import Engine
from tests.support.world import ISSUER, SECRET, Tapper, furnish

SPAWN = multiprocessing.get_context("spawn")
FUNDED = sats(1_000)
PRICE = sats(21)


def open_all(folder: Path) -> tuple[Engine, EmbeddedWallet, EmbeddedWallet]:
    """The ledger, the wallet that pays for our cards, and the stranger's wallet."""
    clock = SystemClock()
    return (
        Engine.open(folder / "taptill.db", clock),
        EmbeddedWallet(folder / "wallet.db", "pool", clock),
        EmbeddedWallet(folder / "wallet.db", "stranger", clock),
    )


def charge_and_die(folder: Path, invoice: str, point: FaultPoint) -> None:
    """What a host does for one tap, until it is killed at the point."""

    def hook(reached: FaultPoint) -> None:
        if reached is point:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = SystemClock()
    db, pool, _ = open_all(folder)
    settings = ServiceSettings("https://pay.example")
    app = create_app(db, [ISSUER], Network.REGTEST, settings, clock, SECRET, hook=hook)
    wallet = app.test_client()
    k1 = wallet.get("/ln", query_string=Tapper().tap(1)).get_json()["k1"]
    wallet.get("/ln/cb", query_string={"k1": k1, "pr": invoice})
    Payer(db, pool, clock, hook=hook).step()


@pytest.mark.parametrize("fault", [Fault.OK, Fault.FAIL, Fault.UNKNOWN_THEN_OK])
@pytest.mark.parametrize("point", FaultPoint)
def test_threat_32_after_a_kill_at_any_point_each_payment_happens_once_or_not_at_all(
    tmp_path: Path, point: FaultPoint, fault: Fault
) -> None:
    db, pool, stranger = open_all(tmp_path)
    account = furnish(db, FUNDED)
    pool.fund(sats(10_000))
    pool.script(fault)
    invoice = stranger.make_invoice(PRICE, "coffee", 600)
    process = SPAWN.Process(target=charge_and_die, args=(tmp_path, invoice.bolt11, point))
    process.start()
    process.join(60)
    assert process.exitcode in (-signal.SIGKILL, 0)
    assert process.exitcode == -signal.SIGKILL or fault is not Fault.OK

    for _ in range(2):  # a start looks up all that is Processing, also what its own start sent
        payer = Payer(db, pool, SystemClock(), grace_ms=0)
        payer.step()
        payer.stop()

    (status,) = db.read(lambda tx: tx.one("SELECT status FROM payouts"))  # type: ignore[misc]
    kept = pull_payments.get(db, account.pull_payment_id)
    assert kept is not None
    paid = stranger.balance_msat()
    assert paid in (0, PRICE), "never twice"
    assert status == (PayoutStatus.COMPLETED if paid else PayoutStatus.FAILED)
    assert (kept.balance_msat, kept.held_msat, kept.paid_msat) == (FUNDED - paid, 0, paid)
    assert pool.balance_msat() == sats(10_000) - paid
    assert not payouts.pending(db)
    assert books.check(db).ok
    for opened in (stranger, pool, db):
        opened.close()
