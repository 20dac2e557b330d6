"""LND's REST gateway (`lightning.swagger.json`, `router.swagger.json`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.support.wallet_servers.base import Call, Field, Result, Route, WalletServer
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay, Sent

_INVOICE = {
    "memo": Field(str),
    "value": Field(str),
    "value_msat": Field(str),
    "expiry": Field(str),
    "description_hash": Field(str),
    "private": Field(bool),
}
_SEND = {
    "payment_request": Field(str),
    "timeout_seconds": Field(int, required=True),
    "fee_limit_msat": Field(str),
    "fee_limit_sat": Field(str),
    "no_inflight_updates": Field(bool),
    "allow_self_payment": Field(bool),
}
_STATES = {"open": "OPEN", "paid": "SETTLED", "expired": "CANCELED"}


def _fault(code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "details": []}


class LndServer(WalletServer):
    """One LND."""

    secret = "0201036c6e6402f801030a10"
    paying = "/v2/router/send"

    def operations(self) -> list[Route]:
        return [
            Route("GET", "/v1/getinfo", self._info),
            Route("POST", "/v1/invoices", self._make, _INVOICE),
            Route("GET", "/v1/invoice/([0-9a-f]{64})", self._look),
            Route("POST", "/v2/router/send", self._send, _SEND),
            Route("GET", "/v2/router/track/([A-Za-z0-9_=-]{44})", self._track),
        ]

    def authorised(self, headers: Mapping[str, str]) -> bool:
        return headers.get("grpc-metadata-macaroon") == self.secret

    def denied(self) -> Result:
        return 500, _fault(2, "verification failed: signature mismatch after caveat: macaroon")

    def _info(self, _: Call) -> Result:
        network = str(self.net.network)
        return 200, {
            "chains": [{"chain": "bitcoin", "network": network}],
            "synced_to_chain": True,
            "identity_pubkey": self.net.node_id(self.account),
        }

    def _make(self, call: Call) -> Result:
        fields = call.fields
        hashed = fields.get("description_hash")
        words = base64.b64decode(hashed) if hashed else fields["memo"]
        made = self.net.make(self.account, int(fields["value_msat"]), words, int(fields["expiry"]))
        raw = base64.b64encode(bytes.fromhex(made.payment_hash)).decode()
        return 200, {"r_hash": raw, "payment_request": made.bolt11, "add_index": "1"}

    def _look(self, call: Call) -> Result:
        made = self.net.invoice(self.account, call.match[1])
        if made is None:
            return 404, _fault(5, "unable to locate invoice")
        return 200, {
            "state": _STATES[self.net.state(made)],
            "creation_date": str(made.created_s),
            "expiry": str(made.expiry_s),
            "value_msat": str(made.amount_msat),
        }

    def _send(self, call: Call) -> Result:
        fields = call.fields
        try:
            limit = int(fields["fee_limit_msat"])
            sent = self.net.pay(self.account, fields["payment_request"], limit)
        except AlreadyPaid:
            return 409, {"error": _fault(6, "invoice is already paid")}
        except AlreadyInFlight:
            return 409, {"error": _fault(6, "payment is in transition")}
        except CannotPay as error:
            return 500, {"error": _fault(2, str(error))}
        if sent.state == "pending":  # LND says nothing more until it is over
            return 200, b""
        return 200, {"result": _payment(sent)}

    def _track(self, call: Call) -> Result:
        payment_hash = base64.urlsafe_b64decode(call.match[1]).hex()
        sent = self.net.payments.get((self.account, payment_hash))
        if sent is None:
            return 404, {"error": _fault(5, "payment isn't initiated")}
        return 200, {"result": _payment(sent)}


def _payment(sent: Sent) -> dict[str, object]:
    status = {"paid": "SUCCEEDED", "failed": "FAILED", "pending": "IN_FLIGHT"}[sent.state]
    failed = sent.state == "failed"
    return {
        "payment_hash": sent.payment_hash,
        "payment_preimage": sent.preimage or "0" * 64,
        "value_msat": str(sent.amount_msat),
        "fee_msat": str(sent.fee_msat),
        "status": status,
        "failure_reason": "FAILURE_REASON_NO_ROUTE" if failed else "FAILURE_REASON_NONE",
    }
