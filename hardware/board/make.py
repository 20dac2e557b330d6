"""Makes the board anew, checks it, and compares it with what is committed in `out/`.

    python -m hardware.board.make            make, check, compare
    python -m hardware.board.make --write    make, check, and put it into `out/`

Runs in the environment that `.ci/hardware` sets up; KiCad's own Python is started from here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from hardware.board import bom, circuit, copper, files, pictures, rules
from hardware.board.parts import Mount
from hardware.board.placement import COIL_KEEP_OUT
from hardware.board.sexpr import every, parse, words
from hardware.board.shape import SHAPE

ROOT = Path(__file__).parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = "/usr/lib/python3/dist-packages"
_PATIENCE = 120  # seconds for one program
_SAME_PICTURE = 0.002  # another librsvg may smooth an edge otherwise


class Wrong(Exception):
    """A check failed: the words say what was found."""


def _run(command: list[str], folder: Path, **environment: str) -> int:
    """Run a program in a home of its own, so that no KiCad settings of the user are touched.

    What it says goes to `log` in the folder; what it started ends with it.
    """
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    own = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home)} | environment
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=own, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            return process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return -1


def _eeschema(folder: Path, made: str, *order: str) -> None:
    """Let KiCad's schematic editor make a file, on a hidden screen.

    It is worked by its menus, and on a busy machine a menu may come too late: it is asked again,
    with more patience. Rules that are broken are no reason: they are in the file.
    """
    tool = Path(sys.executable).with_name("eeschema_do")
    sheet = folder / f"{files.NAME}.kicad_sch"
    for patience in ("1", "3", "6"):
        command = [sys.executable, str(tool), "--time_out_scale", patience, *order]
        code = _run([*command, str(sheet), str(folder)], folder, PYTHONPATH=PACKAGES)
        if (folder / made).exists() and (code == 0 or order[0] == "run_erc"):
            return
        (folder / made).unlink(missing_ok=True)
    raise Wrong(f"KiCad did not make {made}:\n{(folder / 'log').read_text()}")


def build(folder: Path) -> None:
    """Everything into a folder."""
    files.write(folder)
    if _run([SYSTEM_PYTHON, "-m", "hardware.board.kicad.build", str(folder)], folder):
        raise Wrong(f"KiCad did not make the board:\n{(folder / 'log').read_text()}")
    _eeschema(folder, f"{files.NAME}.erc", "run_erc")
    _eeschema(folder, f"{files.NAME}.net", "netlist")
    _eeschema(folder, f"{files.NAME}.svg", "export", "-f", "svg")
    for side in ("top", "bottom"):
        (folder / f"board-{side}.png").write_bytes(pictures.board(folder / "gerbers", side))
    sheet = (folder / f"{files.NAME}.svg").read_text("utf-8")
    (folder / "schematic.png").write_bytes(pictures.png(sheet, 2000))
    with zipfile.ZipFile(folder / "gerbers.zip", "w") as bundle:
        for path in sorted((folder / "gerbers").iterdir()):
            entry = zipfile.ZipInfo(path.name)  # of 1980: the same in every run
            bundle.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def kept(folder: Path) -> list[str]:
    """The files of a made folder that are committed."""
    names = [f"{files.NAME}.kicad_pcb", f"{files.NAME}.kicad_pro", "gerbers.zip"]
    names += ["schematic.png", "board-top.png", "board-bottom.png"]
    return sorted([*files.texts(), *names])


# -- checks ------------------------------------------------------------------------------------


def _figure(text: str, pattern: str) -> tuple[int, ...]:
    found = re.search(pattern, text)
    if not found:
        raise Wrong(f"no figures in a report:\n{text[:500]}")
    return tuple(int(figure) for figure in found.groups())


def _electrical(folder: Path) -> str:
    report = (folder / f"{files.NAME}.erc").read_text("utf-8")
    errors, warnings = _figure(report, r"Errors (\d+)\s+Warnings (\d+)")
    if errors or warnings:
        raise Wrong(report)
    return "schematic: electrical rules 0 errors, 0 warnings"


def _design(folder: Path) -> str:
    report = (folder / f"{files.NAME}.drc").read_text("utf-8")
    pattern = (
        r"Found (\d+) DRC violations(?s:.*)Found (\d+) unconnected(?s:.*)Found (\d+) Footprint"
    )
    if any(_figure(report, pattern)):
        raise Wrong(report)
    return "board: design rules 0 violations, 0 unconnected, 0 footprint errors"


def _netlists(folder: Path) -> str:
    tree = parse((folder / f"{files.NAME}.net").read_text("utf-8"))
    drawn = {
        words(net, "name")[0]: {
            (words(n, "ref")[0], words(n, "pin")[0]) for n in every(net, "node")
        }
        for net in every(every(tree, "nets")[0], "net")
    }
    made = _board(folder).nets()
    wanted = {net: set(pins) for net, pins in circuit.nets().items()}
    loose = {net for net in drawn if net.startswith("unconnected-")}
    if drawn != made:
        differ = sorted(n for n in set(drawn) | set(made) if drawn.get(n) != made.get(n))
        raise Wrong(f"schematic and board differ in {differ}")
    if {net: pins for net, pins in drawn.items() if net not in loose} != wanted:
        raise Wrong("the schematic's nets are not the description's")
    pins = sum(len(pins) for pins in wanted.values())
    return f"netlists: schematic = board = description, {len(wanted)} nets, {pins} pins"


def _board(folder: Path) -> copper.Board:
    return copper.read((folder / f"{files.NAME}.kicad_pcb").read_text("utf-8"))


def _rules(folder: Path) -> str:
    board = _board(folder)
    if problems := [*rules.of_description(), *rules.of_board(board)]:
        raise Wrong("\n".join(problems))
    gap = copper.nearest(board, (SHAPE.antenna.centre.x, SHAPE.antenna.centre.y))
    return (
        f"coil: nearest copper {gap:.1f} mm from its middle (at least {COIL_KEEP_OUT:g} asked), "
        "no closed turn round it"
    )


def _plots(folder: Path) -> str:
    found = pictures.reread(folder / "gerbers")
    if (round(found.width, 2), round(found.height, 2)) != (SHAPE.width, SHAPE.height):
        raise Wrong(f"the gerbers are of a board of {found.width} x {found.height} mm")
    size = f"{found.width:.1f} x {found.height:.1f} mm"
    return f"gerbers: {found.layers} layers and {found.holes} holes read again, {size}"


def _parts(folder: Path) -> str:
    del folder
    rows = bom.rows()
    bought = [part for part in circuit.COMPONENTS.values() if part.kind.mount is not Mount.COPPER]
    if missing := [row.references for row in rows if not row.mpn]:
        raise Wrong(f"no maker's number for {missing}")
    total = sum(row.total for row in rows) + bom.BARE_BOARD_CENTS
    return f"parts: {len(bought)} on the board, every one numbered, about {total / 100:.2f} EUR"


def _pins(folder: Path) -> str:
    del folder
    from reader import pins

    there = {name: getattr(pins, name, None) for name in circuit.GPIO.values()}
    here = {name: number for number, name in circuit.GPIO.items()}
    if there != here:
        raise Wrong(f"reader/pins.py says {there}, the board {here}")
    return f"pins: {len(here)} GPIO as in reader/pins.py"


def _same(folder: Path) -> str:
    names = kept(folder)
    there = {p.relative_to(files.OUT).as_posix() for p in files.OUT.rglob("*") if p.is_file()}
    if wrong := sorted(set(names) ^ there):
        raise Wrong(f"made or committed, not both: {wrong}")
    if stale := [
        g.name for g in files.GUIDES if files.filled(g.read_text("utf-8")) != g.read_text("utf-8")
    ]:
        raise Wrong(f"tables are not what is made now (--write): {stale}")
    if changed := [name for name in names if not _equal(folder / name, files.OUT / name)]:
        raise Wrong(f"committed files are not what is made now (--write): {changed}")
    return f"committed: {len(names)} files in hardware/board/out are what is made now"


def _equal(made: Path, committed: Path) -> bool:
    if made.suffix == ".png":
        return pictures.difference(made.read_bytes(), committed.read_bytes()) < _SAME_PICTURE
    if made.suffix == ".zip":
        return _members(made) == _members(committed)
    return made.read_bytes() == committed.read_bytes()


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def checks(folder: Path) -> Iterator[str]:
    """Each check's line; raises Wrong at the first that fails."""
    for check in (_electrical, _design, _netlists, _rules, _plots, _parts, _pins):
        yield check(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put what was made into out/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            build(folder)
            for line in checks(folder):
                print(line, flush=True)
            if options.write:
                shutil.rmtree(files.OUT, ignore_errors=True)
                for kept_name in kept(folder):
                    target = files.OUT / kept_name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(folder / kept_name, target)
                for guide in files.GUIDES:
                    guide.write_text(files.filled(guide.read_text("utf-8")), "utf-8")
            print(_same(folder), flush=True)
        except Wrong as problem:
            sys.exit(f"hardware: {problem}")


if __name__ == "__main__":
    main()
