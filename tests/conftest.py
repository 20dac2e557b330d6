"""What holds for every test.

Properties are never judged by the clock of a busy machine and try the same cases every time
(others with TAPTILL_NEW_CASES=1), and whoever asks for a PC/SC service asks the tests' own, never
the machine's.
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
    derandomize=not os.environ.get("TAPTILL_NEW_CASES"),
)
settings.load_profile("taptill")
