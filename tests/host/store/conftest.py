"""A database of its own for every test, and a thread that gives back what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.store.engine import Engine
from host.store.sqlite import BUSY_MS, wal_is_safe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taptill.db"


@pytest.fixture
def db(path: Path) -> Iterator[Engine]:
    busy_ms = 0 if wal_is_safe() else BUSY_MS  # without WAL readers and writers meet
    with Engine.open(path, ManualClock(), busy_ms=busy_ms) as engine:
        yield engine
