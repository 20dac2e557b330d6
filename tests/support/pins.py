"""A card with a PIN at a till whose taps are verified already."""

from __future__ import annotations

from dataclasses import dataclass

from host.ledger import cards, sales
from host.ledger.claims import Claimed
from host.ledger.codes import Refused
from host.ledger.records import Card
from host.ledger.taps import VerifiedTap
from host.money import sats
from host.ntag424.values import Uid
from host.pinpad import PinPad
from host.till import Till
from tests.support.shop import Shop

PIN = "7391"


@dataclass
class PinDesk:
    """The reader's side of a till page: cards are laid here, PINs are typed there."""

    shop: Shop
    pads: PinPad

    def card(self, alias: str = "Ann", pin: str = PIN, from_sat: int = 0) -> Card:
        card = self.shop.card(alias)
        return cards.set_pin(self.shop.db, card.card_id, pin, limit_msat=sats(from_sat))

    def lay(self, card: Card) -> Claimed | Refused:
        """Lay a card on the reader, as the post would."""
        shop = self.shop
        till = Till(shop.db, shop.terminal, [], lambda _host: True, pads=self.pads)
        sale = sales.current(shop.db, shop.terminal.terminal_id)
        assert sale is not None
        shop.counters[card.card_id] += 1
        counter = shop.counters[card.card_id]
        self.pads.forget(shop.terminal.terminal_id)
        tap = VerifiedTap(card.card_id, Uid.parse(card.uid), counter, card.key_version)
        outcome = till._claim(sale, tap)
        if isinstance(outcome, Refused):
            till.refuse(sale, outcome)
        return outcome
