"""Third-party programs, run as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

import pytest


def find_tool(name: str, *, package: str) -> str:
    """Where a program is; skips, naming Debian's package, where it is not installed."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is missing: install Debian's package {package}")
    return program


def run_tool(
    command: Sequence[str], *, package: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; skips where it is not installed."""
    return subprocess.run(
        [find_tool(command[0], package=package), *command[1:]],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
