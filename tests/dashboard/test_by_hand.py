"""A manager ends a payout that nobody knows about, on the payout's own page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from host.bolt11 import Network, decode
from host.clock import DAY, ManualClock
from host.ledger import audit, books, claims, payouts
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.permissions import Role
from host.ledger.records import Payout, PayoutStatus
from host.money import sats
from tests.support.forms import csrf_of
from tests.support.invoices import invoice_text
from tests.support.shop import Shop

PREIMAGE = bytes(range(32))


@dataclass(frozen=True)
class Stuck:
    """A payout of 2 100 sats over Lightning that its wallet says nothing about."""

    shop: Shop
    payout_id: str

    @property
    def now(self) -> Payout:
        found = payouts.get(self.shop.db, self.payout_id)
        assert found is not None
        return found

    def deed(self, client: FlaskClient, name: str, **form: str) -> str:
        """What the page says to one of its forms."""
        data = form | {"csrf_token": csrf_of(client), "inside": "1"}
        path = f"/payouts/{self.payout_id}/{name}"
        return client.post(path, data=data, follow_redirects=True).text


@pytest.fixture
def stuck(shop: Shop) -> Stuck:
    card = shop.card("Ann")
    now = shop.clock.now()
    text = invoice_text(sats(2_100), now=now, network=Network.REGTEST, preimage=PREIMAGE)
    tap = shop.next_tap(card)
    request = ClaimRequest(
        tap, sats(2_100), Source.LNURL, invoice=decode(text), max_fee_msat=sats(5)
    )
    made = claims.claim(shop.db, request)
    assert isinstance(made, Claimed)
    payouts.take(shop.db, wallet="lnd:gone")
    payouts.postpone(shop.db, made.payout.payout_id, "LND did not answer")
    return Stuck(shop, made.payout.payout_id)


def test_the_proof_settles_it_with_the_fee_that_the_wallet_lists(
    manager: FlaskClient, stuck: Stuck
) -> None:
    proof = PREIMAGE.hex()
    assert "It was paid, and here is the proof" in manager.get(f"/payouts/{stuck.payout_id}").text
    for form, words in (
        ({"preimage": "z" * 64}, "must be 64 hex digits"),
        ({"preimage": "00" * 32}, "does not hash"),
        ({"preimage": proof, "fee": "6"}, "allowed 5 sats at most"),
        ({"preimage": proof, "fee": "much"}, "fee"),
    ):
        assert words in stuck.deed(manager, "settle", **form)
        assert stuck.now.status is PayoutStatus.PROCESSING
    page = stuck.deed(manager, "settle", preimage=proof, fee="3")
    assert "It was paid: the books say so." in page
    assert proof not in page
    assert "Settle it" not in page
    assert (stuck.now.status, stuck.now.fee_msat) == (PayoutStatus.COMPLETED, sats(3))
    assert books.check(stuck.shop.db).ok


def test_it_is_released_late_with_a_reason_and_its_amount_typed_once_more(
    manager: FlaskClient, stuck: Stuck, clock: ManualClock
) -> None:
    form = {"reason": "the node burned down", "amount": "2100"}
    assert "may still be paid; wait until" in stuck.deed(manager, "release", **form)
    clock.advance(2 * DAY)
    manager.set_cookie(COOKIE, stuck.shop.session())
    for changes, words in (({"amount": "21"}, "type the amount"), ({"reason": " "}, "reason")):
        assert words in stuck.deed(manager, "release", **(form | changes))
        assert stuck.now.status is PayoutStatus.PROCESSING
    page = stuck.deed(manager, "release", **form)
    assert "The money is the card&#39;s again." in page
    assert "Released by hand: the node burned down" in page
    assert stuck.now.status is PayoutStatus.FAILED
    assert books.check(stuck.shop.db).ok
    assert audit.verify(stuck.shop.db) == []


def test_nobody_else_may_and_no_other_payout_has_the_forms(
    manager: FlaskClient, sign_in: Callable[[Role], FlaskClient], stuck: Stuck
) -> None:
    for client in (sign_in(Role.CASHIER), sign_in(Role.TECHNICIAN)):
        for deed in ("settle", "release"):
            data = {"csrf_token": csrf_of(client), "preimage": PREIMAGE.hex()}
            answer = client.post(f"/payouts/{stuck.payout_id}/{deed}", data=data)
            assert answer.status_code == 403
    assert stuck.now.status is PayoutStatus.PROCESSING
    paid = stuck.shop.pay(stuck.shop.card("Ben"), 5).payout.payout_id
    assert "Settle it" not in manager.get(f"/payouts/{paid}").text
    form = {"csrf_token": csrf_of(manager)}
    assert manager.post("/payouts/nothing/settle", data=form).status_code == 404
