"""Galoy's GraphQL API (`core/api/src/graphql/public/schema.graphql` of Blink)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.wallet_servers.base import Call, Field, Result, Route, WalletServer, described
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay

# The part of the schema that a wallet needs: fields of types, and the type of each.
_TYPES: dict[str, dict[str, str]] = {
    "Mutation": {
        "lnInvoiceCreate": "LnInvoicePayload",
        "lnInvoiceCreateOnBehalfOfRecipient": "LnInvoicePayload",
        "lnInvoiceFeeProbe": "SatAmountPayload",
        "lnInvoicePaymentSend": "PaymentSendPayload",
    },
    "Query": {"me": "User", "globals": "Globals"},
    "Globals": {"network": "", "lightningAddressDomain": "", "nodesIds": ""},
    "User": {"defaultAccount": "Account", "id": "", "username": ""},
    "Account": {"walletById": "Wallet", "wallets": "Wallet", "defaultWalletId": ""},
    "Wallet": {
        "balance": "",
        "id": "",
        "walletCurrency": "",
        "invoiceByPaymentHash": "Invoice",
        "transactionsByPaymentHash": "Transaction",
    },
    "Invoice": {"paymentHash": "", "paymentRequest": "", "paymentStatus": "", "createdAt": ""},
    "LnInvoicePayload": {"errors": "Error", "invoice": "Invoice"},
    "SatAmountPayload": {"errors": "Error", "amount": ""},
    "PaymentSendPayload": {"errors": "Error", "status": ""},
    "Error": {"code": "", "message": "", "path": ""},
    "Transaction": {
        "direction": "",
        "status": "",
        "settlementFee": "",
        "settlementAmount": "",
        "settlementVia": "SettlementVia",
    },
    "SettlementVia": {},
    "SettlementViaLn": {"preImage": "", "paymentSecret": ""},
    "SettlementViaIntraLedger": {"preImage": "", "counterPartyUsername": ""},
}
_INPUTS: dict[str, dict[str, Field]] = {
    "LnInvoiceCreateInput": {
        "walletId": Field(str, required=True),
        "amount": Field(int, required=True),
        "memo": Field(str),
        "expiresIn": Field(int),
    },
    "LnInvoiceCreateOnBehalfOfRecipientInput": {
        "recipientWalletId": Field(str, required=True),
        "amount": Field(int, required=True),
        "descriptionHash": Field(str),
        "memo": Field(str),
        "expiresIn": Field(int),
    },
    "LnInvoiceFeeProbeInput": {
        "walletId": Field(str, required=True),
        "paymentRequest": Field(str, required=True),
    },
    "LnInvoicePaymentInput": {
        "walletId": Field(str, required=True),
        "paymentRequest": Field(str, required=True),
        "memo": Field(str),
    },
}
_STATES = {"open": "PENDING", "paid": "PAID", "expired": "EXPIRED"}
_STATUS = {"paid": "SUCCESS", "failed": "FAILURE", "pending": "PENDING"}


class GaloyServer(WalletServer):
    """One BTC wallet of a Galoy account."""

    secret = "blink_0123456789abcdef"
    wallet_id = "wallet-1"
    paying = "lnInvoicePaymentSend"

    def operations(self) -> list[Route]:
        fields = {"query": Field(str, required=True), "variables": Field(dict)}
        return [Route("POST", "/graphql", self._ask, fields)]

    def authorised(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-api-key") == self.secret

    def denied(self) -> Result:
        return 401, b"Unauthorized"

    def _ask(self, call: Call) -> Result:
        query, variables = call.fields["query"], call.fields.get("variables", {})
        try:
            _check(query, variables)
        except ValueError as error:
            self.violations.append(str(error))
            return 400, {"errors": [{"message": str(error)}]}
        name = re.search(r"\) \{\s*(\w+)", query)
        made = getattr(self, f"_{name[1]}" if name else "", None)
        if made is not None:
            return 200, {"data": {name[1]: made(variables["input"])}}  # type: ignore[index]
        if variables["walletId"] != self.wallet_id:
            return 200, _not_found("wallet")
        return self._query(query, variables)

    def _query(self, query: str, variables: dict[str, str]) -> Result:
        wallet: dict[str, object] = {"walletCurrency": "BTC"}
        if "invoiceByPaymentHash" in query:
            made = self.net.invoice(self.account, variables["paymentHash"])
            if made is None:
                return 200, _not_found("invoice")
            state = _STATES[self.net.state(made)]
            wallet["invoiceByPaymentHash"] = {
                "paymentRequest": made.bolt11,
                "paymentStatus": state,
            }
        if "transactionsByPaymentHash" in query:
            wallet["transactionsByPaymentHash"] = self._transactions(variables["paymentHash"])
        me = {"defaultAccount": {"walletById": wallet}}
        return 200, {"data": {"globals": {"network": str(self.net.network)}, "me": me}}

    def _transactions(self, payment_hash: str) -> list[dict[str, object]]:
        sent = self.net.payments.get((self.account, payment_hash))
        if sent is None:
            return []
        return [
            {
                "direction": "SEND",
                "status": _STATUS[sent.state],
                "settlementFee": sent.fee_msat // 1_000,
                "settlementVia": {"preImage": sent.preimage or None},
            }
        ]

    def _lnInvoiceCreate(self, fields: dict[str, Any]) -> dict[str, object]:  # noqa: N802
        made = self.net.make(
            self.account, fields["amount"] * 1_000, fields["memo"], fields["expiresIn"] * 60
        )
        return {"errors": [], "invoice": {"paymentRequest": made.bolt11}}

    def _lnInvoiceCreateOnBehalfOfRecipient(  # noqa: N802
        self, fields: dict[str, Any]
    ) -> dict[str, object]:
        words = described(fields, "memo", "descriptionHash")
        amount_msat, expiry_s = fields["amount"] * 1_000, fields["expiresIn"] * 60
        made = self.net.make(self.account, amount_msat, words, expiry_s)
        return {"errors": [], "invoice": {"paymentRequest": made.bolt11}}

    def _lnInvoiceFeeProbe(self, fields: dict[str, Any]) -> dict[str, object]:  # noqa: N802
        del fields
        return {"errors": [], "amount": self.net.fee_msat // 1_000}

    def _lnInvoicePaymentSend(self, fields: dict[str, Any]) -> dict[str, object]:  # noqa: N802
        try:
            sent = self.net.pay(self.account, fields["paymentRequest"])
        except AlreadyPaid:
            return {"errors": [], "status": "ALREADY_PAID"}
        except AlreadyInFlight:
            return {"errors": [], "status": "PENDING"}
        except CannotPay as error:
            return {"errors": [{"code": "INVALID_INPUT", "message": str(error)}], "status": None}
        return {"errors": [], "status": _STATUS[sent.state]}


def _not_found(what: str) -> dict[str, object]:
    error = {"message": f"no such {what}", "extensions": {"code": "NOT_FOUND"}}
    return {"errors": [error], "data": None}


def _check(query: str, variables: Mapping[str, Any]) -> None:
    """Raise `ValueError` unless the query asks for what the schema has, with what it takes."""
    head, body = query.split("{", 1)
    declared = dict(re.findall(r"\$(\w+): (\w+)!", head))
    if declared.keys() != variables.keys():
        raise ValueError(f"variables {set(variables)} for {set(declared)}")
    for name, kind in declared.items():
        known = _INPUTS.get(kind)
        if known is None:
            if type(variables[name]) is not str:
                raise ValueError(f"${name} is no text")
            continue
        for field, value in variables[name].items():
            if field not in known or type(value) is not known[field].kind:
                raise ValueError(f"{kind}.{field}={value!r}")
        if missing := {n for n, f in known.items() if f.required} - variables[name].keys():
            raise ValueError(f"{kind} without {missing}")
    tokens = iter(re.findall(r"\.\.\.|\w+|[{}]", re.sub(r"\([^)]*\)", "", body)))
    _selection(tokens, "Mutation" if head.startswith("mutation") else "Query")


def _selection(tokens: Iterator[str], kind: str) -> None:
    inside = ""
    for token in tokens:
        if token == "}":
            return
        if token == "{":
            _selection(tokens, inside)
        elif token == "...":
            if next(tokens) != "on":
                raise ValueError("a fragment without a type")
            inside = next(tokens)
        elif token in _TYPES[kind]:
            inside = _TYPES[kind][token]
        else:
            raise ValueError(f"{kind} has no {token}")
