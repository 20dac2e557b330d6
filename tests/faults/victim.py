"""The process that is killed: a host's LNURL listener and payer on one ledger file."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from host.bolt11 import Network
from host.clock import SystemClock
from host.faultpoints import FaultPoint, Hook
from host.ledger import payouts, spend
from host.lightning.embedded import EmbeddedWallet
from host.lightning.wallet import PaymentResult
from host.lnurl.service import ServiceSettings, create_app
from host.payer import Payer
from host.store.engine import Engine
from host.web import WebServer
from tests.support.world import ISSUER, SECRET

FEE_MSAT = 1_000
SLOW_MS = 60
INSIDE: dict[str, tuple[Any, str]] = {
    "in_claim": (spend, "_tell"),
    "in_take": (payouts, "_event"),
    "in_settle": (payouts, "_move"),
}
"""Inside a transaction that has written but is not committed: where it may die, by function."""

IN_SEND = "in_send"
"""The wallet has begun to pay and has not answered."""

POINTS: tuple[str, ...] = (
    FaultPoint.BEFORE_CLAIM,
    "in_claim",
    FaultPoint.AFTER_CLAIM,
    "in_take",
    FaultPoint.AFTER_TAKE,
    FaultPoint.BEFORE_SEND,
    IN_SEND,
    FaultPoint.AFTER_SEND,
    FaultPoint.BEFORE_SETTLE,
    "in_settle",
    FaultPoint.AFTER_SETTLE,
)


@dataclass(frozen=True)
class Doom:
    """Where this process dies, and at which passing of that place."""

    point: str
    nth: int = 1


class _Fate:
    """Counts passings and kills the process at the one that was told."""

    def __init__(self, doom: Doom | None) -> None:
        self._doom = doom
        self._left = doom.nth if doom else 0
        self._lock = threading.Lock()

    def passes(self, point: str) -> None:
        if self._doom is None or point != self._doom.point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(self) -> Hook:
        return self.passes

    def haunt(self) -> None:
        """Let it pass through the transactions too, in this process only."""
        for point, (module, name) in INSIDE.items():
            setattr(module, name, self._before(point, getattr(module, name)))

    def _before(self, point: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def passing(*args: Any, **kwargs: Any) -> Any:
            self.passes(point)
            return function(*args, **kwargs)

        return passing


class _Wallet(EmbeddedWallet):
    """The pool's wallet, which the process may die in."""

    fate: _Fate

    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        result = super().pay(bolt11, max_fee_msat)
        self.fate.passes(IN_SEND)  # the wallet's file has it; nobody here has seen the answer
        return result


def serve(folder: Path, doom: Doom | None, ready: Connection) -> None:
    """Serve until killed; tells its port when it can be asked."""
    fate = _Fate(doom)
    fate.haunt()
    clock = SystemClock()
    db = Engine.open(folder / "taptill.db", clock)

    def pause(seconds: float) -> None:
        fate.passes(IN_SEND)
        threading.Event().wait(seconds)

    wallet = _Wallet(
        folder / "wallet.db", "pool", clock, fee_msat=FEE_MSAT, slow_ms=SLOW_MS, pause=pause
    )
    wallet.fate = fate
    settings = ServiceSettings("https://pay.example", max_fee_base_msat=2 * FEE_MSAT)
    app = create_app(db, [ISSUER], Network.REGTEST, settings, clock, SECRET, hook=fate.hook())
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    # A call of a process that was killed is over for sure: this wallet is a file.
    Payer(db, wallet, clock, grace_ms=0, workers=4, hook=fate.hook()).start()
    ready.send(server.port)
    threading.Event().wait()
