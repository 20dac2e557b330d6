"""LND: its REST gateway, with a macaroon.

Least rights, baked for this alone:

    lncli bakemacaroon uri:/lnrpc.Lightning/GetInfo uri:/lnrpc.Lightning/AddInvoice \\
        uri:/lnrpc.Lightning/LookupInvoice uri:/routerrpc.Router/SendPaymentV2 \\
        uri:/routerrpc.Router/TrackPaymentV2 uri:/invoicesrpc.Invoices/SubscribeSingleInvoice

The last one is for news of an invoice, as they come; without it LND is asked once a second.

LND's certificate is its own: give `tls.cert` as `ca_file`, or its SHA-256 as `cert_sha256`.

What its answers mean (`lnrpc/routerrpc/router.proto`):
- `SUCCEEDED` with a preimage that hashes: paid. `IN_FLIGHT`, `INITIATED`: in flight.
- `FAILED`: LND has given up all attempts; no part is in flight any more.
- A gRPC error before that ("invoice is already paid", "payment is in transition", "invoice
  expired", ...): LND said no to this request; the payment is tracked before it counts as failed.
- 502 to 504 come from a proxy, whatever the body: unknown.
- Code 5 from tracking: no such payment. Unavailable, cancelled, deadline, internal: unknown; and so
  is a bare "Not Found", which is the gateway's: it has no such address, and LND was not asked.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from host.bolt11 import Bolt11Invoice
from host.lightning.doubts import NotKnown
from host.lightning.http import BETWEEN, Answer, Endpoint, HttpApi, NoAnswer, Secret, clean
from host.lightning.push import Stream
from host.lightning.remote import (
    Common,
    RemoteWallet,
    Watch,
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
    WalletDown,
    WalletRefused,
)

_CODES: Final = range(17)
"""What gRPC knows; another number is that of somebody in between."""
_NOT_FOUND: Final = 5
_NO_TELLING: Final = {1, 4, 8, 13, 14, 15}  # cancelled, deadline, exhausted, internal, …
_DENIED: Final = {7, 16}
_MAX_MEMO: Final = 639
_WAY_OUT: Final = "bake the macaroon again, with the rights that the documentation names"


@dataclass(frozen=True, slots=True)
class LndSettings:
    """One LND node."""

    endpoint: Endpoint
    macaroon: Secret
    """In hex, as `Secret.read_binary` reads it from a `.macaroon` file."""


def open_lnd(settings: LndSettings, common: Common) -> LndWallet:
    """The wallet; nothing is asked yet."""
    return LndWallet(settings, common)


class LndWallet(RemoteWallet):
    """One LND node."""

    whole_sat = False

    def __init__(self, settings: LndSettings, common: Common) -> None:
        headers = {"Grpc-Metadata-macaroon": settings.macaroon}
        super().__init__("LND", HttpApi(settings.endpoint, headers, "LND"), common)

    def _who(self) -> str:
        return named("lnd", _ok(self._api.get("/v1/getinfo")).get("identity_pubkey"))

    def _check(self) -> None:
        record = _ok(self._api.get("/v1/getinfo"))
        networks = {chain.get("network") for chain in record.get("chains", [])}
        if str(self._network) not in networks:
            raise WalletDown(f"LND is on {clean(networks)}, not on {self._network}")
        if record.get("synced_to_chain") is not True:
            raise WalletDown("LND is not synchronised with the chain yet")

    def excess(self) -> str:
        """What the macaroon opens that it should not; nothing here needs the chain's wallet."""
        if not self._api.get("/v1/balance/blockchain").ok:
            return ""
        return "the macaroon may do more than is needed: bake one as the documentation says"

    def _state(self, payment_hash: bytes) -> InvoiceState:
        answer = self._api.get(f"/v1/invoice/{payment_hash.hex()}")
        if not answer.ok:
            code, message = _error(answer.record())
            _check_path(answer.record())
            if code == _NOT_FOUND or "unable to locate invoice" in message:
                return InvoiceState.UNKNOWN
        record = _ok(answer)
        match record.get("state"):
            case "SETTLED":
                return InvoiceState.PAID
            case "CANCELED":
                return InvoiceState.EXPIRED
            case _:
                made_s = whole(record.get("creation_date"), "creation_date")
                return self._open_or_expired(1_000 * (made_s + whole(record["expiry"], "expiry")))

    def watch(self, payment_hash: bytes) -> Watch:
        which = base64.urlsafe_b64encode(payment_hash).decode()
        return Stream(self._api, f"/v2/invoices/subscribe/{which}")

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        body = {"value_msat": str(amount_msat), "expiry": str(expiry_s)}
        if hash_memo:
            body["description_hash"] = base64.b64encode(sha256(memo)).decode()
        else:
            body["memo"] = memo.encode()[:_MAX_MEMO].decode(errors="ignore")
        return str(_ok(self._api.post("/v1/invoices", body)).get("payment_request"))

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        pay_s = self._api.endpoint.pay_s
        body = {
            "payment_request": invoice.bolt11,
            "timeout_seconds": max(1, int(pay_s) - 10),  # LND gives up before we stop listening
            "fee_limit_msat": str(max_fee_msat),
            "no_inflight_updates": True,
        }
        begun = False
        for status, line in self._api.lines("POST", "/v2/router/send", body, pay_s):
            if "result" not in line:
                code, message = _error(line)
                if begun or code in _NO_TELLING or status in BETWEEN:
                    raise NoAnswer(f"LND: {message}")
                _check_rights(code, message)
                return Failed(f"LND: {message}")
            result = _result(invoice.payment_hash, line["result"])
            if not isinstance(result, Unknown):
                return result
            begun = True
        raise NoAnswer("LND ended its answer without a result")

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        which = base64.urlsafe_b64encode(payment_hash).decode()
        path = f"/v2/router/track/{which}"
        for _, line in self._api.lines("GET", path, None, self._api.endpoint.read_s):
            if "result" in line:
                return _result(payment_hash, line["result"])
            _check_path(line)
            code, message = _error(line)
            if code == _NOT_FOUND:
                return NotKnown("LND knows no such payment")
            _check_rights(code, message)
            raise NoAnswer(f"LND: {message}")
        raise NoAnswer("LND ended its answer without a result")


def _result(payment_hash: bytes, payment: dict[str, Any]) -> PaymentResult:
    match payment.get("status"):
        case "SUCCEEDED":
            return paid(payment_hash, payment.get("payment_preimage"), payment.get("fee_msat"))
        case "FAILED":
            return Failed(f"LND: {clean(payment.get('failure_reason'))}")
        case status:
            return Unknown(f"LND: the payment is {clean(status)}")


def _error(record: dict[str, Any]) -> tuple[int, str]:
    """Code and message of a gRPC error, bare or (in a stream) inside `error`."""
    inner = record.get("error")
    error = inner if isinstance(inner, dict) else record
    code = error.get("code", error.get("grpc_code"))
    if not isinstance(code, int) or code not in _CODES:
        raise NoAnswer("LND answered neither a result nor an error")
    return code, clean(error.get("message"))


def _check_path(record: dict[str, Any]) -> None:
    """The gateway in front of LND has no such path: a wrong address, or an LND too old or new."""
    if record.get("code") == _NOT_FOUND and record.get("message") == "Not Found":
        raise WalletDown("LND: there is nothing at this address; check wallet.lnd.url")


def _ok(answer: Answer) -> dict[str, Any]:
    """The record of a success, or the error of what is none. Not for payments."""
    if answer.ok:
        return answer.record()
    code, message = _error(answer.record())
    _check_rights(code, message)
    if code in _NO_TELLING:
        raise NoAnswer(f"LND: {message}")
    raise WalletRefused(f"LND: {message}")


def _check_rights(code: int, message: str) -> None:
    """LND answers "unknown" (2) to a macaroon that it does not accept."""
    if code in _DENIED or (
        code == 2 and any(word in message for word in ("macaroon", "permission denied"))
    ):
        raise key_refused("LND", _WAY_OUT)
