"""One daemon a home folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another daemon serves this home folder."""


def take_home(home: Path) -> IO[str]:
    """Be the only daemon of a home folder, for as long as the returned file is open."""
    (home / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (home / "run" / "daemon.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise AlreadyRunning(
            f"Taptill already runs in {home} (process {pid or 'unknown'})"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
