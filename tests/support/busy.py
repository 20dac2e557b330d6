"""A shop with some weeks of business behind it, made by real claims as time goes by."""

from __future__ import annotations

from dataclasses import dataclass

from host.bolt11 import decode
from host.clock import DAY, HOUR, MINUTE, ManualClock
from host.ledger import claims, payouts
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Card, Limits, Payout
from host.money import sats
from tests.support.invoices import invoice_text
from tests.support.shop import Shop

NAMES = ("Ann", "Ben's card", "Staff canteen 7", "Cem", "Dora", "Emil", "Fatima", "Gus", "Hana")


@dataclass(frozen=True, slots=True)
class Busy:
    """What there is: the cards, and the payouts in the order they were made."""

    cards: list[Card]
    made: list[Payout]


def business(shop: Shop, clock: ManualClock, *, days: int = 45) -> Busy:
    """Weeks of sales at the till that end now, more at week-ends; then two over Lightning."""
    end = clock.now()
    clock.advance(-days * DAY)
    held = [shop.card(name, limits=_limits(at)) for at, name in enumerate(NAMES)]
    made = []
    for day in range(days):
        clock.advance(-(clock.now() % DAY) + 9 * HOUR)
        for number in range(2 + (5 if day % 7 in (4, 5) else day % 3)):
            clock.advance(17 * MINUTE)
            card = held[(day * 3 + number * number) % len(held)]
            shop.counters[card.card_id] += 2 if number == 3 else 0
            made.append(shop.pay(card, 400 + (day * 977 + number * 613) % 9_000).payout)
        clock.advance(DAY)
    clock.advance(end - clock.now())
    return Busy(held, made)


def lightning(shop: Shop, card: Card, amount_sat: int) -> Payout:
    """A claim of a card at somebody else's point of sale: Pending, its money held."""
    bill = decode(invoice_text(sats(amount_sat), now=shop.clock.now()))
    claimed = claims.claim(
        shop.db, ClaimRequest(shop.next_tap(card), sats(amount_sat), Source.LNURL, invoice=bill)
    )
    assert isinstance(claimed, Claimed), claimed
    return claimed.payout


def failed(shop: Shop, card: Card, amount_sat: int, reason: str) -> Payout:
    """A payout that the wallet says has definitely failed."""
    payout = lightning(shop, card, amount_sat)
    payouts.take(shop.db)
    assert payouts.fail(shop.db, payout.payout_id, reason)
    return payout


def _limits(at: int) -> Limits:
    if at % 3:
        return Limits()
    return Limits(sats(10_000), sats(50_000), sats(200_000), 20)
