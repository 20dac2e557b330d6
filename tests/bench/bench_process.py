"""The whole daemon as a process: start to ready, memory and CPU when nobody taps."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from hardware.twin.process import TwinProcess
from host.setup import initialise
from tests.bench.report import Report, median

STARTS = 5
IDLE_S = 20.0
TAPTILL = Path(sys.executable).with_name("taptill")


@contextmanager
def running(home: Path) -> Iterator[tuple[psutil.Process, float]]:
    """`taptill run` in a process of its own, and how many seconds it took to say `ready`."""
    start = time.perf_counter()
    with subprocess.Popen(
        [str(TAPTILL), "--home", str(home), "run"], stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        took = time.perf_counter() - start
        try:
            yield psutil.Process(process.pid), took
        finally:
            process.terminate()
            process.communicate(timeout=20)


def run(report: Report) -> None:
    """Print the start, and what an idle daemon costs with an nfcpy reader that polls."""
    report.title("The daemon as a process, with a PN532 twin on a serial line")
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with TwinProcess("nfc", Path(folder) / "cards") as twin:
            for _ in initialise(home, name="Bench", timezone="UTC", url=""):
                pass
            toml = home / "taptill.toml"
            toml.write_text(
                toml.read_text()
                + f'[public]\nlisten = "127.0.0.1:0"\n[dashboard]\nlisten = "127.0.0.1:0"\n'
                f'[[readers]]\ndevice = "nfc:{twin.device}"\n'
            )
            took = []
            for _ in range(STARTS):
                with running(home) as (_process, seconds):
                    took.append(seconds)
            report.add(
                "start to ready", median(took), "s", note=f"worst {max(took):.2f} s", most=1.5
            )
            with running(home) as (process, _seconds):
                process.cpu_percent()
                time.sleep(IDLE_S)  # an idle daemon is what is measured
                report.add("idle CPU", process.cpu_percent(), "% of core", most=1)
                memory = process.memory_full_info()
                report.add(
                    "idle memory (resident)",
                    memory.rss / 2**20,
                    "MB",
                    note=f"unique {memory.uss / 2**20:.0f} MB",
                    most=90,
                )
