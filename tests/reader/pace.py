"""How quick the firmware is as a process: `python -m tests.reader.pace` prints medians in ms."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from host.readers.base import Look, Show
from host.readers.panel import PanelReader, open_panel
from host.readers.panel_words import Request
from tests.reader.nfcpy import open_nfcpy, read_tag
from tests.reader.process import FirmwareProcess, interpreters
from tests.reader.scripted import ScriptedCard


def median(times: int, action: Callable[[], object]) -> float:
    """Of one action, in ms."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def tap_ms(firmware: FirmwareProcess, reader: PanelReader, times: int) -> float:
    """From laying a card down to its link with the file read, presence poll included."""
    card = ScriptedCard()
    took = []
    for number in range(times):
        reader.show(Show(Look.READY, (f"{number} sats", "")))
        reader.wait_card(1)
        card.lies = True
        firmware.chip.cards = [card]
        started = time.perf_counter()
        assert reader.wait_card(30_000)
        took.append((time.perf_counter() - started) * 1000)
        card.lies = False
        assert reader.wait_gone(30_000)
    return statistics.median(took)


def main() -> None:
    for name, interpreter in interpreters().items():
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            with FirmwareProcess(interpreter) as firmware:
                up = (time.perf_counter() - started) * 1000
                with open_panel(firmware.panel, run_dir=Path(folder)) as reader:
                    assert isinstance(reader, PanelReader)
                    ping = median(200, lambda line=reader._line: line.ask(Request.PING))
                    tap = tap_ms(firmware, reader, 10)
                firmware.chip.cards = [ScriptedCard(native=False)]
                clf = open_nfcpy(firmware.hsu)
                tag = read_tag(clf)
                apdu = median(100, lambda tag=tag: tag.send_apdu(0x80, 0, 0, 0, b"x"))
                clf.close()
        print(
            f"{name}: up in {up:.0f} ms, a PING {ping:.1f} ms, a tap {tap:.0f} ms, "
            f"an APDU through nfcpy {apdu:.1f} ms"
        )


if __name__ == "__main__":
    main()
