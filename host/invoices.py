"""The shop's own invoices for sales: made, checked before they leave, and looked at."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from host.bolt11 import Bolt11Error, Network, payable
from host.clock import MINUTE, SECOND, Clock
from host.ledger import incoming, stores
from host.ledger.records import Sale
from host.lightning.remote import RemoteWallet, Watch
from host.lightning.wallet import Invoice, InvoiceState, Wallet, WalletError, WalletRefused
from host.store.engine import Engine

log = logging.getLogger(__name__)

ENOUGH_MS: Final = MINUTE
"""What an invoice must have left to be handed out once more."""
LOOK_S: Final = 0.1


class _Look:
    """The watch over a wallet in this very process, which nobody tells when something is paid."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        self._closed.wait(min(timeout_s, LOOK_S))
        return True

    def close(self) -> None:
        self._closed.set()


class SaleInvoices:
    """Invoices of one wallet for the sales of one ledger."""

    def __init__(self, db: Engine, wallet: Wallet, clock: Clock, network: Network) -> None:
        self._db = db
        self._wallet = wallet
        self._clock = clock
        self._network = network

    def of(self, sale: Sale, life_ms: int) -> Invoice:
        """The sale's invoice: the one that was handed out before, while it lives long enough.

        Two who get the same invoice cannot both pay it. Raises `WalletError`: there is none.
        """
        now = self._clock.now()
        for known in incoming.offered(self._db, sale.sale_id):
            if known.expires_at - now >= ENOUGH_MS:
                return Invoice(
                    known.bolt11, known.payment_hash, known.amount_msat, known.expires_at
                )
        store = stores.get(self._db, sale.store_id)
        memo = store.name if store is not None else "Taptill"
        made = self._wallet.make_invoice(sale.amount_msat, memo, life_ms // SECOND)
        try:
            read = payable(made.bolt11, self._network)
        except Bolt11Error as error:
            raise WalletRefused(f"{self._wallet.name} made an unusable invoice: {error}") from error
        if (read.amount_msat, read.payment_hash) != (sale.amount_msat, made.payment_hash):
            raise WalletRefused(f"{self._wallet.name} made an invoice for something else")
        return made

    def look(self, payment_hash: bytes) -> InvoiceState | None:
        """What became of an invoice; None when nobody can say. Paid, its sale is settled."""
        try:
            state = self._wallet.invoice_state(payment_hash)
        except WalletError as error:
            log.warning("invoice of a sale: %s", error)
            return None
        if state is InvoiceState.PAID:
            incoming.settle(self._db, payment_hash)
        return state

    def follow(self, payment_hash: bytes, over: Callable[[], bool]) -> bool:
        """Look whenever there may be news, until it is paid (True), or `over`."""
        watch = self._watch(payment_hash)
        try:
            while self.look(payment_hash) is not InvoiceState.PAID:
                if over():
                    return False
                watch.wait(1.0)
            return True
        finally:
            watch.close()

    def _watch(self, payment_hash: bytes) -> Watch:
        wallet = self._wallet
        return wallet.watch(payment_hash) if isinstance(wallet, RemoteWallet) else _Look()
