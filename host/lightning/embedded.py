"""The embedded wallet: a simulation that makes real signed invoices and settles between its own.

Every account is a node with a key of its own. All accounts of one file can pay each other;
nothing ever leaves the file, and its invoices are for regtest so that no real wallet takes them
for money. What a payment does can be scripted (`Fault`), because a real node cannot be told to
be slow, to fail or to stay silent.

The file stands for an external node: it survives the death of any process (`kill -9`), while a
power cut may cost its last moments, and several processes may share it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from coincurve import PrivateKey

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, encode, payable
from host.clock import Clock
from host.lightning.embedded_file import EmbeddedFile, KeptAccount, KeptInvoice, Tx
from host.lightning.wallet import (
    Failed,
    Invoice,
    InvoiceState,
    Paid,
    PaymentResult,
    Unknown,
    Wallet,
    WalletDown,
    WalletRefused,
)
from host.money import check_amount

_SECRET_BYTES = 32
_MAX_MEMO = 600  # an invoice's description field holds 639 bytes


class Fault(StrEnum):
    """What a scripted payment does."""

    OK = "ok"
    SLOW = "slow"
    """In flight for a while, then paid."""
    FAIL = "fail"
    UNKNOWN = "unknown"
    """In flight until `resolve` decides."""
    UNKNOWN_THEN_OK = "unknown-then-ok"
    """The answer is lost; the payment went through."""
    UNKNOWN_THEN_FAILED = "unknown-then-failed"
    """The answer is lost; the payment did not go through."""
    DOWN = "down"
    """The wallet does not answer; nothing was sent."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a payment goes on: its outcome, and whether `pay` gets to see it."""

    outcome: str | None
    seen: bool = True


_PLANS: Final = {
    Fault.OK: _Plan("paid"),
    Fault.SLOW: _Plan("paid"),
    Fault.FAIL: _Plan("failed"),
    Fault.UNKNOWN: _Plan(None, seen=False),
    Fault.UNKNOWN_THEN_OK: _Plan("paid", seen=False),
    Fault.UNKNOWN_THEN_FAILED: _Plan("failed", seen=False),
}


class EmbeddedWallet(Wallet):
    """One account of an embedded wallet's file, opened (and made when new) by its name.

    `fee_msat` is what each payment costs its payer. `pause` waits the seconds of a slow payment;
    tests inject one that waits for an event.
    """

    simulated = True

    def __init__(
        self,
        path: Path,
        account: str,
        clock: Clock,
        *,
        network: Network = Network.REGTEST,
        fee_msat: int = 0,
        slow_ms: int = 5_000,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = f"embedded simulation ({account})"
        self.account = account
        self._clock = clock
        self._network = network
        self._fee_msat = fee_msat
        self._slow_ms = slow_ms
        self._pause = pause
        self._file = EmbeddedFile(path)
        self._file.transaction(lambda tx: tx.add_account(account, _new_node_secret()))
        self._node_secret = self._file.transaction(lambda tx: tx.node_secret(account))

    def identity(self) -> str:
        """The account's node: another account or another file is another wallet."""
        return f"embedded:{self.account}:{self.node_id.hex()}"

    # -- the wallet -------------------------------------------------------------------------

    def make_invoice(
        self, amount_msat: int, memo: str, expiry_s: int, *, hash_memo: bool = False
    ) -> Invoice:
        try:
            check_amount(amount_msat)
        except ValueError as error:
            raise WalletRefused(str(error)) from error
        preimage = secrets.token_bytes(_SECRET_BYTES)
        payment_hash = hashlib.sha256(preimage).digest()
        now = self._clock.now()
        text = encode(
            network=self._network,
            amount_msat=amount_msat,
            payment_hash=payment_hash,
            payment_secret=secrets.token_bytes(_SECRET_BYTES),
            description=_description(memo, hash_memo),
            created_at=now,
            secret=self._node_secret,
            expiry_s=expiry_s,
        )
        expires_at = now - now % 1_000 + expiry_s * 1_000
        invoice = Invoice(text, payment_hash, amount_msat, expires_at)
        self._file.transaction(lambda tx: self._keep(tx, invoice, preimage))
        return invoice

    def invoice_state(self, payment_hash: bytes) -> InvoiceState:
        return self._file.transaction(lambda tx: self._invoice_state(tx, payment_hash))

    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        try:
            invoice = payable(bolt11, self._network)
        except Bolt11Error as error:
            return Failed(str(error))
        fault, result = self._file.transaction(lambda tx: self._begin(tx, invoice, max_fee_msat))
        if fault is Fault.DOWN:  # raised here, so that using up the script is kept
            raise WalletDown("the embedded wallet was told to be down")
        if fault is Fault.SLOW:
            return self._finish_slowly(invoice.payment_hash)
        return result

    def _finish_slowly(self, payment_hash: bytes) -> PaymentResult:
        """Wait, then end a payment that is in flight, however far the clock is."""
        self._pause(self._slow_ms / 1_000)
        try:
            return self._file.transaction(lambda tx: self._finish(tx, payment_hash))
        except WalletDown as error:  # it has left: never an exception
            return Unknown(str(error))

    def lookup_payment(self, payment_hash: bytes) -> PaymentResult:
        return self._file.transaction(lambda tx: self._lookup(tx, payment_hash))

    def check(self) -> None:
        self._file.transaction(self._must_be_up)

    def close(self) -> None:
        self._file.close()

    # -- the simulation ---------------------------------------------------------------------

    def fund(self, amount_msat: int) -> None:
        """Give this account play money."""
        check_amount(amount_msat)
        self._file.transaction(lambda tx: tx.credit(self.account, amount_msat))

    def balance_msat(self) -> int:
        """What this account can spend now; money in flight is not counted."""
        return self._file.transaction(lambda tx: tx.account(self.account).balance_msat)

    def script(self, *faults: Fault) -> None:
        """Let the next payments of this account do this, one after the other."""
        self._file.transaction(lambda tx: tx.add_script(self.account, [str(f) for f in faults]))

    def script_default(self, fault: Fault) -> None:
        """Let all payments do this that have no script of their own; `DOWN` downs everything."""
        self._file.transaction(lambda tx: tx.set_default(self.account, fault))

    def resolve(self, payment_hash: bytes, *, paid: bool) -> None:
        """Decide a payment that is in flight."""
        outcome = "paid" if paid else "failed"
        now = self._clock.now()
        self._file.transaction(lambda tx: tx.decide(self.account, payment_hash, outcome, now))

    @property
    def node_id(self) -> bytes:
        """The account's node id, as its invoices name it."""
        return PrivateKey(self._node_secret).public_key.format()

    # -- inside a transaction ---------------------------------------------------------------

    def _keep(self, tx: Tx, invoice: Invoice, preimage: bytes) -> None:
        self._must_be_up(tx)
        tx.add_invoice(self.account, invoice, preimage)

    def _must_be_up(self, tx: Tx) -> KeptAccount:
        account = tx.account(self.account)
        if account.fault == Fault.DOWN:
            raise WalletDown("the embedded wallet was told to be down")
        return account

    def _invoice_state(self, tx: Tx, payment_hash: bytes) -> InvoiceState:
        self._must_be_up(tx)
        tx.advance(payment_hash, self._clock.now())
        invoice = tx.invoice(payment_hash)
        if invoice is None or invoice.account != self.account:
            return InvoiceState.UNKNOWN
        if invoice.paid:
            return InvoiceState.PAID
        return (
            InvoiceState.EXPIRED if self._clock.now() >= invoice.expires_at else InvoiceState.OPEN
        )

    def _begin(
        self, tx: Tx, invoice: Bolt11Invoice, max_fee_msat: int
    ) -> tuple[Fault, PaymentResult]:
        """Start a payment once: what was started before is only looked up."""
        account = self._must_be_up(tx)
        now, payment_hash = self._clock.now(), invoice.payment_hash
        known = self._known(tx, payment_hash)
        if not isinstance(known, Failed):
            return Fault.OK, known
        fault = Fault(tx.next_script(self.account) or account.fault)
        if fault is Fault.DOWN:
            return fault, known
        kept = tx.invoice(payment_hash)
        reason = self._refusal(kept, invoice, account, max_fee_msat)
        if kept is None or reason is not None:
            tx.add_failed(self.account, payment_hash, reason or "", now)
            return Fault.FAIL, Failed(reason or "")
        if fault is Fault.OK:
            tx.pay(self.account, payment_hash, kept, self._fee_msat, now)
            return fault, Paid(kept.preimage, self._fee_msat)
        plan = _PLANS[fault]
        due_at = now + (self._slow_ms if fault is Fault.SLOW else 0)
        total_msat = kept.amount_msat + self._fee_msat
        tx.begin(self.account, payment_hash, total_msat, self._fee_msat, plan.outcome, due_at)
        if not plan.seen:
            return fault, Unknown("no answer from the embedded wallet")
        return fault, self._known(tx, payment_hash)

    def _refusal(
        self,
        kept: KeptInvoice | None,
        invoice: Bolt11Invoice,
        account: KeptAccount,
        max_fee_msat: int,
    ) -> str | None:
        """Why a payment cannot even start: sure, so it is a failure and not an unknown."""
        if kept is None or kept.bolt11 != invoice.bolt11:
            return "no route: the embedded wallet pays only its own accounts"
        if kept.paid:
            return "the invoice is already paid"
        if self._clock.now() >= kept.expires_at:
            return "the invoice has expired"
        if self._fee_msat > max_fee_msat:
            return "the fee is above the limit"
        if account.balance_msat < kept.amount_msat + self._fee_msat:
            return "the wallet's balance is too low"
        return None

    def _finish(self, tx: Tx, payment_hash: bytes) -> PaymentResult:
        tx.decide(self.account, payment_hash, None, self._clock.now())
        return self._known(tx, payment_hash)

    def _lookup(self, tx: Tx, payment_hash: bytes) -> PaymentResult:
        self._must_be_up(tx)
        return self._known(tx, payment_hash)

    def _known(self, tx: Tx, payment_hash: bytes) -> PaymentResult:
        payment = tx.payment(self.account, payment_hash)
        if payment is not None and payment.state == "pending":
            tx.advance(payment_hash, self._clock.now())
            payment = tx.payment(self.account, payment_hash)
        if payment is None:
            return Failed("no such payment")
        if payment.state == "failed":
            return Failed(payment.reason)
        if payment.state == "pending":
            return Unknown("the payment is in flight")
        return Paid(payment.preimage, payment.fee_msat)


def _description(memo: str, hashed: bool) -> str | bytes:
    raw = memo.encode()
    return hashlib.sha256(raw).digest() if hashed else raw[:_MAX_MEMO].decode(errors="ignore")


def _new_node_secret() -> bytes:
    return PrivateKey().secret
