"""The QR code on a till's screen: an invoice of the shop's wallet for the very sale that waits.

Its rules are in `host.ledger.screen`. Here the wallet is asked: for the invoice, and whether it is
paid before the code is put away. While a code is shown a thread looks whether it is paid; where
that thread is gone the reconciler (`foreign`) goes on, as for every invoice that was handed out.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from host.bolt11 import Network
from host.clock import MINUTE, Clock
from host.invoices import SaleInvoices
from host.ledger import sales, screen
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale, SaleState
from host.lightning.wallet import InvoiceState, Wallet, WalletError
from host.store.engine import Engine
from host.store.errors import StoreError

log = logging.getLogger(__name__)

LIFE_MS: Final = 2 * MINUTE
"""How long a code can be paid, and its sale waits for it."""
_UNPAID: Final = (InvoiceState.OPEN, InvoiceState.EXPIRED)


class Screen:
    """Shows codes, and puts them away when that is safe."""

    def __init__(self, db: Engine, wallet: Wallet, clock: Clock, network: Network) -> None:
        self._db = db
        self._invoices = SaleInvoices(db, wallet, clock, network)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def show(self, sale: Sale) -> Refused | None:
        """Show a code for a sale that waits for a card, or was declined."""
        if sale.data.get(sales.QR):
            return None
        try:
            invoice = self._invoices.of(sale, LIFE_MS)
        except WalletError as error:
            return Refused(Code.STORE_OFFLINE, {"part": "lightning", "detail": str(error)})
        if screen.show(self._db, sale, invoice) is None:
            return Refused(Code.SALE_IN_PROGRESS)
        self._follow(sale.sale_id, invoice.payment_hash)
        return None

    def hide(self, sale: Sale) -> Refused | None:
        """Put the code away, once the wallet has said that it is not paid."""
        payment_hash = _shown(sale)
        if payment_hash is None:
            return None
        state = self._invoices.look(payment_hash)
        if state is InvoiceState.PAID:
            return None  # the sale is approved, and the screen says so
        if state not in _UNPAID:
            return Refused(Code.LIGHTNING_UNKNOWN)
        screen.put_away(self._db, sale.sale_id, payment_hash)
        return None

    def cancel(self, sale: Sale) -> Sale | Refused | None:
        """Give up a sale, with its code or without; None when it went on meanwhile.

        A code that turns out to be paid is the sale, approved.
        """
        if (refused := self.hide(sale)) is not None:
            return refused
        given_up = sales.cancel(self._db, sale.sale_id)
        if given_up is not None:
            return given_up
        now = sales.get(self._db, sale.sale_id)
        return now if now is not None and now.state is SaleState.APPROVED else None

    def stop(self) -> None:
        """Look no more; what is shown stays on the screen, and the reconciler looks at it."""
        self._stopping.set()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(2.0)

    def _follow(self, sale_id: str, payment_hash: bytes) -> None:
        thread = threading.Thread(
            target=self._run, args=(sale_id, payment_hash), name="qr code", daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _run(self, sale_id: str, payment_hash: bytes) -> None:
        def over() -> bool:
            sale = sales.get(self._db, sale_id)
            return self._stopping.is_set() or sale is None or _shown(sale) != payment_hash

        try:
            self._invoices.follow(payment_hash, over)
        except StoreError as error:  # the reconciler looks at it next
            log.warning("a QR code is not looked at: %s", error)
        except Exception:  # this thread's end, as above
            log.exception("a QR code is not looked at")
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())


def _shown(sale: Sale) -> bytes | None:
    text = sale.data.get(sales.QR)
    return bytes.fromhex(text) if text else None
