from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.twin.bench import Bench
from hardware.twin.store import Drawer


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    drawer = Drawer(tmp_path / "cards")
    drawer.create("alice")
    drawer.create("bob")
    with Bench(drawer) as bench:
        yield bench
