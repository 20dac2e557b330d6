"""When a service's "no such payment" is an answer, and when it comes too early or cannot be true.

A request that was never answered may be carried out late (a queue, a proxy, a node that goes on
trying), so for `QUIET_S` after it, and after a start that may have left one behind, nothing counts
as failed. A payment that was alive at the service a moment ago is not missing there, and one that
it called paid never is: lists lag behind, and what is released then would leave twice (THREATS 5).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from host.lightning.wallet import Failed, PaymentResult, Unknown

QUIET_S: Final = 120.0
"""How long after an unanswered request its effect may still appear, in seconds."""


@dataclass(frozen=True, slots=True)
class NotKnown(Failed):
    """The service knows of no such payment; other failures it knows by name."""


@dataclass(frozen=True, slots=True)
class CalledPaid(Unknown):
    """The service says that it paid, and nothing proves it yet."""


class Doubts:
    """Which payments may still take effect, whatever the service says. Any thread may ask."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._opened = monotonic()
        self._lock = threading.Lock()
        self._sending: set[bytes] = set()
        self._unanswered: dict[bytes, float] = {}
        self._answered: set[bytes] = set()
        self._alive: dict[bytes, float] = {}
        """When the service last spoke of it as alive; for ever, where it called it paid."""

    def begin(self, payment_hash: bytes) -> bool:
        """False when a thread of ours is sending this payment right now."""
        with self._lock:
            if payment_hash in self._sending:
                return False
            self._sending.add(payment_hash)
            return True

    def end(self, payment_hash: bytes, *, answered: bool) -> None:
        """The request is over; unanswered, it may still be carried out for a while."""
        with self._lock:
            self._sending.discard(payment_hash)
            if not answered:
                self._unanswered[payment_hash] = self._now()
            elif self._starting():
                self._answered.add(payment_hash)

    def heard(self, payment_hash: bytes, result: PaymentResult) -> None:
        """What the service says of a payment, to a request or to a question."""
        with self._lock:
            if isinstance(result, CalledPaid):
                self._alive[payment_hash] = math.inf
            elif isinstance(result, Unknown):
                self._alive[payment_hash] = max(self._alive.get(payment_hash, 0.0), self._now())
            elif not isinstance(result, NotKnown) and self._alive.get(payment_hash) != math.inf:
                self._alive.pop(payment_hash, None)

    def against(self, payment_hash: bytes, no: Failed) -> str:
        """Why this "no" does not count now; empty when it does."""
        with self._lock:
            if self._may_come(payment_hash):
                return "a request may still be on its way"
            alive_at = self._alive.get(payment_hash, -math.inf)
            if alive_at == math.inf:
                return "it was called paid"
            if isinstance(no, NotKnown) and self._now() - alive_at < QUIET_S:
                return "it was in flight a moment ago"
            self._alive.pop(payment_hash, None)
            return ""

    def _may_come(self, payment_hash: bytes) -> bool:
        """True while a request for this payment may still take effect."""
        now = self._now()
        self._unanswered = {one: at for one, at in self._unanswered.items() if now - at < QUIET_S}
        return (
            payment_hash in self._sending
            or payment_hash in self._unanswered
            # Another process may have died with its request on the way.
            or (self._starting() and payment_hash not in self._answered)
        )

    def _starting(self) -> bool:
        if self._now() - self._opened < QUIET_S:
            return True
        self._answered.clear()
        return False
