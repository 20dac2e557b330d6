"""A chip made again counts its taps from the start, and pays: THREATS 3 and 11 both hold."""

from __future__ import annotations

from hardware.twin.card import TwinCard
from host.ledger import books, cards, claims, pull_payments, sales, stores, taps
from host.ledger.claims import Claimed
from host.ledger.codes import Refused
from host.ledger.requests import ClaimRequest, Source
from host.ledger.taps import VerifiedTap
from host.ntag424 import sun
from host.ntag424.read import read_tap_url
from host.ntag424.sun import SunMessage
from provisioning.orders import Goal
from tests.provisioning.shop import UID, Shop, lay, with_uid


def _message(card: TwinCard) -> SunMessage:
    return sun.parse_url(read_tap_url(lay(card).transceive)).message


def _pay(shop: Shop, message: SunMessage) -> Claimed | Refused:
    sale = sales.open(shop.db, "main", 1_000, terminal_id="till-1")
    assert not isinstance(sale, Refused)
    tap = taps.verify(shop.db, shop.keyring.issuers, message)
    if not isinstance(tap, VerifiedTap):
        return tap
    request = ClaimRequest(
        tap=tap, amount_msat=1_000, source=Source.TILL, sale_id=sale.sale_id, terminal_id="till-1"
    )
    return claims.claim(shop.db, request)


def test_a_card_made_again_pays_with_counters_its_chip_has_used_before(shop: Shop) -> None:
    stores.ensure_terminal(shop.db, "till-1", "main")
    pull_payments.fund(shop.db, shop.account, 1_000_000, "test")
    card = with_uid(UID)
    counters = []
    for _ in range(3):
        shop.done(card, Goal.ISSUE)
        for _ in range(2):
            message = _message(card)
            assert isinstance(_pay(shop, message), Claimed)
            counters.append(card.state.read_counter)
        old = message
        shop.done(card, Goal.WIPE)
    assert counters == [2, 3] * 3
    shop.done(card, Goal.ISSUE)
    assert isinstance(_pay(shop, old), Refused)
    assert len(cards.every(shop.db)) == 4
    report = books.check(shop.db)
    assert report.ok, report.problems
