"""Core Lightning's CLNRest (`doc/schemas/xpay.json`, `listpays.json`, `invoice.json`, …)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tests.support.wallet_servers.base import Call, Field, Result, Route, WalletServer
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay

_XPAY = {
    "invstring": Field(str, required=True),
    "amount_msat": Field(int),
    "maxfee": Field(int),
    "layers": Field(list),
    "retry_for": Field(int),
    "partial_msat": Field(int),
    "maxdelay": Field(int),
}
_INVOICE = {
    "amount_msat": Field(int, required=True),
    "label": Field(str, required=True),
    "description": Field(str, required=True),
    "expiry": Field(int),
    "deschashonly": Field(bool),
}
_STATES = {"open": "unpaid", "paid": "paid", "expired": "expired"}
_PAYS = {"paid": "complete", "failed": "failed", "pending": "pending"}


def _error(code: int, message: str) -> Result:
    return 500, {"code": code, "message": message}


class ClnServer(WalletServer):
    """One Core Lightning."""

    secret = "rune-0123456789abcdef=="
    paying = "/v1/xpay"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._labels: set[str] = set()

    def operations(self) -> list[Route]:
        return [
            Route("POST", "/v1/getinfo", self._info, {}),
            Route("POST", "/v1/invoice", self._make, _INVOICE),
            Route(
                "POST",
                "/v1/listinvoices",
                self._look,
                {"payment_hash": Field(str), "label": Field(str), "invstring": Field(str)},
            ),
            Route("POST", "/v1/xpay", self._xpay, _XPAY),
            Route(
                "POST",
                "/v1/listpays",
                self._pays,
                {"payment_hash": Field(str), "bolt11": Field(str), "status": Field(str)},
            ),
        ]

    def authorised(self, headers: Mapping[str, str]) -> bool:
        return headers.get("rune") == self.secret

    def denied(self) -> Result:
        return 401, {"code": 1501, "message": "Not authorized: Not derived from master"}

    def _info(self, _: Call) -> Result:
        network = str(self.net.network)
        name = "bitcoin" if network == "mainnet" else network
        return 201, {"network": name, "id": self.net.node_id(self.account)}

    def _make(self, call: Call) -> Result:
        fields = call.fields
        if fields["label"] in self._labels:
            return _error(900, "Duplicate label")
        self._labels.add(fields["label"])
        words = fields["description"]
        if fields.get("deschashonly"):
            words = hashlib.sha256(words.encode()).digest()
        made = self.net.make(self.account, fields["amount_msat"], words, fields["expiry"])
        return 201, {"payment_hash": made.payment_hash, "bolt11": made.bolt11}

    def _look(self, call: Call) -> Result:
        made = self.net.invoice(self.account, call.fields["payment_hash"])
        if made is None:
            return 201, {"invoices": []}
        record = {"status": _STATES[self.net.state(made)], "label": "x"}
        return 201, {"invoices": [record | {"expires_at": made.created_s + made.expiry_s}]}

    def _xpay(self, call: Call) -> Result:
        fields = call.fields
        try:
            sent = self.net.pay(self.account, fields["invstring"], fields.get("maxfee"))
        except AlreadyPaid:
            return _error(219, "Already paid")
        except AlreadyInFlight:
            return _error(-1, "Payment is already in progress")
        except CannotPay as error:
            return _error(205, str(error))
        if sent.state != "paid":
            return _error(209, "Payment failed" if sent.state == "failed" else "Timed out")
        return 201, {
            "payment_preimage": sent.preimage,
            "amount_msat": sent.amount_msat,
            "amount_sent_msat": sent.amount_msat + sent.fee_msat,
            "failed_parts": 0,
            "successful_parts": 1,
        }

    def _pays(self, call: Call) -> Result:
        sent = self.net.payments.get((self.account, call.fields["payment_hash"]))
        if sent is None:
            return 201, {"pays": []}
        record: dict[str, object] = {
            "payment_hash": sent.payment_hash,
            "status": _PAYS[sent.state],
            "amount_sent_msat": sent.amount_msat + sent.fee_msat,
        }
        if sent.state == "paid":
            record |= {"preimage": sent.preimage, "amount_msat": sent.amount_msat}
        return 201, {"pays": [record]}
