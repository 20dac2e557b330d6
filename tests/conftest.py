"""What holds for every test: properties are never judged by the clock of a busy machine."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "taptill",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),  # there the same cases every time; here new ones
)
settings.load_profile("taptill")
