"""Watching the invoices that fill cards, until each is paid or surely over."""

from __future__ import annotations

import logging
import threading
from typing import Final

from host.clock import DAY, Clock, Steps
from host.ledger import looks, topups, wallets
from host.ledger.topups import TopUpInvoice
from host.lightning.wallet import InvoiceState, Wallet, WalletError
from host.store.engine import Engine

log = logging.getLogger(__name__)

_ROUND_S: Final = 0.5
_FORGOTTEN_MS: Final = DAY
"""How long after its end an invoice that the wallet does not know any more is waited for."""


class TopUps:
    """Asks the wallet about what was handed out; a credit is made once, whoever asks again."""

    def __init__(self, db: Engine, wallet: Wallet, clock: Clock) -> None:
        self._db = db
        self._wallet = wallet
        self._clock = clock
        self._steps = Steps(clock)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; at start all is looked at, whatever its time."""
        self.step(everything=True)
        while not stop.wait(_ROUND_S):
            self.step()

    def step(self, *, everything: bool = False) -> int:
        """Look at what is due now; returns how many invoices were credited.

        All are looked at when the clock was set back: what they wait for is far away then.
        """
        everything = self._steps.back() or everything
        return sum(self._look(one) for one in topups.due(self._db, everything=everything))

    def _look(self, invoice: TopUpInvoice) -> bool:
        payment_hash = invoice.payment_hash
        try:
            state = self._wallet.invoice_state(payment_hash)
        except WalletError as error:
            log.warning("a top-up cannot be looked up: %s", error)
            state = InvoiceState.OPEN
        if state is InvoiceState.PAID:
            return topups.settle(self._db, payment_hash)
        offered = invoice.state is looks.InvoiceState.OFFERED
        forgotten = state is InvoiceState.UNKNOWN and self._is_forgotten(invoice)
        if offered and (state is InvoiceState.EXPIRED or forgotten):
            topups.end(self._db, payment_hash)
        else:
            topups.postpone(self._db, payment_hash)
        return False

    def _is_forgotten(self, invoice: TopUpInvoice) -> bool:
        """Whether it is old, and not known to the very wallet that made it: another one's invoice
        is not known there either, and may be paid all the same."""
        if self._clock.now() < invoice.expires_at + _FORGOTTEN_MS:
            return False
        try:
            return wallets.knows(self._db, self._wallet.identity(), invoice.offered_at)
        except WalletError:
            return False
