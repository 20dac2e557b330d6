"""Our reader on a real USB cable: the firmware behind the gadget, a PN532 and cards in software."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from serial.tools.list_ports import comports

from hardware.twin.bench import Bench
from hardware.twin.card import TwinCard
from hardware.twin.panel import interpreter
from hardware.twin.pty import Pn532Pty
from hardware.twin.store import Drawer
from host.readers.panel_find import panel_ports
from tests.device.gadget import HSU, PANEL, Gadget
from tests.device.uevents import wait_until

SERIAL: Final = "TT-0000USB1"
_ROOT = Path(__file__).parents[2]
_SOON = 20.0


class Skipped(Exception):
    """This machine lacks what a case is about; the text says what."""


class Pause:
    """Holds a card's answer back at one command, for the cable to be pulled in the middle of it.

    The card has done what it was told by then, and nobody will ever hear so.
    """

    def __init__(self, card: TwinCard, answered: int) -> None:
        self._left = answered
        self._card, self._answer = card, card.transceive
        self._reached, self._go_on = threading.Event(), threading.Event()
        card.transceive = self._transceive  # type: ignore[method-assign]

    def _transceive(self, apdu: bytes) -> bytes:
        answer = self._answer(apdu)
        self._left -= 1
        if self._left < 0:
            self.end()
            self._reached.set()
            self._go_on.wait(_SOON)
        return answer

    def wait(self) -> None:
        """Until the card is at that command."""
        assert self._reached.wait(_SOON), "the card never heard that command"

    def end(self) -> None:
        """Let the card be as it was."""
        self._card.transceive = self._answer  # type: ignore[method-assign]

    def release(self) -> None:
        """The answer may go wherever it still goes."""
        self._go_on.set()


class Board:
    """One reader of ours, and the hand at its cable."""

    def __init__(self, folder: Path) -> None:
        self.drawer = Drawer(folder)
        self.bench = Bench(self.drawer)
        self.runs_on = interpreter()
        self._gadget = Gadget(SERIAL)
        self._chip: Pn532Pty | None = None
        self._firmware: subprocess.Popen[bytes] | None = None
        self._pauses: list[Pause] = []

    def start(self) -> None:
        """The firmware boots, as it does before the host has enumerated it."""
        self._chip = Pn532Pty(self.bench)
        lines = (f"panel={PANEL}", f"hsu={HSU}", f"chip={self._chip.device}")
        self._firmware = subprocess.Popen(
            [*self.runs_on.command, "-m", "reader.on_unix", *lines, f"serial={SERIAL}"],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        cast(IO[bytes], self._firmware.stdout).readline()  # it says when it is up

    def plug(self, *, firmware: bool = True) -> str:
        """Put the cable in; the path of the panel once the host has it."""
        if firmware:
            self.start()
        self._gadget.plug()
        return wait_until(self.panel, "the panel to be enumerated")

    def unplug(self) -> None:
        """Pull the cable, and with it the power of firmware and chip."""
        self._gadget.unplug()
        if self._firmware is not None:
            self._firmware.kill()
            self._firmware.wait()
            cast(IO[bytes], self._firmware.stdout).close()
        for pause in self._pauses:
            pause.release()
        if self._chip is not None:
            self._chip.close()
        self._firmware, self._chip, self._pauses = None, None, []
        wait_until(lambda: True if self.panel() is None else None, "the host to have seen it")

    @contextmanager
    def plugged(self) -> Iterator[str]:
        """Plugged in for this long, with an empty field; the panel's path."""
        try:
            yield self.plug()
        finally:
            self.bench.lift()
            self.unplug()

    def pause(self, answered: int) -> Pause:
        """Hold back the answer after that many, of the card that lies there."""
        (card,) = self.bench.field()
        pause = Pause(card, answered)
        self._pauses.append(pause)
        return pause

    # --- what the host sees ----------------------------------------------------------------------

    def panel(self) -> str | None:
        """The path of the panel interface, as the host's driver finds it."""
        found = [port.device for port in panel_ports() if port.serial == SERIAL]
        return found[0] if found and Path(found[0]).exists() else None

    def hsu(self) -> str:
        """The path of the interface that looks like a PN532."""
        ours = [port for port in comports() if port.serial_number == SERIAL]
        (path,) = [port.device for port in ours if (port.location or "").endswith(":1.2")]
        return str(path)
