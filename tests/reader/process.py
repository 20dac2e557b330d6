"""The firmware as a process on ptys, under CPython or MicroPython, and its chip in a thread."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.reader.scripted import ScriptedChip

ROOT = Path(__file__).parents[2]
MICROPYTHON = Path(os.environ.get("MICROPYTHON", ROOT / ".build/micropython/bin/micropython"))


def interpreters() -> dict[str, list[str]]:
    """The interpreters there are; MicroPython is held to the chip's memory."""
    found = {"cpython": [sys.executable]}
    if MICROPYTHON.exists():
        found["micropython"] = [str(MICROPYTHON), "-X", "heapsize=192k"]
    return found


class Pair:
    """One pty in raw mode; `path` is the slave's, which we keep open."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)

    def close(self) -> None:
        for fd in self.master, self.slave:
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1


class ChipThread:
    """A scripted PN532 behind a pty."""

    def __init__(self) -> None:
        self.chip = ScriptedChip()
        self.pair = Pair()
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self.pair.master, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            answer = self.chip.take(os.read(self.pair.master, 512))
            if answer:
                os.write(self.pair.master, answer)

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join(30)
        os.close(self._stop_read)
        os.close(self._stop_write)
        self.pair.close()


class FirmwareProcess:
    """The reader: `panel` and `hsu` are paths for the host; `chip` takes cards.

    `chip_path` names another PN532, for example the twin's.
    """

    def __init__(self, interpreter: list[str], chip_path: str = "", *, show: str = "") -> None:
        self._panel, self._hsu = Pair(), Pair()
        self._chip = None if chip_path else ChipThread()
        self.panel, self.hsu = self._panel.path, self._hsu.path
        self._command = [
            *interpreter,
            *("-m", "reader.on_unix"),
            f"panel={self._panel.master}",
            f"hsu={self._hsu.master}",
            f"chip={chip_path or (self._chip.pair.path if self._chip else '')}",
            *([f"show={show}"] if show else []),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def chip(self) -> ScriptedChip:
        assert self._chip is not None
        return self._chip.chip

    def start(self) -> None:
        """Power up: the two interfaces stay, as they do when a board is reset quickly."""
        masters = (self._panel.master, self._hsu.master)
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, pass_fds=masters, stdout=subprocess.PIPE, encoding="ascii"
        )
        assert self._process.stdout is not None
        with self._process.stdout as out:
            assert out.readline() == "ready\n"

    def stop(self) -> None:
        """Pull the plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        self.stop()
        if self._chip is not None:
            self._chip.close()
            self._chip = None
        self._panel.close()
        self._hsu.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
