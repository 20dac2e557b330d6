"""What holds for every test.

Properties are never judged by the clock of a busy machine, and whoever asks for a PC/SC service
asks the tests' own, never the machine's.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.support.pcscd import own_pcscd

own_pcscd()

settings.register_profile(
    "taptill",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),  # there the same cases every time; here new ones
)
settings.load_profile("taptill")
