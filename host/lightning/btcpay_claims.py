"""Payouts as claims on a pull payment of BTCPay Server: a shop with BTCPay keeps one set of books.

BTCPay pays them by its own means (its Lightning payout processor, or a person), and its states are
mirrored. Filing and looking need no right: whoever knows the id of a pull payment may claim from
it. With `btcpay.store.canmanagepayouts` we approve our own claims, so that BTCPay need not approve
everybody's, and cancel those whose invoice has expired unpaid.

What its answers mean (`swagger.template.pull-payments.json`, `PullPaymentHostedService.cs`,
`LightningAutomatedPayoutProcessor.cs`, BTCPay Server 2):
- Completed is paid only with a preimage that hashes: `paymentProof.Preimage`, or the store's node
  is asked for it. A payout that a person marked as paid has none, and stays unknown.
- Cancelled is a failure when the store's node knows of no payment that lives, too.
- AwaitingApproval, AwaitingPayment (also after a failed attempt, which is tried again), InProgress:
  unknown.
- A second claim for an invoice is refused (`duplicate-destination`) only while the first one is
  open: so a claim leaves once, ever, and is found again by its id or among all of its pull payment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from host.bolt11 import Bolt11Error, Bolt11Invoice, decode
from host.clock import MINUTE
from host.lightning.btcpay import BtcpaySettings, BtcpayWallet
from host.lightning.claim_book import Claim, ClaimBook
from host.lightning.doubts import CalledPaid, NotKnown
from host.lightning.http import Answer, NoAnswer, clean
from host.lightning.remote import Common, key_refused, paid, whole
from host.lightning.wallet import (
    Failed,
    Paid,
    PaymentResult,
    Unknown,
    WalletDown,
    WalletError,
    WalletRefused,
)
from host.money import MSAT_PER_SAT, btc_text

MANAGE: Final = "btcpay.store.canmanagepayouts"
UNPAID_MS: Final = 10 * MINUTE
"""How long after its invoice's expiry a claim that nobody pays is cancelled by us."""
_METHOD: Final = "BTC-LN"
_MAX_LIST: Final = 64 << 20
"""All payouts of a pull payment come in one answer; it is asked for after a crash alone."""
_WAY_OUT: Final = f"give the API key {MANAGE} for the store, or approve in BTCPay"


class RemoteState(StrEnum):
    """The states of a payout at BTCPay (`PayoutState`), the most alive first."""

    COMPLETED = "Completed"
    IN_PROGRESS = "InProgress"
    AWAITING_PAYMENT = "AwaitingPayment"
    AWAITING_APPROVAL = "AwaitingApproval"
    CANCELLED = "Cancelled"


_ALIVE: Final = list(RemoteState)
_WAITS: Final = (RemoteState.AWAITING_APPROVAL, RemoteState.AWAITING_PAYMENT)
_WORDS: Final = {
    RemoteState.IN_PROGRESS: "is being paid",
    RemoteState.AWAITING_PAYMENT: "waits to be paid",
    RemoteState.AWAITING_APPROVAL: "waits to be approved",
}


@dataclass(frozen=True, slots=True)
class RemotePullPayment:
    """A pull payment as BTCPay shows it to everybody."""

    remote_id: str
    name: str
    unit: str
    archived: bool
    approves: bool
    """Whether BTCPay approves claims by itself."""
    days: int
    """How long an invoice must be good for to be accepted."""

    def unfit(self, *, manages: bool) -> str:
        """Why claims of ours would not be paid, in words; empty when they would."""
        if self.archived:
            return "it is archived"
        if self.unit not in ("BTC", "SATS"):
            return f"it counts in {self.unit}: make one in BTC or SATS"
        if self.days:
            return f"it wants invoices that are good for {self.days} days: set that to 0"
        if not (self.approves or manages):
            return "nobody approves its claims: let BTCPay do it, or us (--manage)"
        return ""


class BtcpayClaims(BtcpayWallet):
    """The way through BTCPay's pull payments; invoices and proofs are those of the store's node."""

    whole_sat = True
    rights = (*BtcpayWallet.rights, MANAGE)

    def __init__(self, settings: BtcpaySettings, common: Common, book: ClaimBook) -> None:
        super().__init__(settings, common)
        self._book = book
        self._payouts = f"/api/v1/stores/{quote(settings.store_id, safe='')}/payouts"

    def pull_payment(self, remote_id: str) -> RemotePullPayment:
        """What BTCPay says of one of its pull payments. Raises `WalletError`."""
        with self._understood():
            answer = self._api.get(_path(remote_id))
            if not answer.ok:
                raise _trouble(answer)
            found = answer.record()
            return RemotePullPayment(
                str(found["id"]),
                clean(found.get("name") or "", 50),
                str(found["currency"]),
                found["archived"] is not False,
                found.get("autoApproveClaims") is True,
                whole(found["BOLT11Expiration"], "BOLT11Expiration"),
            )

    # -- the way of a claim -------------------------------------------------------------------

    def _send(self, invoice: Bolt11Invoice, max_fee_msat: int) -> PaymentResult:
        """File the invoice. What the way costs is paid by BTCPay's node: `max_fee_msat` is not
        asked for, and no fee is told."""
        del max_fee_msat
        payment_hash, amount_msat = invoice.payment_hash, invoice.amount_msat or 0
        claim = self._book.claim(payment_hash)
        if claim is None or amount_msat % MSAT_PER_SAT:
            raise WalletRefused("this payment does not go through a pull payment of BTCPay")
        if not self._book.filing(payment_hash):
            return self._lookup(payment_hash)
        amount = btc_text(amount_msat) if claim.unit == "BTC" else str(amount_msat // MSAT_PER_SAT)
        body = {"destination": invoice.bolt11, "amount": amount, "payoutMethodId": _METHOD}
        answer = self._api.post(f"{_path(claim.pull_payment)}/payouts", body)
        if answer.ok:
            return self._mirror(payment_hash, claim, answer.record())
        if answer.status not in (400, 422):
            raise _trouble(answer)
        return Failed(f"BTCPay Server: {_refusal(answer)}")

    def _lookup(self, payment_hash: bytes) -> PaymentResult:
        claim = self._book.claim(payment_hash)
        if claim is None:
            raise WalletRefused("this payment does not go through a pull payment of BTCPay")
        if not claim.filing:
            return Failed("it was never filed at BTCPay Server")
        found = self._one(claim) if claim.remote_id else self._search(payment_hash, claim)
        if found is None:
            return NotKnown("BTCPay Server has no such payout")
        return self._mirror(payment_hash, claim, found)

    def _one(self, claim: Claim) -> dict[str, Any]:
        path = f"{_path(claim.pull_payment)}/payouts/{quote(claim.remote_id or '', safe='')}"
        answer = self._api.get(path)
        if not answer.ok:  # it was there: nothing that is said now may free the money
            raise _trouble(answer)
        return answer.record()

    def _search(self, payment_hash: bytes, claim: Claim) -> dict[str, Any] | None:
        """Among all payouts of the pull payment: after a crash between filing and noting."""
        path = f"{_path(claim.pull_payment)}/payouts?includeCancelled=true"
        answer = self._api.get(path, most=_MAX_LIST)
        if not answer.ok:
            raise _trouble(answer)
        listed = answer.json()
        if not isinstance(listed, list):
            raise NoAnswer("BTCPay Server answered no list of payouts")
        mine = [one for one in listed if _is_for(one, payment_hash)]
        return min(mine, key=lambda one: _ALIVE.index(_state(one)), default=None)

    def _mirror(self, payment_hash: bytes, claim: Claim, found: dict[str, Any]) -> PaymentResult:
        """Note what BTCPay says, do what is ours to do, and say what it means for the money."""
        if not _is_for(found, payment_hash):
            raise NoAnswer("BTCPay Server answered with another payout")
        state = self._noted(payment_hash, found)
        if claim.manages and state in _WAITS:
            try:
                found = self._manage(claim, found, state) or found
            except WalletError as error:
                return Unknown(f"the payout {_WORDS[state]}: {error}")
            state = self._noted(payment_hash, found)
        if state is RemoteState.COMPLETED:
            return self._proven(payment_hash, found)
        if state is RemoteState.CANCELLED:
            return self._cancelled(payment_hash)
        return Unknown(f"BTCPay Server: the payout {_WORDS[state]}")

    def _noted(self, payment_hash: bytes, found: dict[str, Any]) -> RemoteState:
        state = _state(found)
        self._book.seen(payment_hash, str(found["id"]), state)
        return state

    def _manage(
        self, claim: Claim, found: dict[str, Any], state: RemoteState
    ) -> dict[str, Any] | None:
        """Approve it, or cancel what nobody paid in time; the payout as it is then, if it moved.

        BTCPay cancels no payout that is being paid, and none that is.
        """
        path = f"{self._payouts}/{quote(str(found['id']), safe='')}"
        expired_ms = self._clock.now() - decode(str(found["destination"])).expires_at
        if expired_ms >= UNPAID_MS:
            answer = self._api.post(f"{path}/mark", {"state": RemoteState.CANCELLED.value})
        elif state is RemoteState.AWAITING_APPROVAL and expired_ms < 0:
            answer = self._api.post(path, {"revision": whole(found["revision"], "revision")})
        else:
            return None
        if answer.status in (401, 403):
            raise key_refused("BTCPay Server", _WAY_OUT)
        if not answer.ok:  # somebody was faster: the next look sees it
            return None
        return self._one(Claim(claim.pull_payment, claim.unit, True, True, str(found["id"])))

    def _proven(self, payment_hash: bytes, found: dict[str, Any]) -> PaymentResult:
        proof = found.get("paymentProof")
        named = proof if isinstance(proof, dict) else {}
        result = paid(payment_hash, named.get("Preimage") or named.get("preimage"), 0)
        if isinstance(result, Paid):
            return result
        try:
            node = super()._lookup(payment_hash)
        except WalletError:
            node = result
        if isinstance(node, Paid):
            return Paid(node.preimage)
        return CalledPaid("BTCPay Server: completed, but without the preimage that proves it")

    def _cancelled(self, payment_hash: bytes) -> PaymentResult:
        """The node is asked too: a person may cancel what was paid, or is on its way."""
        node = super()._lookup(payment_hash)
        if isinstance(node, Paid):
            return Paid(node.preimage)
        if isinstance(node, Unknown):
            return Unknown(f"BTCPay Server: the payout was cancelled, but {node.reason}")
        return Failed("BTCPay Server: the payout was cancelled")


def _path(pull_payment: str) -> str:
    return f"/api/v1/pull-payments/{quote(pull_payment, safe='')}"


def _state(found: dict[str, Any]) -> RemoteState:
    try:
        return RemoteState(str(found.get("state")))
    except ValueError as error:
        raise NoAnswer(f"BTCPay Server: unknown state {clean(found.get('state'), 40)}") from error


def _is_for(found: object, payment_hash: bytes) -> bool:
    if not isinstance(found, dict):
        return False
    text = str(found.get("destination") or "").lower().removeprefix("lightning:")
    try:
        return decode(text).payment_hash == payment_hash
    except Bolt11Error:  # an address, or an LNURL: somebody else's claim
        return False


def _trouble(answer: Answer) -> WalletError:
    """What an answer that is no answer to us means: never that a payout is not there."""
    if answer.status in (401, 403):
        return key_refused("BTCPay Server", _WAY_OUT)
    if answer.status == 404 and answer.says("code") == "pullpayment-not-found":
        return WalletDown("BTCPay Server: there is no such pull payment")
    return NoAnswer(f"BTCPay Server answered {answer.status}: {answer.says('code')}")


def _refusal(answer: Answer) -> str:
    """The words of a "no" to a claim: one problem, or a list of what is not valid."""
    if answer.status == 422 and isinstance(listed := answer.json(), list):
        return "; ".join(_said(listed)) or "not valid"
    return answer.says("message", "code")


def _said(problems: Iterable[object]) -> list[str]:
    return [clean(one.get("message")) for one in problems if isinstance(one, dict)]
