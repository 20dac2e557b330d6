"""A holder at the reader of a running daemon: looked at, and then charged by the same till."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.ledger import loans, people
from host.ledger.permissions import Role
from host.readers.base import Look, Show
from host.till import Terminal
from host.visits import Kind, Step, Visit
from tests.support.running import RunningShop, config_of, running, wait_for

TERMINAL = Terminal("till-1", "main")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running(tmp_path, config=config_of("till-1")) as shop:
        yield shop


def test_the_reader_is_lent_to_a_holder_and_comes_back(shop: RunningShop) -> None:
    card = shop.card(balance_sat=1_000)
    cem = people.create(shop.db, "Cem", Role.CASHIER, store_id="main")
    visits = shop.daemon.visits
    (post,) = shop.daemon.posts
    assert post.wait_free(20)
    assert isinstance(visits.begin(Kind.LOOK, TERMINAL, cem), Visit)
    asks = Show(Look.READY, ("Lay down your card", ""))
    wait_for(shop.db, lambda: shop.reader().shown[-1:] == [asks], "the reader to ask")
    shop.lay(card)

    def shown() -> Visit | None:
        found = visits.at(TERMINAL)
        return found if found is not None and found.step is Step.SHOWN else None

    found: Visit = wait_for(shop.db, shown, "the balance")
    assert found.balance is not None
    assert found.balance.account.balance_msat == 1_000_000
    shop.reader().lift()
    wait_for(shop.db, lambda: loans.of(shop.db, "till-1") is None, "the reader back")
    shop.pay(card, 100)
    assert shop.balance(card)[0] == 900
    shop.check_books()
