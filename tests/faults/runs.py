"""One run: cards are charged by a stranger's till, the host is killed and started again, and all
the money is counted.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from multiprocessing.connection import wait
from pathlib import Path
from urllib.parse import urlencode

from host.clock import SystemClock
from host.ledger import fees, pull_payments, stores
from host.ledger.fees import FeePayer, FeePolicy
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import Invoice
from host.ntag424.values import Uid
from host.store.engine import Engine
from tests.faults.count import FUNDED, POOL, PRICE, Counted, count
from tests.faults.victim import FEE_MSAT, Doom, serve
from tests.support.world import Tapper, add_card

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.faults.victim"])

_ONE_AT_A_TIME = threading.Lock()
"""Starting a process asks after all others, so two threads would read one end between them."""

DUPLICATE = "duplicate"
SCRIPTS: tuple[str, ...] = (
    Fault.OK,
    Fault.SLOW,
    Fault.FAIL,
    Fault.UNKNOWN_THEN_OK,
    Fault.UNKNOWN_THEN_FAILED,
    DUPLICATE,
)
CARDS = tuple(Uid.parse(f"04a3949300{n:02x}80") for n in range(3))
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Case:
    """What one run does: where the host dies, what the wallet does, how many cards pay."""

    point: str
    script: str
    cards: int = 1
    nth: int = 1
    store_pays: bool = False


@dataclass
class Outcome:
    """What became of it."""

    case: Case
    died: bool
    """At its point; else the run was over before, and the host was killed in idleness."""
    counted: Counted = field(default_factory=Counted)
    invoices: list[Invoice] = field(default_factory=list)


def make_template(folder: Path) -> None:
    """A ledger with funded cards and a wallet file, copied for every run."""
    clock = SystemClock()
    with Engine.open(folder / "taptill.db", clock) as db:
        store = stores.create(db, "Corner shop", store_id="main")
        account = pull_payments.create(db, store.store_id, "Guests")
        for uid in CARDS:
            add_card(db, account, uid)
        pull_payments.fund(db, account.pull_payment_id, FUNDED, "cash")
    pool = EmbeddedWallet(folder / "wallet.db", "pool", clock)
    pool.fund(POOL)
    pool.close()


def play(case: Case, template: Path, folder: Path) -> Outcome:
    """One run in a folder of its own."""
    shutil.copytree(template, folder)
    _prepare(case, folder)
    stranger = EmbeddedWallet(folder / "wallet.db", "stranger", SystemClock())
    try:
        invoices = [stranger.make_invoice(PRICE, "coffee", 600) for _ in range(case.cards)]
        tills = _tills(case, invoices)
        with _host(folder, Doom(case.point, case.nth)) as host:
            _charge(host.port, tills)
            died = host.wait_for_death(folder)
        with _host(folder, None) as host:
            _charge(host.port, tills)  # who got no answer asks again; so do all the others
            _charge(host.port, tills)
            _until_resolved(folder)
        return Outcome(case, died, count(folder, stranger, invoices, tills, case), invoices)
    finally:
        stranger.close()


def _prepare(case: Case, folder: Path) -> None:
    clock = SystemClock()
    pool = EmbeddedWallet(folder / "wallet.db", "pool", clock)
    if case.script != DUPLICATE:
        pool.script_default(Fault(case.script))
    pool.close()
    if case.store_pays:
        with Engine.open(folder / "taptill.db", clock) as db:
            (account,) = pull_payments.all(db)
            policy = FeePolicy(FeePayer.STORE, base_msat=FEE_MSAT, ppm=0)
            fees.set_policy(db, account.pull_payment_id, policy)


@dataclass
class Till:
    """A stranger's till: one card's tap and the invoice it is to pay."""

    fields: dict[str, str]
    invoice: Invoice
    answers: list[str] = field(default_factory=list)
    """`OK`, a refusal's code, or nothing when the host died."""


def _tills(case: Case, invoices: list[Invoice]) -> list[Till]:
    """One for each card; for `duplicate` also each tap twice, and each invoice to another card."""
    taps = [Tapper(uid).tap(1) for uid in CARDS]
    tills = [Till(taps[n], invoice) for n, invoice in enumerate(invoices)]
    if case.script == DUPLICATE:
        tills += [Till(taps[n], invoice) for n, invoice in enumerate(invoices)]
        tills += [Till(taps[(n + 1) % len(CARDS)], invoice) for n, invoice in enumerate(invoices)]
    return tills


def _charge(port: int, tills: list[Till]) -> None:
    with ThreadPoolExecutor(len(tills)) as threads:
        for till, answer in zip(
            tills, threads.map(lambda one: _ask_to_pay(port, one), tills), strict=True
        ):
            if answer:
                till.answers.append(answer)


def _ask_to_pay(port: int, till: Till) -> str:
    scanned = ask(port, f"/ln?{urlencode(till.fields)}")
    if "k1" not in scanned:
        return str(scanned.get("code", ""))
    claim = {"k1": scanned["k1"], "pr": till.invoice.bolt11}
    answer = ask(port, f"/ln/cb?{urlencode(claim)}")
    return str(answer.get("code", answer.get("status", "")))


def ask(port: int, path: str) -> dict[str, str]:
    """What the host answers; nothing when it died meanwhile."""
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    assert isinstance(answer, dict)
    return answer


class _Host:
    """A serving process."""

    def __init__(self, folder: Path, doom: Doom | None) -> None:
        ready, tell = FORK.Pipe(duplex=False)
        with _ONE_AT_A_TIME:
            self.process = FORK.Process(target=serve, args=(folder, doom, tell))
            self.process.start()
        tell.close()
        assert ready.poll(DEADLINE_S), "the host did not start"
        self.port: int = ready.recv()
        ready.close()

    def wait_for_death(self, folder: Path) -> bool:
        """True when it died at its point; False when all was done before."""
        until = time.monotonic() + DEADLINE_S
        with Engine.open(folder / "taptill.db", SystemClock(), read_only=True) as db:
            while time.monotonic() < until:
                resolved = _resolved(db)
                if wait([self.process.sentinel], 0.02):
                    return True
                if resolved:
                    return bool(wait([self.process.sentinel], 0.1))
        raise AssertionError("the host neither died nor finished")

    def kill(self) -> None:
        """Kill -9, whatever it does."""
        with _ONE_AT_A_TIME:
            if self.process.is_alive() and self.process.pid:
                os.kill(self.process.pid, signal.SIGKILL)
        assert wait([self.process.sentinel], DEADLINE_S)
        with _ONE_AT_A_TIME:
            assert self.process.exitcode == -signal.SIGKILL, self.process.exitcode
            self.process.close()


@contextmanager
def _host(folder: Path, doom: Doom | None) -> Iterator[_Host]:
    host = _Host(folder, doom)
    try:
        yield host
    finally:
        host.kill()


def _until_resolved(folder: Path) -> None:
    until = time.monotonic() + DEADLINE_S
    with Engine.open(folder / "taptill.db", SystemClock(), read_only=True) as db:
        seen = 0
        while not _resolved(db):
            assert time.monotonic() < until, "a payment stayed unresolved"
            db.events.wait(seen, 1_000)
            seen = db.events.last_id()


def _resolved(db: Engine) -> bool:
    sql = "SELECT 1 FROM payouts WHERE status IN ('Pending', 'Processing')"
    return db.read(lambda tx: tx.one(sql)) is None
