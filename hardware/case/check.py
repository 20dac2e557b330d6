"""Checks the case as it would be printed: closed meshes, the board's holes, nothing in the way.

    python -m hardware.case.check FRESH COMMITTED

FRESH is a folder that `hardware.case.build` wrote just now, COMMITTED the one that is kept. Prints
one line for each check, with its figure; the exit code counts those that failed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from PIL import Image

from hardware.case import dimensions as d
from hardware.case import parts
from hardware.case.build import PRINTED, mesh_of, solids
from hardware.case.dimensions import CASE

NEAR = 0.02
"""Millimetres; the meshes are drawn to a twentieth."""


class Line(NamedTuple):
    """One check: its name, its figure, and whether that is good."""

    name: str
    figure: str
    good: bool


def closed(folder: Path) -> Iterator[Line]:
    """Every STL is one closed body with its outside outside, and lies on the printer's bed."""
    for name in PRINTED:
        mesh = trimesh.load(folder / f"{name}.stl")
        good = mesh.is_watertight and mesh.is_winding_consistent and mesh.body_count == 1
        lies = abs(mesh.bounds[0][2]) < NEAR
        figure = f"{len(mesh.faces)} triangles, {mesh.volume / 1000:.1f} cm3"
        yield Line(f"{name} is watertight, one body, on the bed", figure, good and lies)


def holes(made: dict[str, Any]) -> Iterator[Line]:
    """A screw goes through the base, the board and into the lid's insert, at each of its holes."""
    base, lid = mesh_of(made["base"]), mesh_of(made["lid"])
    for hole in CASE.board.holes:
        at = hole.centre
        through = _width(base, at.x, at.y, CASE.under_board - 1.0)
        insert = _width(lid, at.x, at.y, d.INSERT_DEPTH - 1.0)
        good = abs(through - d.SCREW) < 0.1 and abs(insert - d.INSERT) < 0.1
        figure = f"base {through:.2f} mm, board {hole.diameter:.2f} mm, lid {insert:.2f} mm"
        yield Line(f"screw hole at {at.x:g}, {at.y:g}", figure, good)


def _width(mesh: Any, x: float, y: float, z: float) -> float:
    """The width of a hole around a place, measured both ways along x in one height."""
    way = [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]
    start = [[x, -y, z], [x, -y, z]]
    found, rays, _ = mesh.ray.intersects_location(start, way, multiple_hits=False)
    if set(rays) != {0, 1}:
        return 0.0
    return float(abs(found[rays == 0][0][0] - found[rays == 1][0][0]))


def room(made: dict[str, Any]) -> Iterator[Line]:
    """No part stands in another, in the board, or in the way of the plug."""
    second = made["button"].translate((CASE.board.cancel.x - CASE.board.confirm.x, 0, 0))
    everything = made | {"other button": second, "board": parts.board(), "plug": parts.plug()}
    for (one, this), (other, that) in itertools.combinations(everything.items(), 2):
        if {one, other} == {"board", "plug"}:
            continue
        common = this.intersect(that)
        volume = common.val().Volume() if common.solids().size() else 0.0
        if volume > NEAR:
            yield Line(f"{one} and {other}", f"{volume:.2f} mm3 in common", False)
    yield Line("parts, board and plug have room", f"{len(everything)} bodies in pairs", True)


def fits(made: dict[str, Any]) -> Iterator[Line]:
    """A button moves as far as its switch; the tap area is thin; the window shows the picture."""
    stem = CASE.button_foot - CASE.board.button_height
    out = CASE.board.button_travel + stem
    good = 0 < stem < CASE.board.button_travel and out < d.BUTTON_OUT
    yield Line("a button rests above its switch", f"{stem:.2f} mm", good)
    lid = mesh_of(made["lid"])
    centre = CASE.board.ring.centre
    roof = _thickness(lid, centre.x, centre.y + 12)
    yield Line("roof over the antenna", f"{roof:.2f} mm", abs(roof - d.TAP_ROOF) < NEAR)
    window = CASE.board.display_window.centre
    yield Line("the display is seen", "open", _thickness(lid, window.x, window.y) == 0.0)
    for name, at in (("first light", CASE.board.lights[0]), ("ring", parts.ring_points()[3])):
        skin = _thickness(lid, at.x, at.y)
        yield Line(f"skin over the {name}", f"{skin:.2f} mm", abs(skin - d.SKIN) < NEAR)


def _thickness(mesh: Any, x: float, y: float) -> float:
    """How much material stands above a place of the board."""
    found, _, _ = mesh.ray.intersects_location([[x, -y, 0.1]], [[0.0, 0.0, 1.0]])
    heights = sorted(point[2] for point in found)
    return float(sum(heights[1::2]) - sum(heights[::2]))


def same(fresh: Path, committed: Path) -> Iterator[Line]:
    """What is committed is what the description gives: solids to the byte, pictures to the eye."""
    for path in sorted(fresh.iterdir()):
        other = committed / path.name
        if not other.exists():
            yield Line(f"{path.name} is committed", "missing", False)
        elif path.suffix == ".png":
            apart = _apart(path, other)
            yield Line(f"{path.name} is as committed", f"{apart:.2f} of 255 apart", apart < 2)
        else:
            equal = path.read_bytes() == other.read_bytes()
            yield Line(f"{path.name} is as committed", f"{path.stat().st_size} bytes", equal)


def _apart(one: Path, other: Path) -> float:
    first, second = (np.asarray(Image.open(path).convert("RGB"), int) for path in (one, other))
    return 255.0 if first.shape != second.shape else float(np.abs(first - second).mean())


def main(fresh: Path, committed: Path) -> int:
    """Print every check; how many failed."""
    made, failed = solids(), 0
    groups = (closed(fresh), holes(made), room(made), fits(made), same(fresh, committed))
    for line in itertools.chain.from_iterable(groups):
        failed += not line.good
        print(f"{'ok    ' if line.good else 'FAILED'} {line.name}: {line.figure}")
    print(f"case: {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
