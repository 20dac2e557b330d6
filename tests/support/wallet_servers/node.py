"""A Lightning network of one process: accounts that make invoices and pay each other."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, decode
from host.clock import Clock
from tests.support.invoices import invoice_text

FEE_MSAT = 1_000
"""What every payment costs, unless told otherwise."""


@dataclass
class Made:
    """An invoice of an account."""

    account: str
    bolt11: str
    payment_hash: str
    preimage: str
    amount_msat: int
    description: str | bytes
    created_s: int
    expiry_s: int
    paid: bool = False


@dataclass
class Sent:
    """A payment of an account."""

    bolt11: str
    payment_hash: str
    amount_msat: int
    fee_msat: int
    state: str
    """`paid`, `failed` or `pending`."""
    preimage: str = ""
    reason: str = ""


class AlreadyPaid(Exception):
    """This account has paid it, or somebody has."""


class AlreadyInFlight(Exception):
    """This account is paying it."""


class CannotPay(Exception):
    """Nothing was started: no route, no balance, expired."""


@dataclass
class Net:
    """All accounts; safe for threads."""

    clock: Clock
    network: Network = Network.REGTEST
    fee_msat: int = FEE_MSAT
    plan: list[str] = field(default_factory=list)
    """What the next payments do: `paid` (the default), `failed` or `pending`."""
    balances: dict[str, int] = field(default_factory=dict)
    invoices: dict[str, Made] = field(default_factory=dict)
    payments: dict[tuple[str, str], Sent] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def node_id(self, account: str) -> str:
        """The public key of the node of an account."""
        return f"02{hashlib.sha256(account.encode()).hexdigest()}"

    def make(self, account: str, amount_msat: int, description: str | bytes, expiry_s: int) -> Made:
        preimage = secrets.token_bytes(32)
        now = self.clock.now()
        text = invoice_text(
            amount_msat,
            now=now,
            network=self.network,
            preimage=preimage,
            description=description,
            expiry_s=expiry_s,
        )
        payment_hash = hashlib.sha256(preimage).hexdigest()
        made = Made(
            account,
            text,
            payment_hash,
            preimage.hex(),
            amount_msat,
            description,
            now // 1_000,
            expiry_s,
        )
        with self.lock:
            self.invoices[payment_hash] = made
        return made

    def invoice(self, account: str, payment_hash: str) -> Made | None:
        made = self.invoices.get(payment_hash)
        return made if made is not None and made.account == account else None

    def state(self, made: Made) -> str:
        if made.paid:
            return "paid"
        expired = self.clock.now() >= 1_000 * (made.created_s + made.expiry_s)
        return "expired" if expired else "open"

    def pay(self, account: str, bolt11: str, max_fee_msat: int | None = None) -> Sent:
        """Pay once; raises one of the errors above when nothing is started."""
        with self.lock:
            invoice = self._payable(account, bolt11)
            payment_hash = invoice.payment_hash.hex()
            fee_msat = self.fee_msat
            if max_fee_msat is not None and fee_msat > max_fee_msat:
                raise CannotPay("no route within the fee limit")
            amount_msat = invoice.amount_msat or 0
            if self.balances[account] < amount_msat + fee_msat:
                raise CannotPay("insufficient balance")
            state = self.plan.pop(0) if self.plan else "paid"
            sent = Sent(bolt11, payment_hash, amount_msat, fee_msat, state, reason="no route")
            self.payments[account, payment_hash] = sent
            if state == "paid":
                self._settle(account, sent)
            return sent

    def resolve(self, account: str, payment_hash: str, *, paid: bool) -> None:
        """Decide a payment that is in flight."""
        with self.lock:
            sent = self.payments[account, payment_hash]
            sent.state = "paid" if paid else "failed"
            if paid:
                self._settle(account, sent)

    def _payable(self, account: str, bolt11: str) -> Bolt11Invoice:
        try:
            invoice = decode(bolt11)
        except Bolt11Error as error:
            raise CannotPay(str(error)) from error
        known = self.payments.get((account, invoice.payment_hash.hex()))
        if known is not None and known.state != "failed":
            raise AlreadyPaid if known.state == "paid" else AlreadyInFlight
        made = self.invoices.get(invoice.payment_hash.hex())
        if made is None or made.bolt11 != bolt11:
            raise CannotPay("no route")
        if made.paid:
            raise AlreadyPaid
        if self.state(made) == "expired":
            raise CannotPay("invoice expired")
        return invoice

    def _settle(self, account: str, sent: Sent) -> None:
        made = self.invoices[sent.payment_hash]
        made.paid = True
        sent.preimage = made.preimage
        self.balances[account] -= sent.amount_msat + sent.fee_msat
        self.balances[made.account] = self.balances.get(made.account, 0) + sent.amount_msat
