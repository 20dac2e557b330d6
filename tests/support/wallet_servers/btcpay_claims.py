"""Pull payments in Greenfield (`swagger.template.pull-payments.json`, BTCPay Server 2).

The payout processor and the listener for payments in flight are stepped by the test, or run at
once. As in BTCPay itself, a claim for an invoice is a duplicate only while another one is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from host.bolt11 import Bolt11Error, Bolt11Invoice, decode
from host.clock import DAY
from host.lightning.btcpay import BtcpayWallet
from host.lightning.btcpay_claims import MANAGE
from tests.support.wallet_servers.base import Call, Field, Result, Route
from tests.support.wallet_servers.btcpay import BtcpayServer, _problem
from tests.support.wallet_servers.node import AlreadyInFlight, AlreadyPaid, CannotPay, Net

PULL_PAYMENT = "3HMPPhtVxPvPEFkEGQBAH"
_MSAT = {"BTC": Decimal(100_000_000_000), "SATS": Decimal(1_000)}
OPEN = ("AwaitingApproval", "AwaitingPayment", "InProgress")


@dataclass
class PullPayment:
    """One of the store's."""

    unit: str = "BTC"
    limit: Decimal = Decimal(1)
    archived: bool = False
    approves: bool = True
    days: int = 0


@dataclass
class RemotePayout:
    """A claim; a test may put it into any state."""

    number: int
    destination: str
    amount: Decimal
    state: str = "AwaitingApproval"
    proof: dict[str, Any] | None = None
    pull_payment: str = PULL_PAYMENT

    @property
    def remote_id(self) -> str:
        return f"payout{self.number}"


@dataclass
class Habits:
    """How this BTCPay is set up."""

    instantly: bool = True
    """The processor pays what is approved at once, and the listener looks at once."""
    cancels: bool = True
    """A payment that failed cancels its payout; else the processor tries again later."""
    preimages: bool = True
    """The node tells the preimage of what it paid."""
    may_manage: bool = True

    def permissions(self, store: str) -> list[str]:
        """What the API key may do."""
        rights = [*BtcpayWallet.rights, *([MANAGE] if self.may_manage else [])]
        return [f"{right}:{store}" for right in rights]


@dataclass
class Shelf:
    """All pull payments and payouts of the store."""

    pull_payments: dict[str, PullPayment] = field(
        default_factory=lambda: {PULL_PAYMENT: PullPayment()}
    )
    payouts: list[RemotePayout] = field(default_factory=list)


class ClaimsServer(BtcpayServer):
    """One store of a BTCPay Server with its pull payments."""

    paying = f"pull-payments/{PULL_PAYMENT}/payouts"

    def __init__(self, net: Net, account: str) -> None:
        self.shelf = Shelf()
        self.habits = Habits()
        super().__init__(net, account)

    def operations(self) -> list[Route]:
        pull, store = "/api/v1/pull-payments/([^/]+)", f"/api/v1/stores/{self.store}/payouts"
        claim = {
            "destination": Field(str, required=True),
            "amount": Field(str),
            "payoutMethodId": Field(str, required=True),
        }
        approve = {"revision": Field(int, required=True), "rateRule": Field(str)}
        mark = {"state": Field(str, required=True), "paymentProof": Field(dict)}
        return [
            *super().operations(),
            Route("GET", "/api/v1/api-keys/current", self._key),
            Route("GET", pull, self._pull_payment, public=True),
            Route("POST", f"{pull}/payouts", self._claim, claim, public=True),
            Route("GET", f"{pull}/payouts", self._list, public=True),
            Route("GET", f"{pull}/payouts/([^/]+)", self._one, public=True),
            Route("POST", f"{store}/([^/]+)", self._approve, approve),
            Route("POST", f"{store}/([^/]+)/mark", self._mark, mark),
        ]

    # -- what BTCPay does by itself -----------------------------------------------------------

    def process(self) -> None:
        """The Lightning payout processor pays what is approved."""
        for payout in self.shelf.payouts:
            if payout.state == "AwaitingPayment":
                self._pay_out(payout)

    def listen(self) -> None:
        """The listener looks what became of payments in flight."""
        for payout in self.shelf.payouts:
            sent = self.net.payments.get((self.account, self._hash(payout)))
            if payout.state != "InProgress" or sent is None or sent.state == "pending":
                continue
            payout.state = "Completed" if sent.state == "paid" else "Cancelled"
            payout.proof = self._proof(payout, sent.preimage)

    def _pay_out(self, payout: RemotePayout) -> None:
        try:
            if self._expired(decode(payout.destination)):
                payout.state = "Cancelled"
                return
            sent = self.net.pay(self.account, payout.destination)
        except (CannotPay, AlreadyPaid, AlreadyInFlight):
            payout.state = "Cancelled" if self.habits.cancels else "AwaitingPayment"
            return
        if sent.state == "failed":
            payout.state = "Cancelled" if self.habits.cancels else "AwaitingPayment"
            return
        payout.state = {"paid": "Completed", "pending": "InProgress"}[sent.state]
        payout.proof = self._proof(payout, sent.preimage)

    def _proof(self, payout: RemotePayout, preimage: str) -> dict[str, Any]:
        name = self._hash(payout)
        kept = {"Preimage": preimage} if preimage and self.habits.preimages else {"Preimage": None}
        return {
            "PaymentHash": name,
            "ProofType": "PayoutLightningBlob",
            "Link": None,
            "Id": name,
        } | kept

    def _hash(self, payout: RemotePayout) -> str:
        return decode(payout.destination).payment_hash.hex()

    def _expired(self, invoice: Bolt11Invoice) -> bool:
        return self.net.clock.now() >= invoice.expires_at

    # -- what is asked ------------------------------------------------------------------------

    def _key(self, _: Call) -> Result:
        return 200, {"permissions": self.habits.permissions(self.store)}

    def _pull_payment(self, call: Call) -> Result:
        found = self.shelf.pull_payments.get(call.match[1])
        if found is None:
            return _problem(404, "pullpayment-not-found")
        return 200, {
            "id": call.match[1],
            "name": "Cards",
            "description": "",
            "currency": found.unit,
            "amount": str(found.limit),
            "BOLT11Expiration": found.days,
            "autoApproveClaims": found.approves,
            "archived": found.archived,
            "viewLink": "https://btcpay.example/pull-payments/x",
        }

    def _claim(self, call: Call) -> Result:
        with self.net.lock:
            found = self.shelf.pull_payments.get(call.match[1])
            if found is None:
                return _problem(404, "pullpayment-not-found")
            problem = self._not_valid(call.fields, found) or self._refused(call.fields, found)
            if problem is not None:
                return problem
            amount = Decimal(call.fields["amount"])
            payout = RemotePayout(len(self.shelf.payouts) + 1, call.fields["destination"], amount)
            payout.pull_payment = call.match[1]
            self.shelf.payouts.append(payout)
            if found.approves:
                payout.state = "AwaitingPayment"
            return 200, self._after(payout)

    def _not_valid(self, fields: dict[str, Any], found: PullPayment) -> Result | None:
        if fields["payoutMethodId"] != "BTC-LN":
            return 422, [{"path": "payoutMethodId", "message": "Invalid payment method"}]
        try:
            invoice = decode(fields["destination"])
        except Bolt11Error:
            return 422, [{"path": "destination", "message": "not a BOLT11 invoice"}]
        left_ms = invoice.expires_at - self.net.clock.now()
        if left_ms < max(1, found.days * DAY):
            return 422, [{"path": "destination", "message": "must have an expiry date of 30 days"}]
        if Decimal(fields["amount"]) * _MSAT[found.unit] != (invoice.amount_msat or 0):
            return 422, [{"path": "amount", "message": "not the destination's amount"}]
        return None

    def _refused(self, fields: dict[str, Any], found: PullPayment) -> Result | None:
        if found.archived:
            return _problem(400, "archived", "This pull payment has been archived")
        name = decode(fields["destination"]).payment_hash.hex()
        if any(self._hash(one) == name and one.state in OPEN for one in self.shelf.payouts):
            return _problem(400, "duplicate-destination", "already used for another payout")
        taken = sum(one.amount for one in self.shelf.payouts if one.state != "Cancelled")
        if taken + Decimal(fields["amount"]) > found.limit:
            return _problem(400, "overdraft", "The payout amount overdraft the limit")
        return None

    def _list(self, call: Call) -> Result:
        if set(call.query) - {"includeCancelled"}:
            return self._violation(f"unknown query {call.query}")
        every = call.query.get("includeCancelled") == "true"
        return 200, [
            _data(one)
            for one in self.shelf.payouts
            if one.pull_payment == call.match[1] and (every or one.state != "Cancelled")
        ]

    def _one(self, call: Call) -> Result:
        for one in self.shelf.payouts:
            if (one.pull_payment, one.remote_id) == (call.match[1], call.match[2]):
                return 200, self._after(one)
        return _problem(404, "payout-not-found")

    def _approve(self, call: Call) -> Result:
        if not self.habits.may_manage:
            return _problem(403, "missing-permission")
        payout = next((one for one in self.shelf.payouts if one.remote_id == call.match[1]), None)
        if payout is None:
            return _problem(404, "payout-not-found")
        if payout.state != "AwaitingApproval":
            return _problem(400, "invalid-state")
        payout.state = "AwaitingPayment"
        return 200, self._after(payout)

    def _mark(self, call: Call) -> Result:
        if not self.habits.may_manage:
            return _problem(403, "missing-permission")
        payout = next((one for one in self.shelf.payouts if one.remote_id == call.match[1]), None)
        if payout is None:
            return _problem(404, "payout-not-found")
        if call.fields["state"] != "Cancelled" or payout.state in ("InProgress", "Completed"):
            return _problem(400, "invalid-state")
        payout.state = "Cancelled"
        return 200, b""

    def _after(self, payout: RemotePayout) -> dict[str, Any]:
        if self.habits.instantly:
            self.listen()  # before it pays: a payment in flight is seen at the next look
            self.process()
        return _data(payout)


def _data(payout: RemotePayout) -> dict[str, Any]:
    return {
        "id": payout.remote_id,
        "revision": 0,
        "pullPaymentId": payout.pull_payment,
        "date": 1_700_000_000,
        "destination": payout.destination,
        "originalCurrency": "BTC",
        "originalAmount": str(payout.amount),
        "payoutCurrency": "BTC",
        "payoutAmount": None if payout.state == "AwaitingApproval" else str(payout.amount),
        "payoutMethodId": "BTC-LN",
        "state": payout.state,
        "paymentProof": payout.proof,
        "metadata": {},
    }
