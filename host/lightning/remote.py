"""What every wallet behind HTTP has in common: when an answer is sure, and when it is not.

A payment is `Paid` only with a preimage that hashes, and `Failed` only when three things hold:
the wallet said no, it knows of no such payment that lives, and nothing that was asked or heard
before speaks against it (`doubts`); else it is `Unknown` (THREATS 5, 32).
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, decode, payable
from host.clock import Clock
from host.lightning.doubts import CalledPaid, Doubts
from host.lightning.http import HttpApi, KeyRefused, NoAnswer, NotSent, clean
from host.lightning.wallet import (
    Failed,
    Invoice,
    InvoiceState,
    Paid,
    PaymentResult,
    Unknown,
    Wallet,
    WalletError,
    WalletRefused,
)
from host.money import MAX_MSAT, MSAT_PER_SAT, check_amount

log = logging.getLogger(__name__)

POLL_S: Final = 1.0
_NAME: Final = re.compile(r"[0-9A-Za-z_.-]{1,128}")


class Watch(Protocol):
    """Waits for news of one invoice. News are hints: ask `invoice_state` for the truth."""

    def wait(self, timeout_s: float) -> bool:
        """True when it is time to ask, at the latest after `timeout_s`."""
        ...

    def close(self) -> None:
        """Stop waiting; wakes a waiter; a second call does nothing."""
        ...


class Poll:
    """The watch over a wallet that pushes nothing: it is time to ask once a second."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        self._closed.wait(min(timeout_s, POLL_S))
        return True

    def close(self) -> None:
        self._closed.set()


@dataclass(frozen=True, slots=True)
class Common:
    """What a remote wallet is given beside its settings; tests give other clocks."""

    network: Network
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic


class RemoteWallet(Wallet):
    """A wallet behind HTTP; a kind of wallet says how its service is asked."""

    whole_sat = True
    """The service counts in satoshi, so other amounts are refused and never rounded."""

    def __init__(self, name: str, api: HttpApi, common: Common) -> None:
        self.name = name
        self._api = api
        self._network = common.network
        self._clock = common.clock
        self._doubts = Doubts(common.monotonic)
        self._identity: str | None = None

    # -- what a kind of wallet says ---------------------------------------------------------

    @abstractmethod
    def _who(self) -> str:
        """What names this wallet for ever, after its kind: a node's public key, a wallet's id."""

    @abstractmethod
    def _check(self) -> None:
        """Raise `WalletDown` when the service, its network or our rights are not in order."""

    @abstractmethod
    def _state(self, payment_hash: bytes) -> InvoiceState:
        """What became of an invoice of ours."""

    @abstractmethod
    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        """The text of a new invoice, with the memo or with its hash."""

    @abstractmethod
    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        """Ask for a payment. `Failed` means only that the service said no: it is looked up.

        Raises `NoAnswer` when it may have been done, other `WalletError`s when surely not.
        """

    @abstractmethod
    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        """What the service knows; `Failed` when it failed there, `NotKnown` when it is not there.

        `CalledPaid` is for what has no proof.
        """

    # -- the wallet -------------------------------------------------------------------------

    def make_invoice(
        self, amount_msat: int, memo: str, expiry_s: int, *, hash_memo: bool = False
    ) -> Invoice:
        try:
            check_amount(amount_msat)
        except ValueError as error:
            raise WalletRefused(str(error)) from error
        if self.whole_sat and amount_msat % MSAT_PER_SAT:
            raise WalletRefused("this wallet makes invoices in whole satoshi only")
        with self._understood():
            text = self._create(amount_msat, memo, expiry_s, hash_memo)
        try:
            made = decode(text)
        except Bolt11Error as error:
            raise WalletRefused(f"{self.name} made an invoice that cannot be read") from error
        if (made.network, made.amount_msat) != (self._network, amount_msat):
            raise WalletRefused(f"{self.name} made an invoice for another network or amount")
        if hash_memo and made.description_hash != sha256(memo):
            raise WalletRefused(f"{self.name} made an invoice without the hash of its description")
        return Invoice(made.bolt11, made.payment_hash, amount_msat, made.expires_at)

    def identity(self) -> str:
        if self._identity is None:
            with self._understood():
                self._identity = self._who()
        return self._identity

    def check(self) -> None:
        with self._understood():
            self._check()

    def invoice_state(self, payment_hash: bytes) -> InvoiceState:
        with self._understood():
            return self._state(payment_hash)

    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        try:
            invoice = payable(bolt11, self._network)
        except Bolt11Error as error:
            return Failed(str(error))
        payment_hash = invoice.payment_hash
        if not self._doubts.begin(payment_hash):
            return Unknown("this payment is being sent right now")
        answered = True
        try:
            if self._clock.now() >= invoice.expires_at:
                return self._sure(payment_hash, Failed("the invoice has expired"))
            with self._understood():
                result = self._send(invoice, max_fee_msat)
            self._doubts.heard(payment_hash, result)
            return self._sure(payment_hash, result) if isinstance(result, Failed) else result
        except NoAnswer as error:
            answered = False
            return Unknown(str(error))
        finally:
            self._doubts.end(payment_hash, answered=answered)

    def lookup_payment(self, payment_hash: bytes) -> PaymentResult:
        result = self._known(payment_hash)
        if isinstance(result, Failed) and (why := self._doubts.against(payment_hash, result)):
            return Unknown(f"{why} ({result.reason})")
        return result

    def watch(self, payment_hash: bytes) -> Watch:
        """News of one invoice of ours: pushed where the service pushes, else polled."""
        del payment_hash
        return Poll()

    def close(self) -> None:
        self._api.close()

    def _known(self, payment_hash: bytes) -> PaymentResult:
        with self._understood():
            result = self._lookup(payment_hash)
        self._doubts.heard(payment_hash, result)
        return result

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """An answer without the fields that it should have says nothing."""
        try:
            yield
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise NoAnswer(f"{self.name} answered in a form that is not known") from error

    # -- for kinds of wallet ----------------------------------------------------------------

    def _sure(self, payment_hash: bytes, no: Failed) -> PaymentResult:
        """A "no" to a request of ours is a failure only when no such payment lives there."""
        try:
            known = self._known(payment_hash)
        except WalletError as error:
            return Unknown(f"{no.reason}; not confirmed: {error}")
        return no if isinstance(known, Failed) else known

    def _proof(self, payment_hash: bytes) -> PaymentResult:
        """The proof of a payment that was called done: never an error, and never a failure."""
        known = self._sure(payment_hash, Failed("called paid, but not listed yet"))
        return known if isinstance(known, Paid) else CalledPaid(known.reason)

    def _open_or_expired(self, expires_at_ms: int) -> InvoiceState:
        expired = self._clock.now() >= expires_at_ms
        return InvoiceState.EXPIRED if expired else InvoiceState.OPEN


@contextmanager
def before_sending() -> Iterator[None]:
    """Around questions that come before a payment: silence there means that nothing was sent."""
    try:
        yield
    except NoAnswer as error:
        raise NotSent(str(error)) from error


def paid(
    payment_hash: bytes, preimage: object, fee: object, *, unit_msat: int = 1
) -> PaymentResult:
    """A payment that the service calls done: it is, when its preimage hashes.

    `fee` is the field of the answer, in `unit_msat`. What it is does not make the proof any less:
    a fee that is none counts as nothing, or the money of a paid invoice would be held for ever.
    """
    try:
        raw = bytes.fromhex(str(preimage))
    except ValueError:
        raw = b""
    if len(raw) != 32 or hashlib.sha256(raw).digest() != payment_hash:
        return CalledPaid("called paid, but without the preimage that proves it")
    return Paid(raw, _fee_msat(fee, unit_msat))


def _fee_msat(fee: object, unit_msat: int) -> int:
    try:
        fee_msat = abs(whole(fee, "fee")) * unit_msat  # some services write what they took as less
    except NoAnswer as error:
        if fee is not None:
            log.warning("a payment is proven, its fee is not counted: %s", error)
        return 0
    if fee_msat > MAX_MSAT:
        log.warning("a payment is proven, its fee is not counted: %s", clean(fee, 40))
        return 0
    return fee_msat


def sha256(text: str) -> bytes:
    """The hash of a description."""
    return hashlib.sha256(text.encode()).digest()


def whole(value: object, field: str) -> int:
    """An integer of a service's answer, also as text; `NoAnswer` when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).removesuffix("msat") if isinstance(value, str) else ""
    if not text.removeprefix("-").isdecimal() or not text.isascii():
        raise NoAnswer(f"{clean(field)}: {clean(value, 40)!r} is no whole number")
    return int(text)


def named(kind: str, *parts: object) -> str:
    """An identity made of a service's answers; `NoAnswer` when one of them is no name."""
    if not all(isinstance(one, str) and _NAME.fullmatch(one) for one in parts):
        raise NoAnswer(f"{kind} does not say which wallet it is")
    return ":".join((kind, *map(str, parts)))


def key_refused(name: str, way_out: str) -> KeyRefused:
    """The error for credentials that are not accepted, with what to do."""
    return KeyRefused(f"{name} does not accept our credentials: {way_out}")
