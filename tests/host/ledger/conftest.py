"""A fresh shop for every test; its books are clean when the test is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.books import Shop, shop


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path) as opened:
        yield opened
        opened.clean()


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose books may be wrong at the end."""
    with shop(tmp_path) as opened:
        yield opened
