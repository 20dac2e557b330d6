"""Fixtures of the integration tests: whole daemons, with nothing in them replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pcscd import pcscd
from tests.support.running import RunningShop, running

__all__ = ["pcscd"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """One daemon for the tests of a module; every test brings cards of its own."""
    with running(tmp_path_factory.mktemp("shop") / "home") as shop:
        yield shop


@pytest.fixture
def shop(shared: RunningShop) -> Iterator[RunningShop]:
    """The daemon of this module, whose books must agree after every test."""
    yield shared
    shared.reader().lift()
    shared.check_books()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningShop]:
    """A daemon for this test alone."""
    with running(tmp_path / "home") as shop:
        yield shop
        shop.check_books()
