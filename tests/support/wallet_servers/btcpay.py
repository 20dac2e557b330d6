"""A store's Lightning node in Greenfield (`swagger.template.lightning.store.json`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tests.support.wallet_servers.base import Call, Field, Result, Route, WalletServer
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay, Made, Sent

_STATES = {"open": "Unpaid", "paid": "Paid", "expired": "Expired"}
_PAYMENTS = {"paid": "Complete", "failed": "Failed", "pending": "Pending"}


def _problem(status: int, code: str, message: str = "x") -> Result:
    return status, {"code": code, "message": message}


class BtcpayServer(WalletServer):
    """One store of a BTCPay Server."""

    secret = "greenfield-0123456789abcdef"
    store = "Store1"
    paying = "/invoices/pay"
    ids_are_hashes = True

    def operations(self) -> list[Route]:
        base = f"/api/v1/stores/{self.store}/lightning/BTC"
        make = {
            "amount": Field(str, required=True),
            "description": Field(str),
            "descriptionHashOnly": Field(bool),
            "expiry": Field(int),
            "privateRouteHints": Field(bool),
        }
        pay = {
            "BOLT11": Field(str, required=True),
            "amount": Field(str),
            "maxFeePercent": Field(str),
            "maxFeeFlat": Field(str),
        }
        return [
            Route("POST", f"{base}/invoices", self._make, make),
            Route("GET", f"{base}/invoices", self._all),
            Route("POST", f"{base}/invoices/pay", self._pay, pay),
            Route("GET", f"{base}/invoices/([0-9a-f]{{64}})", self._look),
            Route("GET", f"{base}/payments/([0-9a-f]{{64}})", self._payment),
        ]

    def authorised(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"token {self.secret}"

    def denied(self) -> Result:
        return _problem(401, "unauthenticated")

    def not_there(self) -> Result:
        return _problem(404, "store-not-found")

    def _invoice(self, made: Made) -> dict[str, object]:
        return {
            "id": made.payment_hash if self.ids_are_hashes else made.payment_hash[:8],
            "status": _STATES[self.net.state(made)],
            "BOLT11": made.bolt11,
            "expiresAt": made.created_s + made.expiry_s,
            "amount": str(made.amount_msat),
        }

    def _make(self, call: Call) -> Result:
        fields = call.fields
        words = fields["description"]
        if fields.get("descriptionHashOnly"):
            words = hashlib.sha256(words.encode()).digest()
        made = self.net.make(self.account, int(fields["amount"]), words, fields["expiry"])
        return 200, self._invoice(made)

    def _all(self, _: Call) -> Result:
        mine = [one for one in self.net.invoices.values() if one.account == self.account]
        return 200, [self._invoice(one) for one in mine]

    def _look(self, call: Call) -> Result:
        made = self.net.invoice(self.account, call.match[1])
        if made is None or not self.ids_are_hashes:
            return _problem(404, "invoice-not-found")
        return 200, self._invoice(made)

    def _pay(self, call: Call) -> Result:
        fields = call.fields
        try:
            limit = int(fields["maxFeeFlat"]) * 1_000
            sent = self.net.pay(self.account, fields["BOLT11"], limit)
        except AlreadyPaid:
            return _problem(400, "generic-error", "invoice is already paid")
        except AlreadyInFlight:
            return 202, {"status": "Unknown"}
        except CannotPay as error:
            return _problem(400, "could-not-find-route", str(error))
        if sent.state == "failed":
            return _problem(400, "could-not-find-route")
        return (200 if sent.state == "paid" else 202), _data(sent)

    def _payment(self, call: Call) -> Result:
        sent = self.net.payments.get((self.account, call.match[1]))
        if sent is None:
            return _problem(404, "payment-not-found")
        return 200, _data(sent)


def _data(sent: Sent) -> dict[str, object]:
    return {
        "id": sent.payment_hash,
        "status": _PAYMENTS[sent.state],
        "BOLT11": sent.bolt11,
        "paymentHash": sent.payment_hash,
        "preimage": sent.preimage or None,
        "totalAmount": str(sent.amount_msat + sent.fee_msat),
        "feeAmount": str(sent.fee_msat),
    }


class OtherIdsBtcpayServer(BtcpayServer):
    """A store whose node names invoices by something else than their hash."""

    ids_are_hashes = False
