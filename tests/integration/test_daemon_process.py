"""`taptill run` as a process: killed, restarted, watched from beside, and stopped by a signal."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host import config as configuration
from host import keyring as keyrings
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.health import STALE_MS, Board
from host.ledger import books, sales
from host.ledger.codes import Code
from host.ledger.records import PayoutStatus, Sale, SaleState
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.open import EMBEDDED_FILE, SHOP_ACCOUNT
from host.money import sats
from host.setup import initialise
from host.store.engine import Engine
from host.till import Terminal, arm
from tests.support.ports import free_port
from tests.support.running import (
    HeldCard,
    ShiftedClock,
    ask,
    make_card,
    payouts_of,
    wait_for,
    wait_payout,
    wait_sale,
)

ROOT = Path(__file__).parents[2]
TAPTILL = Path(sys.executable).with_name("taptill")
TILL = Terminal("till-1", "main")


@contextmanager
def taptill_run(home: Path, log: Path) -> Iterator[subprocess.Popen[str]]:
    """`taptill run`, from when it says that it is ready."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("TAPTILL")}
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [str(TAPTILL), "--home", str(home), "run"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert any(line.strip() == "ready" for line in process.stdout), log.read_text()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


class Beside:
    """A process beside the daemon: it has the ledger, and a hand at the reader."""

    def __init__(
        self, home: Path, db: Engine, twin: TwinProcess, cards: dict[str, HeldCard]
    ) -> None:
        self.home, self.db, self.twin, self.cards = home, db, twin, cards
        self.drawer = Drawer(home.parent / "cards")
        self.log = home.parent / "log"
        self.board = Board(db, SystemClock())

    def run(self) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
        return taptill_run(self.home, self.log)

    def dots(self) -> dict[str, bool]:
        return {part.name: part.ok for part in self.board.parts("till-1")}

    def read(self, name: str) -> dict[str, str]:
        """A tap of a card as a phone reads it."""
        with self.drawer.take(name) as chip:
            return replace(self.cards[name], twin=chip).tap()

    def arm(self, amount_sat: int) -> Sale:
        """Arm as soon as the daemon's four dots are green, as this process sees them."""
        wait_for(self.db, lambda: all(self.dots().values()), "four green dots")
        sale = arm(self.db, self.board, TILL, sats(amount_sat))
        assert isinstance(sale, Sale), sale
        return sale

    def tap(self, sale: Sale, name: str) -> None:
        """Lay a card down once the reader is served; one that lay there before does not count."""
        wait_for(self.db, lambda: all(self.dots().values()), "four green dots")
        self.twin.lay(name)
        wait_sale(self.db, sale.sale_id, SaleState.APPROVED)
        self.twin.lift()


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    home, drawer = tmp_path / "home", Drawer(tmp_path / "cards")
    with TwinProcess("nfc", tmp_path / "cards") as twin:
        list(initialise(home, name="Shop", timezone="UTC", url=""))
        port = free_port()
        (home / configuration.FILE_NAME).write_text(
            f'[public]\nurl = "http://127.0.0.1:{port}"\nlisten = "127.0.0.1:{port}"\n'
            f'[dashboard]\nlisten = "127.0.0.1:0"\n[[readers]]\ndevice = "nfc:{twin.device}"\n'
        )
        with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
            keyring = keyrings.load(home / keyrings.FILE_NAME)
            cards = {}
            for name in ("ann", "bob"):
                drawer.create(name)
                with drawer.take(name) as chip:
                    cards[name] = make_card(db, configuration.load(home), keyring, twin=chip)
            yield Beside(home, db, twin, cards)
            report = books.check(db)
            assert report.ok, report.problems


def test_killed_while_armed_the_sale_is_still_there_and_is_paid_after_the_restart(
    beside: Beside,
) -> None:
    with beside.run() as daemon:
        sale = beside.arm(10)
        daemon.send_signal(signal.SIGKILL)
        assert daemon.wait(60) == -signal.SIGKILL
    assert sales.current(beside.db, "till-1") == sale
    with beside.run() as daemon:
        beside.tap(sale, "ann")
        again = beside.arm(20)
        beside.tap(again, "bob")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0
        assert daemon.stdout is not None
        assert daemon.stdout.read().splitlines() == ["stopping"]
    for name, amount in (("ann", sats(10)), ("bob", sats(20))):
        (payout,) = payouts_of(beside.db, beside.cards[name])
        assert payout.amount_msat == amount
    assert not any(beside.dots().values())
    assert "Traceback" not in beside.log.read_text()


@pytest.mark.parametrize("fault", [Fault.UNKNOWN_THEN_OK, Fault.UNKNOWN])
def test_threat_32_killed_while_a_payment_is_on_its_way_it_is_paid_once_and_proven(
    beside: Beside, fault: Fault
) -> None:
    card, clock = beside.cards["ann"], SystemClock()
    shop, stranger = (
        EmbeddedWallet(beside.home / EMBEDDED_FILE, name, clock) for name in (SHOP_ACCOUNT, "them")
    )
    with contextlib.closing(shop), contextlib.closing(stranger):
        shop.fund(sats(1_000))
        shop.script(fault)
        offered = stranger.make_invoice(sats(50), "coffee", 600)
        url = configuration.load(beside.home).public.url
        with beside.run() as daemon:
            k1 = ask(url, "/ln", **beside.read("ann"))["k1"]
            assert ask(url, "/ln/cb", k1=k1, pr=offered.bolt11) == {"status": "OK"}
            unknown = ["payout.unknown"]
            wait_for(beside.db, lambda: beside.db.events.after(0, kinds=unknown), "the payment")
            daemon.kill()
            daemon.wait(60)
        assert payouts_of(beside.db, card)[0].status is PayoutStatus.PROCESSING
        if fault is Fault.UNKNOWN:
            shop.resolve(offered.payment_hash, paid=True)
        with beside.run() as daemon:
            payout = wait_payout(beside.db, card, PayoutStatus.COMPLETED)
            assert ask(url, "/ln/cb", k1=k1, pr=offered.bolt11) == {"status": "OK"}  # joins
            daemon.terminate()
            assert daemon.wait(60) == 0
        assert hashlib.sha256(payout.preimage or b"").digest() == offered.payment_hash
        assert len(payouts_of(beside.db, card)) == 1
        assert stranger.balance_msat() == sats(50)
        assert shop.balance_msat() == sats(950)


def test_a_killed_daemon_is_not_believed_for_long_by_others_and_its_late_sale_ends_with_words(
    beside: Beside,
) -> None:
    with beside.run() as daemon:
        sale = beside.arm(10)
        assert beside.dots() == dict.fromkeys(["reader", "ledger", "lightning", "clock"], True)
        daemon.kill()
        daemon.wait(60)
    clock = ShiftedClock()
    clock.advance(STALE_MS + 1)
    assert not any(part.ok for part in Board(beside.db, clock).parts("till-1"))
    clock.advance(sale.expires_at)
    with Engine.open(beside.db.path, clock) as later:  # as the restarted daemon's watch does
        assert sales.expire_due(later) == 1
    ended = sales.get(beside.db, sale.sale_id)
    assert ended is not None
    assert (ended.state, ended.code) == (SaleState.CANCELLED, Code.SALE_TIMED_OUT)


def test_a_second_daemon_and_a_charge_beside_the_first(beside: Beside) -> None:
    with beside.run() as daemon:
        beside.arm(10)
        second = subprocess.run(
            [str(TAPTILL), "--home", str(beside.home), "run"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert second.returncode == 2
        said = f"Error: Taptill already runs in {beside.home} (process {daemon.pid})"
        assert second.stderr.strip() == said
        charge = [str(TAPTILL), "--home", str(beside.home), "charge", "30", "--json"]
        seen = beside.db.events.last_id()
        with subprocess.Popen(
            charge, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
        ) as charging:
            wait_for(
                beside.db, lambda: beside.db.events.after(seen, kinds=["sale.ready"]), "the sale"
            )
            beside.twin.lay("ann")
            told, _ = charging.communicate(timeout=120)
        assert charging.returncode == 0
        assert json.loads(told)["payout"]["boltcardId"] == beside.cards["ann"].card_id
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(60) == 0
