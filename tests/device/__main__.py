"""`make test-usb`: the reader on a real USB cable, inside a computer in software."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from tests.device.machine import Machine, why_not

_PARTS = Path(".build/usb/parts")
_SECONDS = 600.0
_COUNT = re.compile(r"(\d+) passed, (\d+) failed, \d+ skipped")


def main() -> int:
    """Print the guest's lines; 0 when it told that every case passed."""
    if reason := why_not(_PARTS):
        print(f"real USB: skipped: {reason}")
        return 0
    began = time.monotonic()
    machine = Machine(_PARTS, _PARTS.parent / "console.log")
    counted = None
    try:
        for line in machine.lines(_SECONDS):
            print(line.rstrip(), flush=True)
            counted = _COUNT.fullmatch(line.strip()) or counted
    finally:
        machine.close()
    print(f"real USB: {time.monotonic() - began:.0f} s; the kernel's words: {machine.console}")
    if counted is None:
        print(machine.console.read_text(errors="replace")[-4000:])
        return 1
    return 0 if counted[2] == "0" and counted[1] != "0" else 1


if __name__ == "__main__":
    sys.exit(main())
