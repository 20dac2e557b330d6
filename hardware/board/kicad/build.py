"""Run by the system's Python: board, design rules report, gerbers and drill files into a folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from hardware.board.kicad import plots
from hardware.board.kicad.board import build, pcbnew

NAME = "taptill-reader"
_WHEN = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\+\d\d:?\d\d)?|date \w{3} \w{3} .*$", re.M)
_FIXED = "2026-11-23T00:00:00+00:00"


def timeless(text: str) -> str:
    """A plot without the moment it was made, so that two makings are the same."""
    return _WHEN.sub(lambda found: ("date " if found[0].startswith("date") else "") + _FIXED, text)


def main(out: Path) -> None:
    """Everything that only KiCad can make."""
    board = build(out / f"{NAME}.kicad_pcb")
    (out / f"{NAME}.kicad_prl").unlink(missing_ok=True)
    report = str(out / f"{NAME}.drc")
    pcbnew.WriteDRCReport(board, report, pcbnew.EDA_UNITS_MILLIMETRES, True)
    folder = out / "gerbers"
    folder.mkdir(exist_ok=True)
    plots.gerbers(board, folder)
    plots.drill(board, folder)
    for path in folder.iterdir():
        path.write_text(timeless(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
