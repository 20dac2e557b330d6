"""A QR code of a running shop: paid by a stranger's wallet, with the dashboard there or gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.ledger import incoming, sales
from host.ledger.records import Sale, SaleMethod, SaleState
from host.money import sats
from host.readers.base import Look
from host.screen import Screen
from tests.support.running import RunningShop, running, wait_for, wait_sale


def shown(shop: RunningShop, display: Screen) -> Sale:
    """A sale of 500 sats whose code is on the screen."""
    sale = shop.arm(500)
    assert display.show(sale) is None
    return sale


def screen_of(shop: RunningShop) -> Screen:
    daemon = shop.daemon
    return Screen(daemon.db, daemon.wallet, daemon.clock, shop.config.wallet.bolt11_network)


def _told(shop: RunningShop) -> bool:
    """Whether the till was told of a card beside its code."""
    news = shop.db.events.after(0, 500, ("card.seen",))
    return any(one.data["sale_state"] == sales.QR for one in news)


@pytest.mark.parametrize("gone", [False, True])
def test_a_stranger_pays_the_code_and_the_sale_is_approved(tmp_path: Path, gone: bool) -> None:
    with running(tmp_path) as shop:
        display = screen_of(shop)
        sale = shown(shop, display)
        if gone:  # the daemon's own reconciler finds it
            display.stop()
        shop.stranger.fund(sats(10_000))
        (code,) = incoming.offered(shop.db, sale.sale_id)
        shop.stranger.pay(code.bolt11, sats(10))
        done = wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
        assert (done.method, done.payout_id) == (SaleMethod.INVOICE, None)
        assert shop.reader().wait_shown(Look.APPROVED, 20_000)
        display.stop()


def test_a_card_laid_beside_a_code_pays_nothing_until_it_is_put_away(tmp_path: Path) -> None:
    with running(tmp_path) as shop:
        display, card = screen_of(shop), shop.card()
        sale = shown(shop, display)
        shop.lay(card)
        wait_for(shop.db, lambda: _told(shop), "the card to be seen")
        shop.lift()
        waiting = sales.get(shop.db, sale.sale_id)
        assert waiting is not None
        assert waiting.state is SaleState.READY
        assert display.hide(waiting) is None
        shop.lay(card)
        assert wait_sale(shop.db, sale.sale_id, SaleState.APPROVED).method is SaleMethod.CARD
        display.stop()


def test_a_code_and_its_sale_are_there_again_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as shop:
        display = screen_of(shop)
        sale = shown(shop, display)
        display.stop()
    with running(tmp_path) as shop:
        again = sales.get(shop.db, sale.sale_id)
        assert again is not None
        assert again.data[sales.QR]
        shop.stranger.fund(sats(10_000))
        (code,) = incoming.offered(shop.db, sale.sale_id)
        shop.stranger.pay(code.bolt11, sats(10))
        assert wait_sale(shop.db, sale.sale_id, SaleState.APPROVED).method is SaleMethod.INVOICE
