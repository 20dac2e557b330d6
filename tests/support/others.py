"""Sales that no payout of ours stands behind: another issuer's card, an invoice on the screen."""

from __future__ import annotations

import io
import secrets
from datetime import date, timedelta

from host.clock import MINUTE
from host.ledger import history, incoming, sales
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


PAST = (
    "payout_id,pull_payment_id,store_id,amount,currency,status,created_at,completed_at,boltcard_id,"
    "boltcard_alias,error_message\n"
    "7Kq1xYz,pp-1,BTCPAY,0.00042000,BTC,Completed,{day}T10:00:00Z,{day}T10:00:02Z,c1,Old card,\n"
    "8Lr2yZa,pp-1,BTCPAY,0.00000500,BTC,Failed,{day}T11:00:00Z,,c1,,no route to the recipient\n"
)


def past(shop: Shop, days: int = 4) -> str:
    """A history of another system, taken in; the id of a payout of it."""
    day = date.fromtimestamp(shop.clock.now() // 1000) - timedelta(days=days)
    file = io.BytesIO(PAST.format(day=day).encode())
    history.take(shop.db, "main", file, "flash_payouts.csv")
    return "7Kq1xYz"


def _paid(shop: Shop, sale: Sale, host: str) -> Sale:
    payment_hash = secrets.token_bytes(32)
    until = shop.clock.now() + MINUTE
    assert incoming.offer(shop.db, sale, payment_hash, "lnbcrt1", until, host)
    incoming.settle(shop.db, payment_hash)
    found = sales.get(shop.db, sale.sale_id)
    assert found
    return found
