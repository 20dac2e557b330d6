"""One interface to every wallet: how value moves over Lightning.

WalletError                 the wallet could not be asked; nothing is known, nothing changed
├── WalletDown              not reachable, or refuses our credentials: the Lightning dot goes red
└── WalletRefused           it understood and said no (for example an amount it cannot invoice)

`pay` never raises for a payment that may have left: it answers `Unknown`, and the money stays
held until `lookup_payment` knows (THREATS 5, 32).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum


class WalletError(Exception):
    """The wallet gave no usable answer; no payment was started by this call."""


class WalletDown(WalletError):
    """The wallet cannot be reached or does not accept our credentials."""


class WalletRefused(WalletError):
    """The wallet understood the request and refused it."""


@dataclass(frozen=True, slots=True)
class Paid:
    """The payment succeeded: `preimage` is 32 bytes whose SHA-256 is the payment hash."""

    preimage: bytes
    fee_msat: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The wallet is sure: this payment did not and will not happen; money may be released."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows yet. Money stays held; never sent again; ask `lookup_payment` later."""

    reason: str


PaymentResult = Paid | Failed | Unknown


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice the wallet made for us."""

    bolt11: str
    payment_hash: bytes
    amount_msat: int
    expires_at: int
    """UTC epoch milliseconds."""


class InvoiceState(StrEnum):
    """What became of an invoice of ours."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Wallet(ABC):
    """A Lightning wallet: invoices in, payments out, and the truth about both."""

    name: str
    simulated: bool = False

    @abstractmethod
    def make_invoice(
        self, amount_msat: int, memo: str, expiry_s: int, *, hash_memo: bool = False
    ) -> Invoice:
        """A new invoice; `WalletError` when there is none.

        `hash_memo` puts the memo's SHA-256 into the invoice in place of its text (LUD-06); the
        memo may then be of any length. It is the text that is given, because some nodes hash it
        themselves.
        """

    @abstractmethod
    def invoice_state(self, payment_hash: bytes) -> InvoiceState:
        """What became of an invoice of ours; `WalletError` when nobody answers."""

    @abstractmethod
    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        """Pay an invoice once. Asking again for the same payment hash never pays twice."""

    @abstractmethod
    def lookup_payment(self, payment_hash: bytes) -> PaymentResult:
        """What became of a payment of ours; `Failed` only when the wallet is sure it is none."""

    @abstractmethod
    def identity(self) -> str:
        """Which wallet this is, without any secret; `WalletError` while nobody can say.

        The same after a restart and with another key to the same wallet, another one for another
        wallet: what one was asked for, no other one knows of.
        """

    @abstractmethod
    def check(self) -> None:
        """Raise `WalletDown` with words a person can act on when the wallet cannot work now."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; a second call does nothing."""
