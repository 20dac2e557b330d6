"""Other issuers' cards at our till (DESIGN, "The way of a tap", step 5).

The order that keeps money safe:

1. The sale is authorising before anybody is asked: the screen says "Card read", nothing is paid.
2. The invoice is ours, for exactly the sale's amount, and its row is durable before it leaves.
3. The sale is approved when our wallet says that this invoice is paid, whatever the issuer says.
4. While it may still be paid the sale is locked (`checking`), also over a restart; only an invoice
   that has expired for sure opens the sale for another card.
5. An invoice paid after its sale was over is told as `sale.paid_late`.

The reader's thread only starts this: each charge has a thread of its own, bounded by the guard's
deadline, and the reconciler goes on where such a thread ended.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from host.bolt11 import Network
from host.clock import HOUR, MINUTE, SECOND, Clock, Steps
from host.invoices import ENOUGH_MS, SaleInvoices
from host.ledger import incoming, looks, sales, wallets
from host.ledger.attempts import Laid
from host.ledger.codes import Code, Refused
from host.ledger.incoming import FRESH, SaleInvoice
from host.ledger.records import Sale, SaleState
from host.lightning.wallet import Invoice, InvoiceState, Wallet, WalletError
from host.lnurl import codec
from host.lnurl.client import (
    Accepted,
    ForeignError,
    LnurlClient,
    RefusedByIssuer,
    WithdrawRequest,
)
from host.pinpad import PinPad
from host.store.engine import Engine
from host.store.errors import StoreError
from host.store.tx import Tx

log = logging.getLogger(__name__)

LIFE_MS: Final = 2 * MINUTE
"""How long an invoice lives at least: issuers need time, and a locked till must come free."""
LONGEST_MS: Final = 5 * MINUTE
GRACE_MS: Final = 15 * SECOND
"""After its expiry, until "expired" is believed: clocks differ, payments end on their way."""
UNKNOWN_MS: Final = HOUR
"""After its expiry, until a wallet that does not know the invoice any more is believed."""
WAIT_S: Final = 10.0
"""How long "Card read" is shown before the sale counts as being checked."""
REST_S: Final = 0.5
_MANY: Final = 1_000
_PIN_CODES: Final = (Code.PIN_REQUIRED, Code.PIN_WRONG)


@dataclass(frozen=True, slots=True)
class Job:
    """One presentation of a foreign card for one sale."""

    sale: Sale
    text: str = field(repr=False)
    request: WithdrawRequest | None = None
    pin: str | None = field(default=None, repr=False)


class ForeignCards:
    """Charges cards of other issuers, and watches our invoices until nothing can change."""

    def __init__(
        self,
        db: Engine,
        wallet: Wallet,
        client: LnurlClient,
        clock: Clock,
        pads: PinPad,
        *,
        network: Network,
        wait_s: float = WAIT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._wallet = wallet
        self._client = client
        self._clock = clock
        self._pads = pads
        self._invoices = SaleInvoices(db, wallet, clock, network)
        self._wait_s = wait_s
        self._monotonic = monotonic
        self._lives_until: dict[bytes, float] = {}
        """By a clock that nobody sets: one that jumps ahead must not end an invoice."""
        self._lock = threading.Lock()
        self._busy: dict[threading.Thread, str] = {}
        """Which thread is at work on which sale."""
        self._stopping = threading.Event()
        self._steps = Steps(clock)
        self._everything = True

    # -- charging ---------------------------------------------------------------------------

    def charge(self, sale: Sale, text: str) -> Refused | None:
        """Begin to charge the card that says `text`; what comes of it is in the sale.

        Returns at once: the sale is durably authorising, and the card may be removed.
        """
        return self._begin(Job(sale, text))

    def _begin(self, job: Job) -> Refused | None:
        if self._stopping.is_set():
            return Refused(Code.STORE_OFFLINE)
        sale_id = job.sale.sale_id
        thread = threading.Thread(target=self._run, args=(job,), name="foreign card", daemon=True)
        with self._lock:  # first, so that the reconciler leaves the sale to this thread
            self._busy[thread] = sale_id
        moved = None
        try:
            moved = sales.move(self._db, sale_id, SaleState.AUTHORISING, data=FRESH)
        finally:
            if moved is None:
                self._done(thread)
        if moved is None:
            return Refused(Code.SALE_CLOSED)
        thread.start()
        return None

    def _run(self, job: Job) -> None:
        try:
            self._charge(job)
        except StoreError as error:
            log.error("foreign card: sale %s is left to be looked at: %s", job.sale.sale_id, error)
        except Exception:  # this thread's end: the reconciler goes on from what is durable
            log.exception("foreign card: sale %s is left to be looked at", job.sale.sale_id)
        finally:
            self._done(threading.current_thread())

    def _done(self, thread: threading.Thread) -> None:
        with self._lock:
            self._busy.pop(thread, None)

    def _charge(self, job: Job) -> None:
        try:
            request = job.request or self._client.ask(job.text)
        except ForeignError as error:
            return self._decline(job, error.code, str(error))
        refused = _unfit(request, job.sale.amount_msat)
        if refused is not None:
            return self._decline(job, refused, request.host)
        if job.pin is None and request.needs_pin(job.sale.amount_msat):
            return self._ask_pin(job, request, Code.PIN_REQUIRED)
        try:
            invoice = self._invoice(job.sale)
        except WalletError as error:  # nothing was handed over
            return self._decline(job, Code.LIGHTNING_FAILED, str(error))
        self._hand_over(job, request, invoice)
        return None

    def _hand_over(self, job: Job, request: WithdrawRequest, invoice: Invoice) -> None:
        """From here on the invoice may be paid, so every way on looks at it first."""
        payment_hash, text = invoice.payment_hash, invoice.bolt11
        if not incoming.offer(
            self._db, job.sale, payment_hash, text, invoice.expires_at, request.host
        ):
            return
        self._sight(payment_hash, invoice.expires_at)
        try:
            answer = self._client.submit(request, text, job.pin)
        except ForeignError as error:  # nothing has left, this time
            answer = RefusedByIssuer(str(error), error.code)
        if isinstance(answer, RefusedByIssuer):  # not to be believed: the invoice stays watched
            if not self._is_paid(payment_hash):
                self._refused(job, request, answer)
            return
        if not self._paid_soon(payment_hash, self._wait_s if isinstance(answer, Accepted) else 0.0):
            sales.move(self._db, job.sale.sale_id, SaleState.CHECKING, code=Code.LIGHTNING_UNKNOWN)

    def _refused(self, job: Job, request: WithdrawRequest, answer: RefusedByIssuer) -> None:
        if answer.code in _PIN_CODES:
            self._ask_pin(job, request, answer.code)
        else:
            self._decline(job, answer.code, answer.words)

    def _ask_pin(self, job: Job, request: WithdrawRequest, code: Code) -> None:
        """The same tap goes on with the PIN; another card takes its place."""
        again = Job(job.sale, job.text, request)

        def entered(pin: str) -> Refused | None:
            return self._begin(replace(again, pin=pin))

        self._pads.wait(job.sale.terminal_id, job.sale.sale_id, entered)
        self._decline(job, code, "")

    def _decline(self, job: Job, code: Code, words: str) -> None:
        told, laid = {**FRESH, "words": words}, Laid(host=_host(job.text))
        incoming.decline(self._db, job.sale.sale_id, code, told, laid)

    # -- our invoice ------------------------------------------------------------------------

    def _invoice(self, sale: Sale) -> Invoice:
        left_ms = sale.expires_at - self._clock.now() + ENOUGH_MS
        return self._invoices.of(sale, min(max(LIFE_MS, left_ms), LONGEST_MS))

    def _paid_soon(self, payment_hash: bytes, within_s: float) -> bool:
        """True when the invoice is paid within the time; then the sale is approved."""
        deadline = time.monotonic() + within_s

        def over() -> bool:
            return self._stopping.is_set() or time.monotonic() >= deadline

        return self._invoices.follow(payment_hash, over)

    def _is_paid(self, payment_hash: bytes) -> bool:
        return self._invoices.look(payment_hash) is InvoiceState.PAID

    # -- reconciling ------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Look at what is due until told to stop: the body of a supervised thread."""
        while not stop.is_set():
            try:
                self.step()
            except StoreError as error:
                log.warning("invoices not looked at: %s", error)
            stop.wait(REST_S)

    def step(self) -> int:
        """Look at what is due now; how many invoices that were.

        The first look is at all of them, and so is one after the clock was set back.
        """
        for sale in sales.unfinished(self._db):
            if not self._is_busy(sale.sale_id):
                self._take_over(sale.sale_id)
        self._everything = self._steps.back() or self._everything
        found = incoming.due(self._db, everything=self._everything)
        for invoice in found:
            if self._stopping.is_set():
                return 0
            self._check(invoice)
        self._everything = False
        return len(found)

    def _is_busy(self, sale_id: str) -> bool:
        with self._lock:
            return sale_id in self._busy.values()

    def _take_over(self, sale_id: str) -> None:
        """A sale whose thread is gone: what was handed over decides.

        Asked again under the write lock: a thread counts as busy before its sale is authorising
        and until its sale is something else.
        """

        def go_on(tx: Tx) -> None:
            sale = sales.get(tx, sale_id)
            if sale is None or sale.state not in _UNFINISHED or self._is_busy(sale_id):
                return
            if not incoming.offered(tx, sale_id):  # nobody has an invoice: nobody can pay it
                incoming.decline(tx, sale_id, Code.LIGHTNING_FAILED, FRESH)
            elif sale.state is SaleState.AUTHORISING:
                sales.move(tx, sale_id, SaleState.CHECKING, code=Code.LIGHTNING_UNKNOWN)

        self._db.transaction(go_on)

    def _check(self, invoice: SaleInvoice) -> None:
        payment_hash = invoice.payment_hash
        self._sight(payment_hash, invoice.expires_at)
        try:
            state = self._wallet.invoice_state(payment_hash)
        except WalletError as error:
            log.warning("invoice of sale %s: %s", invoice.sale_id, error)
            return incoming.postpone(self._db, payment_hash)
        if state is InvoiceState.PAID:
            incoming.settle(self._db, payment_hash)
        elif self._is_over(invoice, state):
            incoming.end(self._db, payment_hash)
        else:
            incoming.postpone(self._db, payment_hash)
        return None

    def _sight(self, payment_hash: bytes, expires_at: int) -> None:
        """Note, at the first sight of an invoice, how long it lives at least."""
        left_s, now = max(0, expires_at - self._clock.now()) / SECOND, self._monotonic()
        if len(self._lives_until) >= _MANY:  # those that have lived are known to have, without this
            lives = self._lives_until.items()
            self._lives_until = {one: until for one, until in lives if until > now}
        self._lives_until.setdefault(payment_hash, now + left_s)

    def _is_over(self, invoice: SaleInvoice, state: InvoiceState) -> bool:
        """True when nobody can pay it any more, for sure."""
        if invoice.state is not looks.InvoiceState.OFFERED or state not in _BELIEVED_MS:
            return False
        if state is InvoiceState.UNKNOWN and not self._made_here(invoice):
            return False
        since_ms = self._clock.now() - invoice.expires_at
        lived = self._monotonic() >= self._lives_until.get(invoice.payment_hash, math.inf)
        return lived and since_ms >= _BELIEVED_MS[state]

    def _made_here(self, invoice: SaleInvoice) -> bool:
        """Whether our wallet made it: only then it means something that it does not know it."""
        try:
            return wallets.knows(self._db, self._wallet.identity(), invoice.offered_at)
        except WalletError:
            return False

    # -- the end ----------------------------------------------------------------------------

    def stop(self, deadline_s: float = 2.0) -> None:
        """Begin nothing more and wait a little; what is then unknown is checked after a start."""
        self._stopping.set()
        deadline = time.monotonic() + deadline_s
        with self._lock:
            threads = list(self._busy)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


_BELIEVED_MS: Final = {InvoiceState.EXPIRED: GRACE_MS, InvoiceState.UNKNOWN: UNKNOWN_MS}
"""How long after an invoice's expiry a wallet that says so is believed."""

_UNFINISHED: Final = (SaleState.AUTHORISING, SaleState.CHECKING)


def _unfit(request: WithdrawRequest, amount_msat: int) -> Code | None:
    """Why the issuer would not pay this amount, before anything is handed over."""
    if amount_msat < request.min_msat:
        return Code.AMOUNT_LOW
    return Code.LIMIT_TAP if amount_msat > request.max_msat else None


def _host(text: str) -> str:
    """The issuer that a card's address names; empty where it names none."""
    try:
        return urlsplit(codec.decode(text).url).hostname or ""
    except ValueError:
        return ""
