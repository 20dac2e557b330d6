from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.clock import ManualClock
from tests.support.shop import Shop

START = 1_772_460_451_000  # 2026-03-02T14:07:31Z


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def shop(tmp_path: Path, clock: ManualClock) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, clock)
    yield shop
    shop.close()
