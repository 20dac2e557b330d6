"""Paying what was claimed, and finding out about what is unknown (DESIGN, "The way of a tap").

The order that keeps money safe:

1. A payout becomes Processing, durably, before the wallet is called, and is sent once, ever.
2. It becomes Completed only with a preimage that hashes to its payment hash.
3. It becomes Failed, and its money free, only when the wallet says definitely so.
4. Anything else stays Processing, money held: it is looked up by payment hash, with back-off.

At start everything that is Processing is looked up, whatever its back-off: after a crash nobody
knows whether the wallet was called. So it is when the clock was set back, or the back-off would
last until the clock is where it was.

A payout knows the wallet that it was handed to, since before that wallet was called. At another
wallet it is never asked for and never released: that one truly knows of no such payment.

"No such payment" is believed only from outside the moment of sending. While a call of this
process is in flight its payout is never looked up; a younger payout than `GRACE_MS` is not
released, because the call of a process that has died may still be on its way to the wallet; and
only one payer works on a database at a time (`PayerTaken`), so that no other process has a call
in flight that we do not know of.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from host.clock import Clock, Steps
from host.faultpoints import FaultPoint, Hook, nowhere
from host.ledger import btcpay, payouts, wallets
from host.ledger.records import Payout, PayoutStatus
from host.lightning.wallet import (
    Failed,
    Paid,
    PaymentResult,
    Unknown,
    Wallet,
    WalletError,
)
from host.store.engine import Engine

log = logging.getLogger(__name__)

GRACE_MS = 10_000
_REST_MS = 500
_FULL_MS = 10
"""How soon to look for an idle worker again when there was none; that look is no read."""
_PENDING = frozenset({"payout.pending"})
_AFTER_TROUBLE_S = 1.0
_MANY = 10_000
_NO_BTCPAY = "its account is linked to BTCPay, which is not the wallet (wallet.kind)"


class PayerTaken(RuntimeError):
    """Another payer works on this database: two could each miss what the other has in flight."""


class Payer:
    """Pays Pending payouts and reconciles Processing ones, from threads of its own or `step`.

    `workers` wallet calls run side by side, so a slow payment stops no other one; look-ups have
    threads of their own, so a wallet that hangs in payments is still asked about them. `claims`
    pays what goes through a pull payment of BTCPay (`host.ledger.btcpay`).
    """

    def __init__(
        self,
        db: Engine,
        wallet: Wallet,
        clock: Clock,
        *,
        claims: Wallet | None = None,
        workers: int = 8,
        checkers: int = 2,
        grace_ms: int = GRACE_MS,
        hook: Hook = nowhere,
    ) -> None:
        self._db = db
        self._wallet = wallet
        self._claims = claims
        self._clock = clock
        self._workers = workers
        self._checkers = checkers
        self._grace_ms = grace_ms
        self._hook = hook
        self._lock = _OnePayer(db.path)
        self._guard = threading.Lock()
        self._in_flight: set[str] = set()
        self._looked_up: set[str] = set()
        self._unnoted: dict[str, float] = {}
        """Whose answer could not be written, as on a full disk, and when it is asked for again."""
        self._steps = Steps(clock)
        self._everything = True
        self._me: str | None = None
        self._since = clock.now()
        self._next_due = 0.0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._alive = 0
        self._sends: queue.SimpleQueue[Payout | None] = queue.SimpleQueue()
        self._checks: queue.SimpleQueue[Payout | None] = queue.SimpleQueue()

    # -- running ----------------------------------------------------------------------------

    def start(self) -> None:
        """Work until `stop`; raises `PayerTaken` when another payer does already."""
        self._lock.take()
        jobs: list[tuple[str, Callable[[], None]]] = [("payer", self._run)]
        jobs += [(f"payer-send-{n}", self._run_sends) for n in range(self._workers)]
        jobs += [(f"payer-check-{n}", self._run_checks) for n in range(self._checkers)]
        self._alive = len(jobs)
        for name, job in jobs:
            thread = threading.Thread(target=self._until_end, args=(job,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, deadline_s: float = 10.0) -> None:
        """Stop taking work and wait for calls in flight; what is then unknown stays Processing.

        The right to pay is kept until the last call has ended, even after the deadline.
        """
        self._stopping.set()
        for _ in range(self._workers):
            self._sends.put(None)
        for _ in range(self._checkers):
            self._checks.put(None)
        deadline = time.monotonic() + deadline_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not self._threads:
            self._lock.give_back()

    def step(self) -> int:
        """Do in this thread all that is due now; returns how many payouts were handled."""
        self._lock.take()
        handled = 0
        if not self._knows_wallet():
            return handled
        for payout in self._to_check():
            self._check(payout)
            handled += 1
        while batch := self._take(self._workers):
            for payout in batch:
                self._send(payout)
                handled += 1
        return handled

    # -- the dispatcher's thread ------------------------------------------------------------

    def _run(self) -> None:
        told = False
        while not self._stopping.is_set():
            try:
                seen = self._db.events.known_id  # first, so that what comes later wakes us
                full = self._dispatch(told)
                told = self._db.events.wait(seen, _FULL_MS if full else _REST_MS, _PENDING)
            except Exception:  # this thread's loop: the next round tries again
                log.exception("payer: a round failed")
                self._stopping.wait(_AFTER_TROUBLE_S)

    def _dispatch(self, told: bool) -> bool:
        """Hand out what is due; True when more may wait than there are idle workers for.

        No more is taken than there are idle workers: what is Processing is being sent. `told`
        spares the look whether there is anything to take.
        """
        if not self._knows_wallet():
            return False
        if time.monotonic() >= self._next_due:
            self._next_due = time.monotonic() + _REST_MS / 1_000
            for payout in self._to_check():
                self._checks.put(payout)
        idle = self._workers - len(self._in_flight)
        batch = self._take(idle, look_first=not told) if idle > 0 else []
        for payout in batch:
            self._sends.put(payout)
        return len(batch) == idle

    def _knows_wallet(self) -> bool:
        """Whether the wallet has told which one it is; noted before anything is handed to it.

        Until then nothing is taken or looked up: it could not be told whose it is.
        """
        if self._me is None:
            try:
                me = self._wallet.identity()
            except WalletError:  # the Lightning dot tells
                return False
            wallets.begin(self._db, me, self._since)
            self._me = me
        return True

    def _take(self, limit: int, *, look_first: bool = True) -> list[Payout]:
        """Make Pending payouts ours to send: durably Processing, known as in flight."""
        batch = payouts.take(self._db, limit, wallet=self._me, look_first=look_first)
        with self._guard:
            self._in_flight.update(payout.payout_id for payout in batch)
        if batch:
            self._hook(FaultPoint.AFTER_TAKE)
        return batch

    def _to_check(self) -> list[Payout]:
        """What is due to be looked up and not in a thread's hands.

        Whose hands are full is asked before the ledger is: a call that ends in between leaves a
        payout out of this look, never in it.
        """
        with self._guard:
            busy = self._in_flight | self._looked_up
            again = {one for one, at in self._unnoted.items() if at <= time.monotonic()} - busy
        self._everything = self._steps.back() or self._everything
        due = payouts.due(self._db, limit=_MANY, leased=self._everything)
        self._everything = False
        due += payouts.processing(self._db, again - {payout.payout_id for payout in due})
        fresh = [payout for payout in due if payout.payout_id not in busy]
        with self._guard:
            for payout_id in again:
                self._unnoted.pop(payout_id, None)
            self._looked_up.update(payout.payout_id for payout in fresh)
        return fresh

    # -- the workers' threads ---------------------------------------------------------------

    def _until_end(self, job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            with self._guard:
                self._alive -= 1
                last = self._alive == 0
            if last:
                self._lock.give_back()

    def _run_sends(self) -> None:
        while (payout := self._sends.get()) is not None:
            self._handle_safely(payout, self._send)

    def _run_checks(self) -> None:
        while (payout := self._checks.get()) is not None:
            if not self._stopping.is_set():
                self._handle_safely(payout, self._check)

    def _handle_safely(self, payout: Payout, work: Callable[[Payout], None]) -> None:
        try:
            work(payout)
        except Exception:  # this thread's loop: the payout stays Processing, and is looked up soon
            log.exception("payer: payout %s is left to be looked up", payout.payout_id)
            with self._guard:
                self._unnoted[payout.payout_id] = time.monotonic() + _AFTER_TROUBLE_S

    # -- one payout -------------------------------------------------------------------------

    def _send(self, payout: Payout) -> None:
        try:
            self._hook(FaultPoint.BEFORE_SEND)
            result = self._pay(payout)
            self._hook(FaultPoint.AFTER_SEND)
            self._conclude(payout, result)
        finally:
            with self._guard:
                self._in_flight.discard(payout.payout_id)

    def _wallet_of(self, payout: Payout) -> Wallet | None:
        """Who pays it, fixed when it was taken: what one was asked for, no other one knows of."""
        there = btcpay.goes_there(self._db, payout.payout_id)
        return self._claims if there else self._wallet

    def _pay(self, payout: Payout) -> PaymentResult:
        wallet = self._wallet_of(payout)
        if wallet is None:  # surely nothing was filed: this is the one time it would be
            return Failed(_NO_BTCPAY)
        try:
            return wallet.pay(payout.recipient_address or "", payout.fee_limit_msat or 0)
        except WalletError as error:
            # Nothing left, says the wallet's contract. Still only a look-up that says so frees
            # the money: a minute of held money is cheaper than trust in every wallet's errors.
            return Unknown(str(error))

    def _check(self, payout: Payout) -> None:
        try:
            self._conclude(payout, self._lookup(payout))
        finally:
            with self._guard:
                self._looked_up.discard(payout.payout_id)

    def _lookup(self, payout: Payout) -> PaymentResult:
        if payout.wallet != self._me:
            return Unknown(wallets.why_held(payout.wallet))
        wallet = self._wallet_of(payout)
        if wallet is None:  # it may have been filed: whoever knows is not asked any more
            return Unknown(_NO_BTCPAY)
        try:
            result = wallet.lookup_payment(payout.payment_hash or b"")
        except WalletError as error:
            return Unknown(str(error))
        if isinstance(result, Failed) and self._is_young(payout):
            return Unknown(f"too early to believe: {result.reason}")
        return result

    def _is_young(self, payout: Payout) -> bool:
        # A clock that was set back makes ages negative: it was taken at some other time than now.
        return abs(self._clock.now() - (payout.processing_at or 0)) < self._grace_ms

    def _conclude(self, payout: Payout, result: PaymentResult) -> None:
        payout_id = payout.payout_id
        self._hook(FaultPoint.BEFORE_SETTLE)
        match result:
            case Paid():  # money is the payee's
                if not payouts.settle(self._db, payout_id, result.preimage, result.fee_msat):
                    self._unsettled(payout_id)
            case Failed():
                payouts.fail(self._db, payout_id, result.reason)  # money is free again
            case Unknown():
                payouts.postpone(self._db, payout_id, result.reason)  # money stays held
        self._hook(FaultPoint.AFTER_SETTLE)

    def _unsettled(self, payout_id: str) -> None:
        """A proof proved nothing, or came when somebody had ended the payout by hand."""
        no_proof = "the preimage does not match"
        if payouts.postpone(self._db, payout_id, no_proof):  # money stays held: it is no answer
            log.error("payer: payout %s: the wallet's preimage proves nothing", payout_id)
            return
        found = payouts.get(self._db, payout_id)
        if found is not None and found.status is not PayoutStatus.COMPLETED:
            log.error("payer: payout %s was paid, though it had been given up", payout_id)


class _OnePayer:
    """The right to pay from a database: the kernel takes it back from whoever dies."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.payer")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Own it; again does nothing. Raises `PayerTaken`."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise PayerTaken(f"another payer holds {self._path}") from error
        self._descriptor = descriptor

    def give_back(self) -> None:
        """Let another payer begin; again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
