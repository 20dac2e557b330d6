"""LNbits: REST for everything, a websocket per invoice for news.

Least rights: one wallet's admin key pays; its invoice key is enough for a wallet that only takes
money. Use a wallet of its own for the card pool: a key reaches everything in its wallet.

What its answers mean (LNbits 1.6, `core/services/payments.py`):
- 201 with `status` success and a preimage that hashes: paid. 201 pending: in flight.
- 520 with `status: failed` and 400: LNbits said no. It says so too when this very invoice is paid
  already, perhaps by us, so the payment is looked up before it counts as failed.
- 520 without that field comes from a proxy; it and all of 5xx: unknown.
- Before 1.0 there was no `status`, but `pending`; what had failed was deleted there.
- 404 for a payment is believed only from a service that accepts our key: for a key it does not
  know, LNbits answers about everybody's payments, or says that there is none.

LNbits takes no limit for a fee: it reserves by its own rule (`lnbits_reserve_fee_*`) and never pays
more than that. So the reserve is asked for first, and a payment that would leave LNbits with a
reserve above our limit is not sent; between wallets of one LNbits there is no fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from host.bolt11 import Bolt11Invoice, decode
from host.lightning.doubts import NotKnown
from host.lightning.http import (
    Answer,
    Endpoint,
    HttpApi,
    NoAnswer,
    Secret,
)
from host.lightning.push import Push
from host.lightning.remote import (
    Common,
    Poll,
    RemoteWallet,
    Watch,
    before_sending,
    key_refused,
    named,
    paid,
    sha256,
    whole,
)
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    PaymentResult,
    Unknown,
    WalletRefused,
)
from host.money import MSAT_PER_SAT

_PAYMENTS: Final = "/api/v1/payments"
_MAX_MEMO: Final = 640
_WAY_OUT: Final = "copy the wallet's admin key again"


@dataclass(frozen=True, slots=True)
class LnbitsSettings:
    """One wallet of an LNbits."""

    endpoint: Endpoint
    key: Secret
    """The wallet's admin key, or its invoice key when it never pays."""


def open_lnbits(settings: LnbitsSettings, common: Common) -> LnbitsWallet:
    """The wallet; nothing is asked yet."""
    return LnbitsWallet(settings, common)


class LnbitsWallet(RemoteWallet):
    """One wallet of an LNbits."""

    def __init__(self, settings: LnbitsSettings, common: Common) -> None:
        super().__init__(
            "LNbits", HttpApi(settings.endpoint, {"X-Api-Key": settings.key}, "LNbits"), common
        )
        self._key_print = f"key-{sha256(settings.key.reveal())[:8].hex()}"

    def _who(self) -> str:
        answer = self._api.get("/api/v1/wallet")
        self._check_key(answer)
        # An invoice key is not told the wallet's id, and pays nothing either.
        return named("lnbits", answer.record().get("id") or self._key_print)

    def _check(self) -> None:
        self._check_key(self._api.get("/api/v1/wallet"))

    def balance_msat(self) -> int:
        """What the wallet holds."""
        answer = self._api.get("/api/v1/wallet")
        self._check_key(answer)
        return whole(answer.record().get("balance"), "balance")

    def _state(self, payment_hash: bytes) -> InvoiceState:
        record = self._payment(payment_hash)
        if record is None:
            return InvoiceState.UNKNOWN
        details = record["details"]
        if record.get("paid") is True:
            return InvoiceState.PAID
        if whole(details.get("amount"), "amount") < 0:
            return InvoiceState.UNKNOWN  # a payment of ours to somebody else
        return self._open_or_expired(decode(str(details.get("bolt11"))).expires_at)

    def watch(self, payment_hash: bytes) -> Watch:
        path = f"/api/v1/ws/{payment_hash.hex()}"  # needs no key
        return Push.opened(self._api.endpoint, path) or Poll()

    # -- asking -----------------------------------------------------------------------------

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        body = {
            "out": False,
            "unit": "sat",
            "amount": amount_msat // MSAT_PER_SAT,
            "expiry": expiry_s,
        }
        if hash_memo:
            body["unhashed_description"] = memo.encode().hex()
        else:
            body["memo"] = memo[:_MAX_MEMO]
        answer = self._api.post(_PAYMENTS, body)
        self._check_known(answer)
        if answer.status in (400, 520):
            raise WalletRefused(f"LNbits: {answer.says('detail')}")
        if answer.status != 201:
            raise NoAnswer(f"LNbits answered {answer.status} to a new invoice")
        record = answer.record()
        return str(record.get("bolt11") or record.get("payment_request"))  # before 1.0

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        with before_sending():
            if self._leaves_with_more(invoice, max_fee_msat):
                return Failed("LNbits reserves more for the fee than is allowed")
        answer = self._api.post(
            _PAYMENTS,
            {"out": True, "bolt11": invoice.bolt11},
            read_s=self._api.endpoint.pay_s,
        )
        self._check_known(answer)
        if answer.status == 400:
            return Failed(f"LNbits: {answer.says('detail')}")
        record = answer.record()
        if answer.status == 520 and record.get("status") == "failed":
            return Failed(f"LNbits: {answer.says('detail')}")
        if (answer.status, record.get("status")) in ((520, "success"), (201, None)):
            return self._proof(invoice.payment_hash)
        if answer.status == 520 and record.get("status") == "pending":
            return Unknown(f"LNbits: {answer.says('detail')}")
        if answer.status != 201:
            raise NoAnswer(f"LNbits answered {answer.status} to a payment")
        return _result(invoice.payment_hash, record)

    def _leaves_with_more(self, invoice: Bolt11Invoice, max_fee_msat: int) -> bool:
        """True when this payment is not LNbits' own and may cost more than allowed."""
        answer = self._api.get(f"{_PAYMENTS}/fee-reserve?invoice={invoice.bolt11}")
        self._check_known(answer)
        if not answer.ok:
            raise NoAnswer(f"LNbits answered {answer.status} when asked for its fee")
        if whole(answer.record().get("fee_reserve"), "fee_reserve") <= max_fee_msat:
            return False
        # Asked without a key, LNbits says whether any of its wallets made this invoice.
        path = f"{_PAYMENTS}/{invoice.payment_hash.hex()}"
        return self._api.get(path, anonymous=True).status != 200

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        record = self._payment(payment_hash)
        if record is None:
            return NotKnown("LNbits knows no such payment")
        details = record["details"]
        amount = whole(details.get("amount"), "amount")
        if amount > 0:
            return NotKnown("LNbits knows it as an invoice of ours alone")
        if not amount:
            raise NoAnswer("LNbits does not say which way a payment went")
        return _result(payment_hash, {"status": _old_status(record, details), **details})

    def _payment(self, payment_hash: bytes) -> dict[str, Any] | None:
        """The record of a payment in our wallet, in or out; the outgoing one when both are."""
        answer = self._api.get(f"{_PAYMENTS}/{payment_hash.hex()}")
        if answer.status == 404:
            self._check_key(self._api.get("/api/v1/wallet"))
            return None
        if not answer.ok:
            self._check_known(answer)
            raise NoAnswer(f"LNbits answered {answer.status} to a look-up")
        record = answer.record()
        if not isinstance(record.get("details"), dict):  # only for the owner of the payment
            raise key_refused("LNbits", _WAY_OUT)
        return record

    def _check_key(self, answer: Answer) -> None:
        self._check_known(answer)
        if not answer.ok:
            raise NoAnswer(f"LNbits answered {answer.status} to a look at the wallet")

    @staticmethod
    def _check_known(answer: Answer) -> None:
        """LNbits answers 404 to a key that it does not know, and 307 before its first set-up."""
        if answer.status in (401, 403, 404):
            raise key_refused("LNbits", _WAY_OUT)


def _old_status(record: dict[str, Any], details: dict[str, Any]) -> str | None:
    """The status of a payment at an LNbits that has no such field."""
    if details.get("pending") is True:
        return "pending"
    return "success" if record.get("paid") is True else None


def _result(payment_hash: bytes, payment: dict[str, Any]) -> PaymentResult:
    match payment.get("status"):
        case "success":
            return paid(payment_hash, payment.get("preimage"), payment.get("fee"))
        case "failed":
            return Failed("LNbits: the payment failed")
        case "pending":
            return Unknown("LNbits: the payment is in flight")
        case other:
            raise NoAnswer(f"LNbits: a payment of state {other!r:.40}")
