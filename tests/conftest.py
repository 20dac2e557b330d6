"""What holds for every test.

Properties are never judged by the clock of a busy machine and try the same cases every time
(others with TAPTILL_NEW_CASES=1), and whoever asks for a PC/SC service asks the tests' own, never
the machine's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.support.pcscd import own_pcscd

own_pcscd()

settings.register_profile(
    "taptill",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("TAPTILL_NEW_CASES"),
)
settings.load_profile("taptill")

FIRST: Final = (
    "integration/lnbits/test_contract",
    "browser",
    "provisioning/test_over",
    "integration",
)
"""Where the tests are that take long, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: no worker is left alone with it at the end."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((n for n, name in enumerate(FIRST) if path.startswith(name)), len(FIRST))

    items.sort(key=rank)
