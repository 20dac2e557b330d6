"""Our own reader as a twin: its real firmware as a process, on this bench's PN532 and cards.

The firmware (`reader/`) is started, never imported. Its two USB interfaces are pseudo-terminals:
`device` is the panel, `hsu` looks like a PN532. What it lights, sounds and draws is shown on the
bench; what is held down there is held down on its buttons.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tty
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, cast

from hardware.twin.bench import Bench, Lights
from hardware.twin.pty import Pn532Pty

_ROOT = Path(__file__).parents[2]
_KEYS: Final = {"confirm": 1, "cancel": 2}
_LOOKS: Final = 3
"""No finger is faster: the firmware takes a byte every 20 ms, and 30 ms for bouncing."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What runs the firmware."""

    command: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        return self.words


CPYTHON: Final = Interpreter((sys.executable,), "CPython, for want of MicroPython: .ci/micropython")


def interpreter() -> Interpreter:
    """MicroPython's unix port held to the chip's memory, where there is one; else this Python."""
    own = _ROOT / ".build/micropython/bin/micropython"
    found = os.environ.get("MICROPYTHON") or (str(own) if own.exists() else "")
    if not found:
        return CPYTHON
    return Interpreter((found, "-X", "heapsize=192k"), "MicroPython with 192 kB of heap")


class PanelPty:
    """One reader of ours."""

    def __init__(self, bench: Bench, runs_on: Interpreter | None = None) -> None:
        self._bench = bench
        self.runs_on = runs_on or interpreter()
        self._chip = Pn532Pty(bench)
        self._held = 0
        self._ends: list[int] = []
        panel, self.device = self._line()
        hsu, self.hsu = self._line()
        shown, show = os.pipe()
        keys, self._press = os.pipe()
        os.set_blocking(keys, False)
        self._child = subprocess.Popen(
            [
                *(*self.runs_on.command, "-m", "reader.on_unix", f"panel={panel}", f"hsu={hsu}"),
                *(
                    f"chip={self._chip.device}",
                    f"show={show}",
                    f"keys={keys}",
                    "serial=TT-0000TWIN",
                ),
            ],
            cwd=_ROOT,
            pass_fds=(panel, hsu, show, keys),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        os.close(show)
        self._ends += [keys, self._press]
        self._thread = threading.Thread(target=self._watch, args=(shown,), daemon=True)
        self._thread.start()
        with cast(IO[bytes], self._child.stdout) as out:
            out.readline()  # it says when it is up
        bench.on_change(self._look)

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
                told = json.loads(line)
                if "picture" in told:
                    self._bench.draw(tuple(tuple(part) for part in told["picture"]))
                self._bench.show(seen(self._bench.lights(), told))

    def _look(self) -> None:
        """Hand over what is held down, if that is what changed on the bench."""
        held = sum(bit for name, bit in _KEYS.items() if name in self._bench.held())
        if held != self._held and self._ends:
            self._held = held
            os.write(self._press, bytes((held,)) * _LOOKS)

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
