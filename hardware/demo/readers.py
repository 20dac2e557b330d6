"""The demo's reader: a twin in a process of its own, reached through a real driver.

`nfc` is a PN532 on a pseudo terminal driven by nfcpy, `panel` our own reader with its real
firmware, `pcsc` a virtual slot of a real pcscd, and `direct` a reader in this very process.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host.readers.base import Reader, ReaderOpener

if TYPE_CHECKING:
    from host.readers.direct import DirectReader

KINDS = ("nfc", "panel", "pcsc", "direct")


@dataclass(frozen=True, slots=True)
class CounterAt:
    """Where the virtual counter is served, and the till that it links to."""

    port: int
    till_url: str


class DemoReader(ABC):
    """A twin reader on a drawer of cards, and the hand that lays them down."""

    device: str
    """What the configuration calls it."""
    gpio_lights = False
    counter_url: str | None = None
    words: str | None = None
    """What there is to say of it."""

    @abstractmethod
    def lay(self, name: str) -> None:
        """Lay a card of the drawer on the reader."""

    @abstractmethod
    def lift(self) -> None:
        """Take everything off the reader."""

    @abstractmethod
    def close(self) -> None:
        """End what was started for it."""

    @abstractmethod
    def label(self, name: str, text: str) -> None:
        """Write on a card what people call it, for the virtual counter to show."""

    @property
    def opener(self) -> ReaderOpener | None:
        """How the daemon opens it, where its name alone does not do."""
        return None


class _Served(TypedDict, total=False):
    counter: int
    till: str


class _ProcessReader(DemoReader):
    """A twin in a process of its own."""

    def __init__(self, twin: TwinProcess, closing: ExitStack) -> None:
        self._twin = twin
        self._closing = closing
        self.counter_url = twin.counter_url

    def lay(self, name: str) -> None:
        self._twin.lay(name)

    def lift(self) -> None:
        self._twin.lift()

    def label(self, name: str, text: str) -> None:
        self._twin.label(name, text)

    def close(self) -> None:
        self._closing.close()


def _served(counter: CounterAt | None) -> _Served:
    return {"counter": counter.port, "till": counter.till_url} if counter else {}


class NfcReader(_ProcessReader):
    """A PN532 on a pseudo terminal, with lamps on its spare pins."""

    gpio_lights = True

    def __init__(self, drawer: Path, counter: CounterAt | None) -> None:
        with ExitStack() as stack:
            twin = stack.enter_context(TwinProcess("nfc", drawer, **_served(counter)))
            super().__init__(twin, stack.pop_all())
        self.device = f"nfc:{twin.device}"


class PanelReader(_ProcessReader):
    """Our own reader: its firmware runs under MicroPython, on a PN532 and cards in software."""

    def __init__(self, drawer: Path, counter: CounterAt | None) -> None:
        with ExitStack() as stack:
            twin = stack.enter_context(TwinProcess("panel", drawer, **_served(counter)))
            super().__init__(twin, stack.pop_all())
        self.device = f"panel:{twin.device}"
        self.words = f"our reader's firmware runs under {twin.runs_on}"


class PcscReader(_ProcessReader):
    """A virtual slot of a real pcscd that runs for the demo alone."""

    def __init__(self, drawer: Path, counter: CounterAt | None) -> None:
        from hardware.twin.private_pcscd import PrivatePcscd

        with ExitStack() as stack:
            # A name of its own: a reader has one owner a machine, and is known by its name.
            # It is used once it runs: where it cannot, this process keeps the one that it had.
            pcscd = stack.enter_context(PrivatePcscd(f"Twin {os.getpid()}")).use()
            twin = stack.enter_context(
                TwinProcess("pcsc", drawer, port=pcscd.port, **_served(counter))
            )
            super().__init__(twin, stack.pop_all())
        self.device = f"pcsc:{pcscd.name} 00 00"


class InProcessReader(DemoReader):
    """A reader in this process."""

    device = "direct:demo"

    def __init__(self, drawer: Path, _counter: CounterAt | None) -> None:
        self._drawer = Drawer(drawer)
        self._reader: DirectReader | None = None
        self._laid = ExitStack()

    @property
    def opener(self) -> ReaderOpener:
        return self._open

    def _open(self) -> Reader:
        from host.readers.direct import DirectReader

        self._reader = DirectReader("demo")
        return self._reader

    def lay(self, name: str) -> None:
        if self._reader is not None:
            self._reader.lay(self._laid.enter_context(self._drawer.take(name)))

    def lift(self) -> None:
        if self._reader is not None:
            self._reader.lift()
        self._laid.close()

    def label(self, name: str, text: str) -> None:
        """It has no counter: nobody would read it."""

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.lift()


def demo_reader(kind: str, drawer: Path, counter: CounterAt | None) -> DemoReader:
    """Start the twin reader of a kind; `counter` also serves the virtual counter."""
    made: dict[str, Callable[[Path, CounterAt | None], DemoReader]] = {
        "nfc": NfcReader,
        "panel": PanelReader,
        "pcsc": PcscReader,
        "direct": InProcessReader,
    }
    return made[kind](drawer, counter)
