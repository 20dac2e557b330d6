"""One tap of one card on one reader of ours: read by the firmware, and by nfcpy's NDEF detection.

Counted and timed alike, at the chip: from the first command after the card was found to the file
in the host's hands. Both interfaces are reached through a cable that takes a millisecond each way,
as full-speed USB does at best; the ptys alone, which take none, are printed beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from hardware.twin.bench import Bench
from hardware.twin.panel import interpreter
from hardware.twin.pn532 import Pn532
from hardware.twin.pn532_frames import Ack, Nack, Order
from hardware.twin.pty import Pn532Pty
from hardware.twin.store import Drawer
from host.ntag424.read import read_tap_url
from host.readers.base import Look, Show
from host.readers.panel import PanelReader, open_panel
from host.readers.panel_frames import Frame
from host.readers.panel_words import Event
from tests.bench.report import Report, median
from tests.hardware.twin.cards import URL_BASE, boltcard
from tests.reader.cable import Cable
from tests.reader.nfcpy import open_nfcpy, read_tag
from tests.reader.process import FirmwareProcess

TAPS = 15
Way = Literal["nfcpy", "firmware"]
_SALE = Show(Look.READY, ("2 500 sats", "Tap"))
_FIND = 0x4A  # InListPassiveTarget
_SOON = 10_000
_OPENINGS = 20


class CountedChip(Pn532):
    """A PN532 that remembers what it was told, and when."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.orders: list[tuple[int, float]] = []

    def _take(self, frame: Ack | Nack | Order) -> Iterator[bytes]:
        if isinstance(frame, Order):
            self.orders.append((frame.code, time.perf_counter()))
        yield from super()._take(frame)

    def since_found(self) -> list[float]:
        """When each command came that followed the last look for a card."""
        orders = list(self.orders)
        last = max((n for n, (code, _) in enumerate(orders) if code == _FIND), default=-1)
        return [at for _, at in orders[last + 1 :]]


@dataclass(frozen=True, slots=True)
class TapFigures:
    """What one way to read a tap costs: medians, as a busy machine disturbs some of them."""

    round_trips: int
    """How often the host waited for the reader."""
    chip_commands: int
    seconds: float
    """From the first command after the card was found."""

    @classmethod
    def of(cls, taps: list[tuple[int, int, float]]) -> TapFigures:
        trips, commands, seconds = zip(*taps, strict=True)
        return cls(int(median(trips)), int(median(commands)), median(seconds))


class Counter:
    """A card, a chip that counts, and a hand."""

    def __init__(self, folder: Path) -> None:
        drawer = Drawer(folder)
        drawer.put("ann", boltcard())
        self.bench = Bench(drawer)
        self.pty = Pn532Pty(self.bench)
        self.chip = CountedChip(self.bench)
        self.pty._chip = self.chip

    def close(self) -> None:
        self.bench.close()
        self.pty.close()

    def by_nfcpy(self, path: str, taps: int) -> TapFigures:
        """Each command to the chip is a round trip of the host's."""
        done: list[tuple[int, int, float]] = []
        for _ in range(_OPENINGS):
            clf = open_nfcpy(path)
            # It gives a reader 100 ms, which a busy machine may need for itself: open it again.
            with suppress(OSError), closing(clf):
                while len(done) < taps:
                    done.append(self._nfcpy_tap(clf))
            self.bench.lift()
            if len(done) == taps:
                return TapFigures.of(done)
        raise RuntimeError("nfcpy loses its reader again and again")

    def _nfcpy_tap(self, clf: Any) -> tuple[int, int, float]:
        self.bench.lay("ann")
        file = read_tag(clf).ndef.octets
        ended, told = time.perf_counter(), self.chip.since_found()
        self.bench.lift()
        assert URL_BASE.encode() in file
        return len(told), len(told), ended - told[0]

    def by_firmware(self, reader: PanelReader, taps: int) -> TapFigures:
        """The reader reads by itself and tells the host once."""
        with _told(reader) as told:
            return TapFigures.of([self._firmware_tap(reader, told) for _ in range(taps)])

    def _firmware_tap(self, reader: PanelReader, told: list[str]) -> tuple[int, int, float]:
        reader.show(_SALE)
        assert reader.wait_card(1) is None  # armed
        told.clear()
        self.bench.lay("ann")
        link = reader.wait_card(_SOON)
        assert link is not None
        url = read_tap_url(link.transceive)
        ended, chip = time.perf_counter(), self.chip.since_found()
        trips = len(told)
        self.bench.lift()
        assert reader.wait_gone(_SOON)
        assert url.startswith(URL_BASE)
        return trips, len(chip), ended - chip[0]


@contextmanager
def _told(reader: PanelReader) -> Iterator[list[str]]:
    """Every request of the host's and every tap of the reader's, while the block lasts."""
    told: list[str] = []
    line = reader._line
    ask: Callable[..., Any] = line.ask
    event = line._on_event

    def asked(kind: Any, *records: Any, **more: Any) -> Any:
        told.append(kind.name)
        return ask(kind, *records, **more)

    def heard(frame: Frame) -> None:
        told.extend(["TAP"] if frame.kind == Event.TAP else [])
        event(frame)

    line.ask, line._on_event = asked, heard  # type: ignore[method-assign]
    try:
        yield told
    finally:
        line.ask, line._on_event = ask, event  # type: ignore[method-assign]


def measure(taps: int, cable_s: float) -> dict[Way, TapFigures]:
    """Both ways on the same chip and card, one after the other."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        counter = Counter(Path(folder) / "cards")
        stack.callback(counter.close)
        command = list(interpreter().command)
        firmware = stack.enter_context(FirmwareProcess(command, counter.pty.device))
        hsu, panel = (Cable(path, cable_s) for path in (firmware.hsu, firmware.panel))
        stack.callback(hsu.close)
        stack.callback(panel.close)
        nfcpy = counter.by_nfcpy(hsu.path, taps)
        with open_panel(panel.path, run_dir=Path(folder)) as reader:
            assert isinstance(reader, PanelReader)
            return {"nfcpy": nfcpy, "firmware": counter.by_firmware(reader, taps)}


def run(report: Report) -> None:
    """Print round trips and time of both ways, with and without a cable, and their ratios."""
    report.title(f"Reading a tap: our firmware ({interpreter()}) beside nfcpy's tag.ndef")
    for words, cable_s in (("no cable", 0.0), ("1 ms cable", 0.001)):
        found = measure(TAPS, cable_s)
        for way, one in found.items():
            note = f"{one.round_trips} round trips, {one.chip_commands} commands to the chip"
            report.add(f"{words}, {way}: found → file", one.seconds * 1e3, "ms", note=note)
        ours, theirs = found["firmware"], found["nfcpy"]
        goal = 0.25 if cable_s else None
        report.add(f"{words}, time: ours to nfcpy's", ours.seconds / theirs.seconds, "", most=goal)
    report.add("round trips: ours to nfcpy's", ours.round_trips / theirs.round_trips, "", most=0.25)
