"""Core Lightning: CLNRest, with a rune. Needs v24.11 or later (`xpay`).

Least rights, a rune for this alone:

    lightning-cli createrune restrictions='[["method=getinfo", "method=invoice",
        "method=listinvoices", "method=xpay", "method=listpays"]]'

CLNRest's certificate is its own: give its `ca.pem` as `ca_file`, or pin it with `cert_sha256`.

What its answers mean (`doc/schemas/xpay.json`, `listpays.json`):
- `xpay` with a preimage that hashes: paid. It returns only when no attempt will follow.
- An error with a code (203 refused by the payee, 205 no route, 207 expired, 209 other, 219 paid
  already): that command is over; `listpays` decides, because parts may still be in flight.
- `listpays` says `failed` between two attempts of a command that goes on. So after a request that
  was not answered, a "no" counts only once `retry_for` is over (`doubts`).
- Anything that is no JSON-RPC error, or comes from a proxy (502 to 504): unknown.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from host.bolt11 import Bolt11Invoice
from host.lightning.doubts import QUIET_S, NotKnown
from host.lightning.http import BETWEEN, Answer, Endpoint, HttpApi, NoAnswer, Secret, clean
from host.lightning.remote import Common, RemoteWallet, key_refused, named, paid, whole
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    PaymentResult,
    Unknown,
    WalletDown,
    WalletRefused,
)

_RUNE_CODES: Final = range(1500, 1510)
_NETWORKS: Final = {"bitcoin": "mainnet"}
_STATES: Final = {
    "paid": InvoiceState.PAID,
    "unpaid": InvoiceState.OPEN,
    "expired": InvoiceState.EXPIRED,
}
_MAX_MEMO: Final = 600
_NONE: Final = "Core Lightning knows no such payment"
_WAY_OUT: Final = "make the rune again, with the rights that the documentation names"


@dataclass(frozen=True, slots=True)
class ClnSettings:
    """One Core Lightning node."""

    endpoint: Endpoint
    rune: Secret


def open_cln(settings: ClnSettings, common: Common) -> ClnWallet:
    """The wallet; nothing is asked yet."""
    return ClnWallet(settings, common)


class ClnWallet(RemoteWallet):
    """One Core Lightning node."""

    whole_sat = False

    def __init__(self, settings: ClnSettings, common: Common) -> None:
        api = HttpApi(settings.endpoint, {"Rune": settings.rune}, "Core Lightning")
        super().__init__("Core Lightning", api, common)

    def _who(self) -> str:
        return named("cln", self._ok("getinfo", {}).get("id"))

    def _check(self) -> None:
        name = str(self._ok("getinfo", {}).get("network"))
        if _NETWORKS.get(name, name) != str(self._network):
            raise WalletDown(f"Core Lightning is on {clean(name)}, not on {self._network}")

    def excess(self) -> str:
        """What the rune opens that it should not; nothing here needs the node's funds."""
        if not self._api.post("/v1/listfunds", {}).ok:
            return ""
        return "the rune may do more than is needed: make one as the documentation says"

    def _state(self, payment_hash: bytes) -> InvoiceState:
        found = self._ok("listinvoices", {"payment_hash": payment_hash.hex()}).get("invoices")
        if not isinstance(found, list):
            raise NoAnswer("Core Lightning answered no list of invoices")
        if not found:
            return InvoiceState.UNKNOWN
        state = _STATES[found[0]["status"]]
        if state is InvoiceState.OPEN:
            return self._open_or_expired(1_000 * whole(found[0].get("expires_at"), "expires_at"))
        return state

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        body = {
            "amount_msat": amount_msat,
            "label": f"taptill-{secrets.token_hex(16)}",
            "description": memo,
            "expiry": expiry_s,
            "deschashonly": hash_memo,
        }
        if not hash_memo:
            body["description"] = memo.encode()[:_MAX_MEMO].decode(errors="ignore")
        return str(self._ok("invoice", body).get("bolt11"))

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        pay_s = self._api.endpoint.pay_s
        body = {
            "invstring": invoice.bolt11,
            "maxfee": max_fee_msat,
            # Over before we stop listening, and before a "no" counts again.
            "retry_for": max(1, int(min(pay_s, QUIET_S)) - 10),
        }
        answer = self._api.post("/v1/xpay", body, read_s=pay_s)
        if not answer.ok:
            return Failed(f"Core Lightning: {_refusal(answer)}")
        record = answer.record()
        return paid(invoice.payment_hash, record.get("payment_preimage"), _cost(record))

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        found = self._ok("listpays", {"payment_hash": payment_hash.hex()}).get("pays")
        if not isinstance(found, list):
            raise NoAnswer("Core Lightning answered no list of payments")
        states = {one.get("status"): one for one in found}
        if "complete" in states:
            done = states["complete"]
            return paid(payment_hash, done.get("preimage"), _cost(done))
        if states.keys() - {"failed"}:
            return Unknown("Core Lightning: the payment is in flight")
        return Failed("Core Lightning: the payment failed") if states else NotKnown(_NONE)

    def _ok(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._api.post(f"/v1/{method}", body)
        if not answer.ok:
            raise WalletRefused(f"Core Lightning: {_refusal(answer)}")
        return answer.record()


def _cost(payment: Mapping[str, Any]) -> int | None:
    """What was sent above the amount, in msat; None where the two are not told."""
    try:
        sent, amount = (whole(payment.get(one), one) for one in ("amount_sent_msat", "amount_msat"))
    except NoAnswer:
        return None
    return max(0, sent - amount)


def _refusal(answer: Answer) -> str:
    """The message of a JSON-RPC error; other errors are raised."""
    if answer.status in (401, 403):
        raise key_refused("Core Lightning", _WAY_OUT)
    record = answer.record()
    inner = record.get("error")
    error = inner if isinstance(inner, dict) else record
    code = error.get("code")
    if not isinstance(code, int) or answer.status in BETWEEN:
        raise NoAnswer(f"Core Lightning answered {answer.status}")
    if code in _RUNE_CODES:
        raise key_refused("Core Lightning", _WAY_OUT)
    return clean(error.get("message"))
