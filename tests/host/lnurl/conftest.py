"""Fixtures of the LNURL tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.foreign_wallet import client_of
from tests.support.world import World, world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def wallet(shop: World) -> FlaskClient:
    """Somebody else's wallet in front of our service."""
    return client_of(shop)
