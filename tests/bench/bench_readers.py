"""How long a tap takes at the reader: from the card being seen to its two APDUs answered.

`python -m tests.bench.bench_readers` prints medians, and what an idle reader costs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hardware.twin.private_pcscd import why_not
from tests.host.readers.rigs import DirectRig, NfcRig, PcscRig, Rig
from tests.support.pcscd import process_pcscd

SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
READ_NDEF_FILE = bytes.fromhex("90AD0000070200000000000000")
_SOON = 5_000


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """Times in ms; `idle_cpu` is this process's share of one core in per cent."""

    to_link: float
    to_two_apdus: float
    worst: float
    idle_cpu: float


def measure(rig: Rig, taps: int, idle_ms: int) -> ReaderFigures:
    """Lay and lift a card `taps` times, then wait `idle_ms` for none."""
    to_link, to_end = [], []
    with rig.open() as reader:
        for _ in range(taps):
            rig.lay()
            link = reader.wait_card(_SOON)
            if link is None:
                raise RuntimeError("the card was not seen")
            to_link.append(time.monotonic_ns() - link.seen_ns)
            link.transceive(SELECT_APPLICATION)
            link.transceive(READ_NDEF_FILE)
            to_end.append(time.monotonic_ns() - link.seen_ns)
            rig.lift()
            if not reader.wait_gone(_SOON):
                raise RuntimeError("the card did not leave")
        cpu, wall = time.process_time(), time.monotonic()
        reader.wait_card(idle_ms)
        idle = (time.process_time() - cpu) / max(1e-9, time.monotonic() - wall)
    return ReaderFigures(
        statistics.median(to_link) / 1e6,
        statistics.median(to_end) / 1e6,
        max(to_end) / 1e6,
        100 * idle,
    )


def bench_readers(taps: int = 20, idle_ms: int = 5_000) -> dict[str, ReaderFigures]:
    """Every driver that this machine can run."""
    rigs: dict[str, Callable[[Path], Rig]] = {"direct": lambda _: DirectRig(), "nfc": NfcRig}
    if why_not() is None:
        rigs["pcsc"] = lambda folder: PcscRig(folder, process_pcscd())
    figures = {}
    for name, make in rigs.items():
        with tempfile.TemporaryDirectory() as folder:
            rig = make(Path(folder))
            try:
                figures[name] = measure(rig, taps, idle_ms)
            finally:
                rig.close()
    return figures


def main() -> None:
    """Print the figures of every driver."""
    for name, found in bench_readers().items():
        print(
            f"{name:7} link {found.to_link:6.2f} ms   two APDUs {found.to_two_apdus:6.2f} ms"
            f"   worst {found.worst:6.2f} ms   idle {found.idle_cpu:5.2f} % of a core"
        )


if __name__ == "__main__":
    main()
