"""The same cable under a provisioning job, and under a whole running shop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hardware.twin.card import TwinCard
from host.config import ReaderConfig
from host.ledger.records import SaleState
from host.ntag424.values import Uid
from host.readers.base import Reader, ReaderGone
from host.readers.open import open_reader
from provisioning.orders import Done, Goal, Order, Outcome
from tests.device.board import SERIAL, Board
from tests.device.threads import in_background
from tests.provisioning.shop import UID, Shop
from tests.support.running import (
    DEADLINE_S,
    config_of,
    make_card,
    payouts_of,
    running,
    wait_for,
    wait_sale,
)

_SOON = 10_000
_BOB = Uid.parse("04AABBCCDDEEFF")
_OTHER = Uid.parse("04968caa5c5e81")
_PLACES = (6, 15, 19)
"""After how many answers the cable is pulled: while it is looked at, written, given its keys."""


def a_card_whose_reader_is_unplugged_while_it_is_made_is_finished_where_it_stood(
    board: Board,
) -> None:
    board.drawer.create("new", UID)
    with TemporaryDirectory() as folder, ExitStack() as closing:
        shop = Shop.open(Path(folder))
        closing.callback(shop.db.close)
        order = shop.order(Goal.ISSUE)
        with board.plugged():
            board.bench.lay("new")
            for answered in _PLACES:
                with open_reader(f"panel:{SERIAL}") as reader:
                    pause = board.pause(answered)
                    outcome = in_background(partial(_work, shop, order, reader))
                    pause.wait()
                    board.unplug()
                    assert isinstance(outcome(), ReaderGone)
                board.plug()
            with open_reader(f"panel:{SERIAL}") as reader:
                done = _work(shop, order, reader)
        assert isinstance(done, Done), done
        assert done.resumed
        assert done.apdus < shop.done(TwinCard.factory(_OTHER), Goal.ISSUE).apdus / 2
        assert shop.workshop.open_job(UID.hex()) is None


def _work(shop: Shop, order: Order, reader: Reader) -> Outcome:
    """One tap, as the desk does it."""
    link = reader.wait_card(_SOON)
    assert link is not None, "no card was seen"
    return shop.workshop.work(link, order)


def a_shop_whose_reader_is_unplugged_in_a_tap_sells_after_it_is_back_and_charges_once(
    board: Board,
) -> None:
    config = replace(config_of("till-1"), readers=(ReaderConfig(f"panel:{SERIAL}"),))
    with (
        TemporaryDirectory() as folder,
        board.plugged(),
        running(Path(folder) / "home", config=config) as shop,
    ):
        board.drawer.create("bob", _BOB)
        with board.drawer.take("bob") as twin:
            card = make_card(shop.db, shop.config, shop.keyring, "Bob", twin=twin)
        parts = partial(shop.daemon.board.parts, "till-1")
        sale = shop.arm(10)
        board.bench.lay("bob")
        board.pause(answered=1).wait()
        board.unplug()
        wait_for(shop.db, lambda: not parts()[0].ok, "the dot to be red")
        board.bench.lift()
        assert payouts_of(shop.db, card) == []
        board.plug()
        wait_for(shop.db, lambda: parts()[0].ok, "the dot to be green")
        assert shop.daemon.posts[0].wait_free(DEADLINE_S)
        board.bench.lay("bob")
        wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
        (payout,) = payouts_of(shop.db, card)
        assert payout.facts().get("gap") == 1  # what was signed and never heard
        shop.check_books()


JOB_CASES: tuple[Callable[[Board], None], ...] = (
    a_card_whose_reader_is_unplugged_while_it_is_made_is_finished_where_it_stood,
    a_shop_whose_reader_is_unplugged_in_a_tap_sells_after_it_is_back_and_charges_once,
)
