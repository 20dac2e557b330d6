"""Putting firmware on a board: only where there is exactly one that waits for it.

The work is done by the firmware's own release tool, as a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from host.readers.base import ReaderError
from host.readers.panel_find import Port, panel_ports

PROMPT = (0x2E8A, 0x0005)
"""A Pico that runs MicroPython and waits at its prompt."""
_BOOTSEL = ("0003", "000f")
_TOOL = "reader.board.release"

Run = Callable[[Sequence[str]], int]
"""Runs a command with its output shown; its exit code."""


def flash(ports: Iterable[Port], *, update: bool, root: Path = Path("/"), run: Run) -> None:
    """Compile the firmware and put it on the board. Raises `ReaderError` with what to do."""
    command = release_command(list(ports), update=update, root=root)
    if code := run(command):
        raise ReaderError(f"the firmware was not put on the board (exit code {code}, see above)")


def release_command(ports: Sequence[Port], *, update: bool, root: Path = Path("/")) -> list[str]:
    """What to run. Raises `ReaderError` while no board, or no tool, is there."""
    boards = [port.device for port in ports if (port.vid, port.pid) == PROMPT]
    if not boards:
        raise ReaderError(_why_none(ports, root))
    if len(boards) > 1:
        raise ReaderError(f"several boards are plugged in ({', '.join(boards)}): leave one")
    if shutil.which("mpremote", path=_tools()) is None:
        raise ReaderError("mpremote is missing: pip install mpremote")
    if importlib.util.find_spec("reader") is None:
        raise ReaderError("the firmware is not installed here: use a checkout of Taptill")
    return [sys.executable, "-m", _TOOL, "--update" if update else "--put"]


def _tools() -> str:
    """Where the release tool looks too: beside this Python, and on the path."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))


def run_shown(command: Sequence[str]) -> int:
    """Run it, with its words shown as they come."""
    return subprocess.run(command, check=False).returncode


def _why_none(ports: Sequence[Port], root: Path) -> str:
    ours = next(panel_ports(ports), None)
    if ours is not None:
        return (
            f"the reader {ours.serial} is at work: hold its cancel button while plugging it in, "
            "then it waits for new firmware"
        )
    for product in (root / "sys/bus/usb/devices").glob("*/idProduct"):
        vendor = product.with_name("idVendor")
        if vendor.read_text().strip() == "2e8a" and product.read_text().strip() in _BOOTSEL:
            return "the board waits for MicroPython: copy it onto the drive RPI-RP2 or RP2350 first"
    return (
        "no board is plugged in: hold BOOTSEL on a Raspberry Pi Pico while plugging it in, copy "
        "MicroPython 1.24 or newer onto the drive that appears, then run this again"
    )
