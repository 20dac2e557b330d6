"""Fixtures of the payer's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.payer import Payer
from tests.support.paying import Watched
from tests.support.world import World, world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def wallet(shop: World) -> Watched:
    return Watched(shop.pool)


@pytest.fixture
def payer(shop: World, wallet: Watched) -> Iterator[Payer]:
    made = Payer(shop.db, wallet, shop.clock)
    yield made
    made.stop()
