"""What tests of the payer share: a wallet under watch, and claims to be paid."""

from __future__ import annotations

from collections.abc import Callable

from host.ledger import claims, payouts
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Payout, PayoutStatus
from host.ledger.taps import VerifiedTap
from host.lightning.embedded import EmbeddedWallet
from host.lightning.wallet import (
    Invoice,
    InvoiceState,
    PaymentResult,
    Wallet,
)
from host.money import sats
from tests.support.world import KEY_VERSION, UID, World

LATER = 10 * 60_000
"""After the lease and after every back-off of these tests."""


class Watched(Wallet):
    """A wallet that counts what is asked of it, and lets the test answer in its place."""

    name = "watched"

    def __init__(self, wallet: EmbeddedWallet) -> None:
        self.wallet = wallet
        self.sent: list[str] = []
        self.looked_up: list[bytes] = []
        self.before_pay: Callable[[], object] = lambda: None
        self.answer: Callable[[PaymentResult], PaymentResult] = lambda result: result

    def make_invoice(
        self, amount_msat: int, memo: str, expiry_s: int, *, hash_memo: bool = False
    ) -> Invoice:
        raise NotImplementedError

    def invoice_state(self, payment_hash: bytes) -> InvoiceState:
        raise NotImplementedError

    def pay(self, bolt11: str, max_fee_msat: int) -> PaymentResult:
        self.sent.append(bolt11)
        self.before_pay()
        return self.answer(self.wallet.pay(bolt11, max_fee_msat))

    def lookup_payment(self, payment_hash: bytes) -> PaymentResult:
        self.looked_up.append(payment_hash)
        return self.answer(self.wallet.lookup_payment(payment_hash))

    def identity(self) -> str:
        return self.wallet.identity()

    def check(self) -> None:
        self.wallet.check()

    def close(self) -> None:
        self.wallet.close()


def claim(shop: World, counter: int = 1, amount_msat: int = sats(21)) -> Payout:
    """A pending payout of the shop's card."""
    return claim_of(shop, VerifiedTap(shop.card.card_id, UID, counter, KEY_VERSION), amount_msat)


def claim_of(shop: World, tap: VerifiedTap, amount_msat: int = sats(21)) -> Payout:
    from host.bolt11 import decode

    invoice = decode(shop.invoice(amount_msat))
    result = claims.claim(shop.db, ClaimRequest(tap, amount_msat, Source.LNURL, invoice=invoice))
    assert isinstance(result, Claimed)
    return result.payout


def now(shop: World, payout: Payout) -> Payout:
    found = payouts.get(shop.db, payout.payout_id)
    assert found is not None
    return found


def until(shop: World, payout: Payout, status: PayoutStatus) -> Payout:
    """Wait for events until the payout has this status."""
    seen = 0
    while (found := now(shop, payout)).status is not status:
        assert shop.db.events.wait(seen, 30_000), found
        seen = shop.db.events.last_id()
    return found
