"""The hardware as terminals of a Unix machine: the firmware itself, without the board.

A line is a path (a terminal, or the slave end of a pty) or the number of an open, non-blocking
file (the master end of a pty). Runs under CPython and under MicroPython's unix port. Lights,
tones and pictures go to a file of JSON lines, if one is given, for a page that shows them.
"""

import gc
import json
import os
import select
import sys
import termios

from reader import words as w
from reader.compat import Monotonic, sleep_ms

ROUNDS = 6
_VMIN, _VTIME = 6, 5  # places in the control characters, as Linux has them
_ISPEED, _OSPEED, _CC = 4, 5, 6


class Line:
    """Bytes in and out of one terminal; never waits."""

    def __init__(self, hal, where: str) -> None:
        self._hal = hal
        self._file = open(int(where) if where.isdigit() else where, "r+b", buffering=0)  # noqa: SIM115
        if not where.isdigit():
            _raw(self._file)
        hal.poller.register(self._file, select.POLLIN)

    def readinto(self, buf) -> int:
        """What is there now. A terminal whose other end is closed says nothing."""
        try:
            n = self._file.readinto(buf)
        except OSError:
            return 0
        if n:
            self._hal.lively = ROUNDS
        return n or 0

    def write(self, data) -> int:
        try:
            n = self._file.write(data)
        except OSError:
            return 0
        return n or 0


def _raw(file) -> None:
    """Raw, 115200 baud, and reads return at once: VMIN and VTIME 0."""
    fd = file.fileno()
    if hasattr(termios, "setraw"):
        termios.setraw(fd)
    else:
        import tty  # CPython

        tty.setraw(fd)
    state = termios.tcgetattr(fd)
    state[_ISPEED] = state[_OSPEED] = termios.B115200
    state[_CC][_VMIN] = 0
    state[_CC][_VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, state)


def _open_show(where):
    """Where what is shown goes: a file's path, the number of an open one, or nowhere.

    Not buffered: MicroPython's flush is an fsync, which no pipe takes.
    """
    if not where:
        return None
    return open(int(where) if where.isdigit() else where, "wb", buffering=0)


class NoLine:
    """An interface that nobody asked for."""

    def readinto(self, buf) -> int:
        return 0

    def write(self, data) -> int:
        return len(data)


class Unix:
    """One reader on up to three terminals."""

    patience = 10  # its chip is a program on a machine that may be busy with others

    def __init__(self, panel: str, hsu: str, chip: str, **options) -> None:
        self._clock = Monotonic()
        self.poller = select.poll()
        self.lively = 0
        self.panel = Line(self, panel) if panel else NoLine()
        self.hsu = Line(self, hsu) if hsu else NoLine()
        self.chip = Line(self, chip) if chip else NoLine()
        self._serial = options.get("serial") or "TT-0000UNIX"
        self._boot = int(options.get("boot") or w.BOOT_POWER)
        self._settings = options.get("settings") or ""
        self._show = _open_show(options.get("show"))
        self._keys = Line(self, options["keys"]) if options.get("keys") else NoLine()
        self._down = bytearray(1)
        self.rebooted = -1

    def now(self) -> int:
        return self._clock.now()

    async def sleep(self, ms: int) -> None:
        await sleep_ms(ms)

    async def wait(self, ms: int) -> None:
        """Until bytes come, at most a millisecond: the other tasks have to move on too."""
        if self.lively:  # what just came in may be another task's to pass on
            self.lively -= 1
            await sleep_ms(0)
            return
        ready = self.poller.poll(1)
        # A terminal whose other end is closed is "ready" for ever: that must not turn in circles.
        hung_up = ready and not any(found[1] & select.POLLIN for found in ready)
        await sleep_ms(1 if hung_up else 0)

    def _say(self, what: str, value) -> None:
        if self._show:
            self._show.write((json.dumps({what: value}) + "\n").encode())

    def chip_reset(self, held: bool) -> None:
        pass

    def lights(self, pixels: bytes) -> None:
        self._say("lights", pixels.hex())

    def tone(self, hertz: int, volume: int) -> None:
        self._say("tone", [hertz, volume])

    def draw(self, picture: tuple) -> None:
        self._say("picture", [list(part) for part in picture])

    def buttons(self) -> int:
        """What is held down: the last byte that came in on `keys` (a bit each, as in words)."""
        self._keys.readinto(self._down)
        return self._down[0]

    def feed(self) -> None:
        self._say("fed", True)

    def reboot(self, kind: int) -> None:
        self.rebooted = kind
        sys.exit(10 + kind)

    def boot_reason(self) -> int:
        return self._boot

    def serial_number(self) -> str:
        return self._serial

    def board(self) -> str:
        return "unix"

    def can(self) -> int:
        return w.CAN_LIGHTS | w.CAN_TONES | w.CAN_DISPLAY | w.CAN_BUTTONS

    def free_memory(self) -> int:
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else 1_000_000

    def load(self) -> str:
        """The settings' text; empty where nothing was kept yet."""
        try:
            with open(self._settings) as file:
                return file.read()
        except OSError:
            return ""

    def save(self, text: str) -> None:
        if self._settings:
            with open(self._settings + ".new", "w") as file:
                file.write(text)
            os.rename(self._settings + ".new", self._settings)
