"""phoenixd: its HTTP API with a password, its websocket for news.

Needs 0.5.0 or later (`payments/outgoingbyhash`).

Least rights: `http-password` pays; `http-password-limited-access` is enough for a wallet that only
takes money.

What its answers mean (`Api.kt`, `JsonSerializers.kt`):
- `payinvoice` answers 200 both for paid and for not: with `paymentPreimage`, or with `reason`
  ("already paid" and "already in flight" among them, so the payment is looked up).
- By hash, phoenixd answers the attempt that succeeded if any, else a pending one, else a failed
  one. Not paid and not completed: in flight.
- 404 means no such payment, but also "no such endpoint" on an old version: the version is checked
  before 404 is believed, and before anything is paid.
- 400: the request is wrong. 5xx and silence: unknown.

phoenixd takes no limit for a fee. Sending costs 0.4 % and 4 sat (`fee_*` in the settings); what
would cost more than is allowed is not sent.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, Final

from host.bolt11 import Bolt11Invoice, decode
from host.lightning.doubts import NotKnown
from host.lightning.http import Answer, Endpoint, HttpApi, NoAnswer, Secret, clean
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
    Paid,
    PaymentResult,
    Unknown,
    WalletDown,
    WalletRefused,
)
from host.money import MSAT_PER_SAT

_NEEDED: Final = (0, 5)
_MAX_MEMO: Final = 128
_WAY_OUT: Final = "copy http-password from phoenix.conf again"


@dataclass(frozen=True, slots=True)
class PhoenixdSettings:
    """One phoenixd."""

    endpoint: Endpoint
    password: Secret
    fee_ppm: int = 4_000
    fee_base_msat: int = 4 * MSAT_PER_SAT


def open_phoenixd(settings: PhoenixdSettings, common: Common) -> PhoenixdWallet:
    """The wallet; nothing is asked yet."""
    return PhoenixdWallet(settings, common)


class PhoenixdWallet(RemoteWallet):
    """One phoenixd."""

    def __init__(self, settings: PhoenixdSettings, common: Common) -> None:
        token = base64.b64encode(f":{settings.password.reveal()}".encode()).decode()
        headers = {"Authorization": Secret(f"Basic {token}")}
        super().__init__("phoenixd", HttpApi(settings.endpoint, headers, "phoenixd"), common)
        self._headers = headers
        self._settings = settings
        self._by_hash_is_there = False

    def watch(self, payment_hash: bytes) -> Watch:
        path, about = "/websocket", payment_hash.hex()
        return Push.opened(self._api.endpoint, path, self._headers, about) or Poll()

    def _who(self) -> str:
        return named("phoenixd", _ok(self._api.get("/getinfo")).get("nodeId"))

    def _check(self) -> None:
        record = _ok(self._api.get("/getinfo"))
        if record.get("chain") != str(self._network):
            raise WalletDown(f"phoenixd is on {clean(record.get('chain'))}, not {self._network}")
        self._check_version(record)

    def _state(self, payment_hash: bytes) -> InvoiceState:
        answer = self._api.get(f"/payments/incoming/{payment_hash.hex()}")
        if answer.status == 404:
            return InvoiceState.UNKNOWN
        record = _ok(answer)
        if record.get("isPaid") is True:
            return InvoiceState.PAID
        return self._open_or_expired(decode(str(record.get("invoice"))).expires_at)

    def _create(self, amount_msat: int, memo: str, expiry_s: int, hash_memo: bool) -> str:
        body = {
            "amountSat": str(amount_msat // MSAT_PER_SAT),
            "expirySeconds": str(expiry_s),
        }
        if hash_memo:
            body["descriptionHash"] = sha256(memo).hex()
        else:
            body["description"] = memo[:_MAX_MEMO]
        return str(_ok(self._api.form("/createinvoice", body)).get("serialized"))

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        amount_msat = invoice.amount_msat or 0
        share = -(-amount_msat * self._settings.fee_ppm // 1_000_000)
        if share + self._settings.fee_base_msat > max_fee_msat:
            return Failed("phoenixd takes more for sending than is allowed")
        with before_sending():
            self._must_be_known_by_hash()
        body = {"invoice": invoice.bolt11}
        answer = self._api.form("/payinvoice", body, read_s=self._api.endpoint.pay_s)
        _check_password(answer)
        if answer.status == 400:
            return Failed("phoenixd: the request is wrong")
        if not answer.ok:
            raise NoAnswer(f"phoenixd answered {answer.status} to a payment")
        record = answer.record()
        if "paymentPreimage" not in record:
            if "reason" not in record:
                raise NoAnswer("phoenixd answered neither a preimage nor a reason")
            return Failed(f"phoenixd: {clean(record['reason'])}")
        preimage, fee = record["paymentPreimage"], record.get("routingFeeSat")
        result = paid(invoice.payment_hash, preimage, fee, unit_msat=MSAT_PER_SAT)
        return self._exact(invoice.payment_hash, result)

    def _exact(self, payment_hash: bytes, result: PaymentResult) -> PaymentResult:
        """The same result with the fee in millisatoshi, which only a look-up tells."""
        known = self._proof(payment_hash)
        return known if isinstance(known, Paid) else result

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        answer = self._api.get(f"/payments/outgoingbyhash/{payment_hash.hex()}")
        if answer.status == 404:
            self._must_be_known_by_hash()
            return NotKnown("phoenixd knows no such payment")
        record = _ok(answer)
        if record.get("isPaid") is True:
            return paid(payment_hash, record.get("preimage"), record.get("fees"))
        if record.get("isPaid") is not False:
            raise NoAnswer("phoenixd does not say whether the payment was made")
        if record.get("completedAt") is None:
            return Unknown("phoenixd: the payment is in flight")
        whole(record["completedAt"], "completedAt")
        return Failed("phoenixd: the payment failed")

    def _must_be_known_by_hash(self) -> None:
        if not self._by_hash_is_there:
            self._check_version(_ok(self._api.get("/getinfo")))

    def _check_version(self, info: dict[str, Any]) -> None:
        version = str(info.get("version"))
        numbers = re.match(r"(\d{1,4})\.(\d{1,4})", version)
        if numbers is None or tuple(map(int, numbers.groups())) < _NEEDED:
            raise WalletDown(f"phoenixd {clean(version)} is too old: 0.5.0 or later is needed")
        self._by_hash_is_there = True


def _ok(answer: Answer) -> dict[str, Any]:
    """The record of a success, or the error of what is none. Not for payments."""
    _check_password(answer)
    if answer.status == 400:
        raise WalletRefused(f"phoenixd: {clean(answer.body.decode(errors='replace'))}")
    if not answer.ok:
        raise NoAnswer(f"phoenixd answered {answer.status}")
    return answer.record()


def _check_password(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise key_refused("phoenixd", _WAY_OUT)
