"""phoenixd's HTTP API (`Api.kt`, `JsonSerializers.kt`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.support.wallet_servers.base import Call, Field, Result, Route, WalletServer, described
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay


class PhoenixdServer(WalletServer):
    """One phoenixd."""

    secret = "0123456789abcdef0123456789abcdef"
    paying = "/payinvoice"
    version = "0.6.2-abcdef0"

    def operations(self) -> list[Route]:
        routes = [
            Route("GET", "/getinfo", self._info),
            Route(
                "POST",
                "/createinvoice",
                self._make,
                {
                    "description": Field(str),
                    "descriptionHash": Field(str),
                    "amountSat": Field(str),
                    "expirySeconds": Field(str),
                    "externalId": Field(str),
                    "webhookUrl": Field(str),
                },
                form=True,
            ),
            Route("GET", "/payments/incoming/([0-9a-f]{64})", self._look),
            Route(
                "POST",
                "/payinvoice",
                self._pay,
                {"amountSat": Field(str), "invoice": Field(str, required=True)},
                form=True,
            ),
        ]
        if self.version >= "0.5":
            path = "/payments/outgoingbyhash/([0-9a-f]{64})"
            routes.append(Route("GET", path, self._outgoing))
        return routes

    def authorised(self, headers: Mapping[str, str]) -> bool:
        token = base64.b64encode(f":{self.secret}".encode()).decode()
        return headers.get("authorization") == f"Basic {token}"

    def denied(self) -> Result:
        return 401, b"Invalid authentication (use basic auth with the http password)"

    def not_there(self) -> Result:
        return 404, b"Unknown endpoint (check api doc)"

    def _info(self, _: Call) -> Result:
        node_id = self.net.node_id(self.account)
        return 200, {"nodeId": node_id, "chain": str(self.net.network), "version": self.version}

    def _make(self, call: Call) -> Result:
        fields = call.fields
        if len(fields.get("description", "")) > 128:
            return 400, b"Request parameter description is too long (max 128 characters)"
        made = self.net.make(
            self.account,
            int(fields["amountSat"]) * 1_000,
            described(fields, "description", "descriptionHash"),
            int(fields["expirySeconds"]),
        )
        return 200, {
            "amountSat": int(fields["amountSat"]),
            "paymentHash": made.payment_hash,
            "serialized": made.bolt11,
        }

    def _look(self, call: Call) -> Result:
        made = self.net.invoice(self.account, call.match[1])
        if made is None:
            return self.not_there()
        return 200, {
            "paymentHash": made.payment_hash,
            "isPaid": made.paid,
            "isExpired": self.net.state(made) == "expired",
            "invoice": made.bolt11,
            "requestedSat": made.amount_msat // 1_000,
            "fees": 0,
        }

    def _pay(self, call: Call) -> Result:
        try:
            sent = self.net.pay(self.account, call.fields["invoice"])
        except AlreadyPaid:
            return 200, {"paymentHash": "", "reason": "this invoice has already been paid"}
        except AlreadyInFlight:
            return 200, {"paymentHash": "", "reason": "payment is already in progress"}
        except CannotPay as error:
            return 200, {"paymentHash": "", "reason": str(error)}
        if sent.state != "paid":
            return 200, {"paymentHash": sent.payment_hash, "reason": sent.reason}
        return 200, {
            "recipientAmountSat": sent.amount_msat // 1_000,
            "routingFeeSat": sent.fee_msat // 1_000,
            "paymentId": "uuid",
            "paymentHash": sent.payment_hash,
            "paymentPreimage": sent.preimage,
        }

    def _outgoing(self, call: Call) -> Result:
        sent = self.net.payments.get((self.account, call.match[1]))
        if sent is None:
            return self.not_there()
        record: dict[str, object] = {
            "paymentHash": sent.payment_hash,
            "isPaid": sent.state == "paid",
            "sent": sent.amount_msat // 1_000,
            "fees": sent.fee_msat,
        }
        if sent.preimage:
            record["preimage"] = sent.preimage
        if sent.state != "pending":
            record["completedAt"] = 1
        return 200, record


class OldPhoenixdServer(PhoenixdServer):
    """A version that cannot be asked for a payment by its hash."""

    version = "0.4.2-abcdef0"
