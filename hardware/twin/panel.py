"""Our own reader as a twin: its real firmware as a process, on this bench's PN532 and cards.

The firmware (`reader/`) is started, never imported. Its two USB interfaces are pseudo-terminals:
`device` is the panel, `hsu` looks like a PN532. What it lights and sounds is shown on the bench.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

from hardware.twin.bench import Bench, Lights
from hardware.twin.pty import Pn532Pty

_ROOT = Path(__file__).parents[2]


class PanelPty:
    """One reader of ours. `interpreter` may be MicroPython's unix port with its options."""

    def __init__(self, bench: Bench, interpreter: Sequence[str] = (sys.executable,)) -> None:
        self._bench = bench
        self._chip = Pn532Pty(bench)
        self._ends: list[int] = []
        panel, self.device = self._line()
        hsu, self.hsu = self._line()
        shown, show = os.pipe()
        self._child = subprocess.Popen(
            [
                *(*interpreter, "-m", "reader.on_unix", f"panel={panel}", f"hsu={hsu}"),
                *(f"chip={self._chip.device}", f"show={show}", "serial=TT-0000TWIN"),
            ],
            cwd=_ROOT,
            pass_fds=(panel, hsu, show),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        os.close(show)
        self._thread = threading.Thread(target=self._watch, args=(shown,), daemon=True)
        self._thread.start()
        with cast(IO[bytes], self._child.stdout) as out:
            out.readline()  # it says when it is up

    def _line(self) -> tuple[int, str]:
        """The firmware's end of a new line, and the path of the host's end, which stays open."""
        ours, hosts = os.openpty()
        tty.setraw(hosts)
        os.set_blocking(ours, False)
        self._ends += [ours, hosts]
        return ours, os.ttyname(hosts)

    def _watch(self, shown: int) -> None:
        with open(shown) as lines:
            for line in lines:
                self._bench.show(seen(self._bench.lights(), json.loads(line)))

    def close(self) -> None:
        """Pull the plug; a second call does nothing."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._thread.join()
        self._chip.close()
        while self._ends:
            os.close(self._ends.pop())


def seen(lights: Lights, told: dict[str, Any]) -> Lights:
    """The bench's lights after one word of the firmware: row, sign on the display, or tone."""
    if "lights" in told:
        pixels = bytes.fromhex(told["lights"])
        first, second, third, fourth = (any(pixels[3 * i : 3 * i + 3]) for i in range(4))
        return replace(lights, row=(first, second, third, fourth))
    if "picture" in told:
        signs = {part[0] for part in told["picture"] if len(part) == 3}
        return replace(lights, approved="tick" in signs, declined="cross" in signs)
    if "tone" in told:
        return replace(lights, buzzer=bool(told["tone"][0]))
    return lights
