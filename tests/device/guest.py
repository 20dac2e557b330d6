"""What runs inside the guest: udev, then every case; a line of text for each, and the count."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

TELL = Path("/dev/ttyS1")
_UDEVD = Path("/lib/systemd/systemd-udevd")


def _start_udev() -> subprocess.Popen[bytes] | None:
    """udev with our rules beside the distribution's own, where this machine has it."""
    from host.readers.rule_files import UDEV, text

    if not _UDEVD.exists():
        return None
    rules = Path("/run/udev/rules.d")
    rules.mkdir(parents=True)
    (rules / UDEV.name).write_text(text(UDEV))
    return subprocess.Popen([str(_UDEVD)])


def _run(tell: Callable[[str], None], case: Callable[[], None], words: str) -> bool | None:
    """Whether it passed; None when it says itself that it cannot run here."""
    from tests.device.board import Skipped

    began = time.monotonic()
    try:
        case()
    except Skipped as reason:
        tell(f"skip  {words}: {reason}")
        return None
    except Exception:  # noqa: BLE001 - the one of this loop: a case that fails is told
        tell(f"FAIL  {words}")
        for line in traceback.format_exc().splitlines():
            tell(f"      {line}")
        return False
    tell(f"ok    {words} ({time.monotonic() - began:.1f} s)")
    return True


def main(tell: Callable[[str], None]) -> None:
    """Every case, in order."""
    from tests.device.board import Board
    from tests.device.cases import CASES
    from tests.hardware.twin.cards import boltcard

    udev = _start_udev()
    board = Board(Path("/run/tmp/cards"))
    board.drawer.put("ann", boltcard())
    tell(f"guest: Linux {os.uname().release}, {board.runs_on}, up in {time.monotonic():.0f} s")
    ran = [_run(tell, partial(case, board), case.__name__.replace("_", " ")) for case in CASES]
    tell(f"{ran.count(True)} passed, {ran.count(False)} failed, {ran.count(None)} skipped")
    if udev:
        udev.kill()


if __name__ == "__main__":
    with TELL.open("w", buffering=1) as told:
        try:
            main(lambda line: print(line, file=told))
        except Exception:  # noqa: BLE001 - or nobody would ever know
            traceback.print_exc(file=told)
        told.flush()
        with contextlib.suppress(OSError):
            os.fsync(told.fileno())
    sys.stdout.flush()
    Path("/proc/sysrq-trigger").write_text("o")  # off
    time.sleep(10)
