"""Galoy's GraphQL API: Blink, and forks that kept its schema (Flash, the guide's wallet).

Least rights: an API key with the scopes READ, RECEIVE and WRITE for one BTC wallet; without WRITE
it only takes money. Flash has no API keys: give its bearer token (`bearer`), which can do anything
its user can, so use an account of its own. Only BTC wallets: a USD wallet has no exact amounts.

What its answers mean (`core/api/src/graphql/public/schema.graphql`):
- `lnInvoicePaymentSend`: SUCCESS is looked up for its preimage and fee. PENDING: in flight.
  FAILURE, ALREADY_PAID and errors without a status: a "no", looked up before it counts.
- `transactionsByPaymentHash`: a SEND with a preimage that hashes is paid; PENDING is in flight;
  FAILURE, or no SEND at all, is none. SUCCESS without a preimage proves nothing: unknown.
- Errors beside `data` (GraphQL's own) and codes for the unexpected: unknown. 401: our token.

Galoy takes no limit for a fee, but tells it first (`lnInvoiceFeeProbe`): what would cost more than
is allowed, or has no route, is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from host.bolt11 import Bolt11Invoice, decode
from host.lightning.doubts import NotKnown
from host.lightning.http import Endpoint, HttpApi, NoAnswer, NotSent, Secret, clean
from host.lightning.remote import (
    Common,
    RemoteWallet,
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
    WalletDown,
    WalletRefused,
)
from host.money import MSAT_PER_SAT

_CREATE: Final = """mutation create($input: LnInvoiceCreateInput!) {
  lnInvoiceCreate(input: $input) { errors { code message } invoice { paymentRequest } } }"""
_CREATE_HASHED: Final = """mutation create($input: LnInvoiceCreateOnBehalfOfRecipientInput!) {
  lnInvoiceCreateOnBehalfOfRecipient(input: $input) {
    errors { code message } invoice { paymentRequest } } }"""
_PROBE: Final = """mutation probe($input: LnInvoiceFeeProbeInput!) {
  lnInvoiceFeeProbe(input: $input) { errors { code message } amount } }"""
_SEND: Final = """mutation send($input: LnInvoicePaymentInput!) {
  lnInvoicePaymentSend(input: $input) { errors { code message } status } }"""
_SENT: Final = """query sent($walletId: WalletId!, $paymentHash: PaymentHash!) {
  me { defaultAccount { walletById(walletId: $walletId) {
    transactionsByPaymentHash(paymentHash: $paymentHash) { direction status settlementFee
      settlementVia { ... on SettlementViaLn { preImage }
        ... on SettlementViaIntraLedger { preImage } } } } } } }"""
_INVOICE: Final = """query invoice($walletId: WalletId!, $paymentHash: PaymentHash!) {
  me { defaultAccount { walletById(walletId: $walletId) {
    invoiceByPaymentHash(paymentHash: $paymentHash) { paymentRequest paymentStatus } } } } }"""
_ABOUT: Final = """query about($walletId: WalletId!) {
  globals { network }
  me { defaultAccount { walletById(walletId: $walletId) { walletCurrency } } } }"""

_UNEXPECTED: Final = ("UNEXPECTED_CLIENT_ERROR", "UNKNOWN_CLIENT_ERROR", "INTERNAL_SERVER_ERROR")
_DENIED: Final = ("NOT_AUTHENTICATED", "UNAUTHENTICATED", "NOT_AUTHORIZED", "FORBIDDEN")
_MAX_MEMO: Final = 600
_WAY_OUT: Final = "make the API key again, with the scopes READ, RECEIVE and WRITE"


@dataclass(frozen=True, slots=True)
class GaloySettings:
    """One BTC wallet of an account; the endpoint's URL is the whole one, `…/graphql`."""

    endpoint: Endpoint
    api_key: Secret
    wallet_id: str
    bearer: bool = False
    """The key is a session's token and not an API key."""


def open_galoy(settings: GaloySettings, common: Common) -> GaloyWallet:
    """The wallet; nothing is asked yet."""
    return GaloyWallet(settings, common)


class _Errors(WalletRefused):
    """GraphQL's own errors: the request was not carried through."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        first = errors[0] if errors and isinstance(errors[0], dict) else {}
        extensions = first.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else first.get("code")
        self.code = str(code)
        super().__init__(f"Galoy: {clean(first.get('message'))}")


class GaloyWallet(RemoteWallet):
    """One BTC wallet behind Galoy's API."""

    def __init__(self, settings: GaloySettings, common: Common) -> None:
        if settings.bearer:
            headers = {"Authorization": Secret(f"Bearer {settings.api_key.reveal()}")}
        else:
            headers = {"X-API-KEY": settings.api_key}
        super().__init__("Galoy", HttpApi(settings.endpoint, headers, "Galoy"), common)
        self._wallet_id = settings.wallet_id

    def _who(self) -> str:
        return named("galoy", self._wallet_id)

    def _check(self) -> None:
        data = self._ask(_ABOUT, {"walletId": self._wallet_id})
        network = (data.get("globals") or {}).get("network")
        if network != str(self._network):
            raise WalletDown(f"Galoy is on {clean(network)}, not on {self._network}")
        if _wallet(data).get("walletCurrency") != "BTC":
            raise WalletDown("Galoy: this is no BTC wallet; amounts would not be exact")

    def _state(self, payment_hash: bytes) -> InvoiceState:
        try:
            data = self._ask(_INVOICE, self._about(payment_hash))
        except _Errors as error:
            if error.code == "NOT_FOUND":
                return InvoiceState.UNKNOWN
            raise
        invoice = _wallet(data).get("invoiceByPaymentHash") or {}
        match invoice.get("paymentStatus"):
            case "PAID":
                return InvoiceState.PAID
            case "EXPIRED":
                return InvoiceState.EXPIRED
            case _:
                return self._open_or_expired(decode(str(invoice["paymentRequest"])).expires_at)

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        fields: dict[str, Any] = {
            "amount": amount_msat // MSAT_PER_SAT,
            "expiresIn": max(1, expiry_s // 60),
        }
        if hash_memo:  # only the mutation that anybody may call takes a hash
            fields |= {"recipientWalletId": self._wallet_id, "descriptionHash": sha256(memo).hex()}
            query, name = _CREATE_HASHED, "lnInvoiceCreateOnBehalfOfRecipient"
        else:
            memo = memo.encode()[:_MAX_MEMO].decode(errors="ignore")
            fields |= {"walletId": self._wallet_id, "memo": memo}
            query, name = _CREATE, "lnInvoiceCreate"
        payload = self._ask(query, {"input": fields}).get(name) or {}
        if payload.get("errors"):
            raise _Errors(payload["errors"])
        return str((payload.get("invoice") or {}).get("paymentRequest"))

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        fields = {"walletId": self._wallet_id, "paymentRequest": invoice.bolt11}
        no = self._too_dear(fields, max_fee_msat)
        if no is not None:
            return no
        data = self._ask(_SEND, {"input": fields}, sending=True)
        payload = data.get("lnInvoicePaymentSend")
        if not isinstance(payload, dict):
            raise NoAnswer("Galoy answered nothing about the payment")
        match payload.get("status"):
            case "SUCCESS":
                return self._proof(invoice.payment_hash)
            case "PENDING":
                return Unknown("Galoy: the payment is in flight")
            case status:
                error = _Errors(payload.get("errors") or [{"message": status}])
                if error.code in _UNEXPECTED or (status is None and not payload.get("errors")):
                    raise NoAnswer(str(error))
                return Failed(str(error))

    def _too_dear(self, fields: Mapping[str, str], max_fee_msat: int) -> Failed | None:
        """Why this payment is not even sent. Nothing has left here, whatever goes wrong."""
        with before_sending():
            payload = self._ask(_PROBE, {"input": fields}).get("lnInvoiceFeeProbe") or {}
        if payload.get("amount") is None:
            return Failed(str(_Errors(payload.get("errors") or [])))
        if MSAT_PER_SAT * whole(payload["amount"], "amount") > max_fee_msat:
            return Failed("Galoy takes more for sending than is allowed")
        return None

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        wallet = _wallet(self._ask(_SENT, self._about(payment_hash)))
        found = wallet.get("transactionsByPaymentHash")
        if not isinstance(found, list):
            raise NoAnswer("Galoy answered no list of transactions")
        if any(one["direction"] not in ("SEND", "RECEIVE") for one in found):
            raise NoAnswer("Galoy does not say which way a transaction went")
        sent = {one["status"]: one for one in found if one["direction"] == "SEND"}
        if "SUCCESS" in sent:
            preimage = (sent["SUCCESS"].get("settlementVia") or {}).get("preImage")
            fee = sent["SUCCESS"].get("settlementFee")
            return paid(payment_hash, preimage, fee, unit_msat=MSAT_PER_SAT)
        if sent.keys() - {"FAILURE"}:
            return Unknown("Galoy: the payment is in flight")
        if sent:
            return Failed("Galoy: the payment failed")
        return NotKnown("Galoy knows no such payment")

    def _about(self, payment_hash: bytes) -> dict[str, str]:
        return {"walletId": self._wallet_id, "paymentHash": payment_hash.hex()}

    def _ask(
        self, query: str, variables: Mapping[str, Any], *, sending: bool = False
    ) -> dict[str, Any]:
        endpoint = self._api.endpoint
        answer = self._api.post(
            "",
            {"query": query, "variables": variables},
            read_s=endpoint.pay_s if sending else endpoint.read_s,
        )
        if answer.status in (401, 403):
            raise key_refused("Galoy", _WAY_OUT)
        if answer.status == 429:
            raise NotSent("Galoy: too many requests")
        record = answer.record()
        if record.get("errors"):
            error = _Errors(record["errors"])
            if error.code in _DENIED:
                raise key_refused("Galoy", _WAY_OUT)
            if sending or error.code in _UNEXPECTED:
                raise NoAnswer(str(error))
            raise error
        data = record.get("data")
        if not answer.ok or not isinstance(data, dict):
            raise NoAnswer(f"Galoy answered {answer.status} without data")
        return data


def _wallet(data: Mapping[str, Any]) -> dict[str, Any]:
    account = (data.get("me") or {}).get("defaultAccount") or {}
    wallet = account.get("walletById")
    if not isinstance(wallet, dict):
        raise NoAnswer("Galoy answered nothing about the wallet")
    return wallet
