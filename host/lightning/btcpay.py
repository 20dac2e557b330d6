"""BTCPay Server: the Lightning node of a store, through the Greenfield API.

Least rights of the API key, for this one store: `btcpay.store.canuselightningnode`,
`btcpay.store.cancreatelightninginvoice`, `btcpay.store.canviewlightninginvoice`. A wallet that only
takes money needs the last two.

What its answers mean (`swagger.template.lightning.store.json`,
`GreenfieldLightningNodeApiController.cs`):
- 200 and 202 with `status`: Complete with a preimage that hashes is paid; Pending, Unknown: in
  flight, because 202 comes after 30 s whatever the node does.
- 400 (`could-not-find-route`, `generic-error`) and 422: a "no" to this request. "Already paid" is
  among the generic ones, so the payment is looked up.
- 404 is believed only with the code `payment-not-found`: a store without a node answers 404 too.
- 503 `lightning-node-unavailable` comes for every exception, also after sending: unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from host.bolt11 import Bolt11Error, Bolt11Invoice, decode
from host.lightning.doubts import NotKnown
from host.lightning.http import Answer, Endpoint, HttpApi, NoAnswer, Secret, clean
from host.lightning.remote import Common, RemoteWallet, key_refused, named, paid, whole
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    PaymentResult,
    Unknown,
    WalletDown,
    WalletRefused,
)
from host.money import MSAT_PER_SAT

_STATES: Final = {"Paid": InvoiceState.PAID, "Expired": InvoiceState.EXPIRED}
_LEAST: Final = (
    "btcpay.store.canuselightningnode",
    "btcpay.store.cancreatelightninginvoice",
    "btcpay.store.canviewlightninginvoice",
)
_MAX_MEMO: Final = 600
_WAY_OUT: Final = "make the API key again, with the rights that the documentation names"


@dataclass(frozen=True, slots=True)
class BtcpaySettings:
    """One store of a BTCPay Server."""

    endpoint: Endpoint
    api_key: Secret
    store_id: str
    crypto_code: str = "BTC"


def open_btcpay(settings: BtcpaySettings, common: Common) -> BtcpayWallet:
    """The wallet; nothing is asked yet."""
    return BtcpayWallet(settings, common)


class BtcpayWallet(RemoteWallet):
    """The Lightning node of one store."""

    whole_sat = False
    rights: tuple[str, ...] = _LEAST
    """What the API key must be allowed for the store."""

    def __init__(self, settings: BtcpaySettings, common: Common) -> None:
        headers = {"Authorization": Secret(f"token {settings.api_key.reveal()}")}
        api = HttpApi(settings.endpoint, headers, "BTCPay Server")
        super().__init__("BTCPay Server", api, common)
        self._store_id = settings.store_id
        self._crypto_code = settings.crypto_code
        store, code = quote(settings.store_id, safe=""), quote(settings.crypto_code, safe="")
        self._path = f"/api/v1/stores/{store}/lightning/{code}"

    def _who(self) -> str:
        return named("btcpay", self._store_id, self._crypto_code)

    def _check(self) -> None:
        # The right to use the node is not the right to ask it about itself: so an invoice that
        # cannot be there is looked up, which reaches the node too.
        self._state(bytes(32))

    def excess(self) -> str:
        """The rights of the API key beyond those that are needed."""
        answer = self._api.get("/api/v1/api-keys/current")
        if not answer.ok:
            return ""
        known = {f"{right}:{self._store_id}" for right in self.rights}
        more = sorted(map(clean, set(answer.record().get("permissions") or ()) - known))
        return f"the API key may do more than is needed: {', '.join(more[:5])}" if more else ""

    def _state(self, payment_hash: bytes) -> InvoiceState:
        record = self._invoice(payment_hash)
        if record is None:
            return InvoiceState.UNKNOWN
        state = _STATES.get(str(record.get("status")))
        if state is not None:
            return state
        return self._open_or_expired(1_000 * whole(record.get("expiresAt"), "expiresAt"))

    def _invoice(self, payment_hash: bytes) -> dict[str, Any] | None:
        """Most nodes name an invoice by its hash; for the others all are looked through."""
        answer = self._api.get(f"{self._path}/invoices/{payment_hash.hex()}")
        if answer.ok:
            return answer.record()
        if _refusal(answer) != "invoice-not-found":
            raise WalletRefused(f"BTCPay Server: {answer.says('message')}")
        listed = self._api.get(f"{self._path}/invoices")
        if not listed.ok:
            _refusal(listed)
            return None
        found = listed.json()
        if not isinstance(found, list):
            raise NoAnswer("BTCPay Server answered no list of invoices")
        return next((one for one in found if _is_for(one, payment_hash)), None)

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        body = {"amount": str(amount_msat), "description": memo, "expiry": expiry_s}
        if hash_memo:
            body["descriptionHashOnly"] = True
        else:
            body["description"] = memo.encode()[:_MAX_MEMO].decode(errors="ignore")
        answer = self._api.post(f"{self._path}/invoices", body)
        if not answer.ok:
            _refusal(answer)
            raise WalletRefused(f"BTCPay Server: {answer.says('message')}")
        return str(answer.record().get("BOLT11"))

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        body = {"BOLT11": invoice.bolt11, "maxFeeFlat": str(max_fee_msat // MSAT_PER_SAT)}
        pay_s = self._api.endpoint.pay_s
        answer = self._api.post(f"{self._path}/invoices/pay", body, read_s=pay_s)
        if not answer.ok:
            _refusal(answer)
            return Failed(f"BTCPay Server: {answer.says('message')}")
        return _result(invoice.payment_hash, answer.record())

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        answer = self._api.get(f"{self._path}/payments/{payment_hash.hex()}")
        if answer.ok:
            return _result(payment_hash, answer.record())
        if _refusal(answer) == "payment-not-found":
            return NotKnown("BTCPay Server knows no such payment")
        raise NoAnswer(f"BTCPay Server answered {answer.status} to a look-up")


def _result(payment_hash: bytes, payment: dict[str, Any]) -> PaymentResult:
    match payment.get("status"):
        case "Complete":
            return paid(payment_hash, payment.get("preimage"), payment.get("feeAmount"))
        case "Failed":
            return Failed("BTCPay Server: the payment failed")
        case status:
            return Unknown(f"BTCPay Server: the payment is {clean(status).lower()}")


def _refusal(answer: Answer) -> str:
    """The code of a "no" that the application itself said; other errors are raised."""
    if answer.status in (401, 403):
        raise key_refused("BTCPay Server", _WAY_OUT)
    if answer.status not in (400, 404, 422):
        raise NoAnswer(f"BTCPay Server answered {answer.status}: {answer.says('code')}")
    if answer.status == 422:
        return "validation"
    code = str(answer.record().get("code"))
    if answer.status == 404 and code not in ("payment-not-found", "invoice-not-found"):
        raise WalletDown("BTCPay Server: no such store, or it has no Lightning node")
    return code


def _is_for(invoice: object, payment_hash: bytes) -> bool:
    try:
        return isinstance(invoice, dict) and (
            decode(str(invoice.get("BOLT11"))).payment_hash == payment_hash
        )
    except Bolt11Error:
        return False
