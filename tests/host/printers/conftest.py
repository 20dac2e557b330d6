from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.printers import status
from tests.support.printer import NEVER_S, FakePrinter, fake_printer
from tests.support.shop import Shop


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(tmp_path: Path, clock: ManualClock) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, clock)
    yield shop
    shop.close()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePrinter]:
    """A printer that is asked with patience, until a test makes it silent."""
    monkeypatch.setattr(status, "ANSWER_S", NEVER_S)
    with fake_printer() as printer:
        yield printer
