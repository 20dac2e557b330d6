"""Sales that no payout of ours stands behind: another issuer's card, an invoice on the screen."""

from __future__ import annotations

import secrets

from host.clock import MINUTE
from host.ledger import incoming, sales
from host.ledger.records import Sale, SaleState
from tests.support.shop import Shop


def foreign(shop: Shop, amount_sat: int, host: str = "cards.example") -> Sale:
    """A sale that a card of another issuer paid into our wallet."""
    sale = shop.arm(amount_sat)
    moved = sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    assert moved
    return _paid(shop, moved, host)


def on_screen(shop: Shop, amount_sat: int) -> Sale:
    """A sale whose invoice somebody read from the till's screen, and paid."""
    return _paid(shop, shop.arm(amount_sat), "")


def _paid(shop: Shop, sale: Sale, host: str) -> Sale:
    payment_hash = secrets.token_bytes(32)
    until = shop.clock.now() + MINUTE
    assert incoming.offer(shop.db, sale, payment_hash, "lnbcrt1", until, host)
    incoming.settle(shop.db, payment_hash)
    found = sales.get(shop.db, sale.sale_id)
    assert found
    return found
