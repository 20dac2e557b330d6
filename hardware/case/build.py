"""Makes every file of the case in a folder: STL to print, STEP to change, pictures to look at.

python -m hardware.case.build FOLDER
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import cadquery as cq
import trimesh

from hardware.case import parts, picture
from hardware.case.dimensions import CASE
from hardware.case.picture import Piece

PRINTED = ("base", "lid", "button")
TOLERANCE = 0.05
ANGLE = 0.2

PAPER = (0.93, 0.92, 0.89)
INK = (0.13, 0.15, 0.19)
ORANGE = (0.93, 0.42, 0.13)
BLUE = (0.11, 0.37, 0.72)
LIT = (0.35, 0.72, 0.98)
DIM = (0.85, 0.87, 0.88)
BOARD = (0.06, 0.33, 0.27)


def solids() -> dict[str, Any]:
    """The printed parts where they are used, by name."""
    return {"base": parts.base(), "lid": parts.lid(), "button": parts.button()}


def build(folder: Path) -> None:
    """Write every file; the same board always gives the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = solids()
    for name, solid in made.items():
        cq.exporters.export(
            _laid_to_print(name, solid),
            str(folder / f"{name}.stl"),
            tolerance=TOLERANCE,
            angularTolerance=ANGLE,
            opt={"ascii": False},
        )
        step = folder / f"{name}.step"
        cq.exporters.export(solid, str(step))
        step.write_text(_undated(step.read_text("utf-8")), "utf-8")
    _pictures(folder, made)


def _laid_to_print(name: str, solid: Any) -> Any:
    """As a printer wants it: the lid and the buttons on their faces, nothing in the air."""
    if name == "base":
        return solid.translate((0, 0, -CASE.bottom))
    turned = solid.rotate((0, 0, 0), (1, 0, 0), 180)
    return turned.translate((0, 0, -turned.val().BoundingBox().zmin))


def _undated(step: str) -> str:
    """A STEP file's head names the moment it was written; ours never changes."""
    return re.sub(r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d'", "'2026-01-01T00:00:00'", step)


def _pictures(folder: Path, made: dict[str, Any]) -> None:
    base, lid, button = (mesh_of(made[name]) for name in PRINTED)
    other = button.copy()
    other.apply_translation((CASE.board.cancel.x - CASE.board.confirm.x, 0, 0))
    board = mesh_of(parts.board())
    row, ring = (mesh_of(one) for one in parts.glow())
    sign = mesh_of(parts.waves().translate((0, 0, -0.98)))
    face = [Piece(lid, PAPER), Piece(row, LIT, 0, 0), Piece(ring, DIM, 0, 0), Piece(sign, INK)]
    together = [Piece(base, INK), *face, Piece(button, BLUE), Piece(other, ORANGE)]
    picture.draw(together, folder / "case.png")
    opened = [
        Piece(base, INK, -40),
        Piece(board, BOARD, 0, 0.3),
        *(one._replace(lift=42) for one in face),
        Piece(button, BLUE, 24),
        Piece(other, ORANGE, 24),
    ]
    picture.draw(opened, folder / "opened.png", above=0.28, side=0.5)
    turned = lid.copy()
    turned.apply_transform(trimesh.transformations.rotation_matrix(3.14159265, (0, 1, 0)))
    picture.draw([Piece(turned, PAPER)], folder / "lid-inside.png", above=0.8, side=-0.2)


def mesh_of(solid: Any) -> Any:
    """A solid as triangles."""
    vertices, faces = solid.val().tessellate(TOLERANCE, ANGLE)
    return trimesh.Trimesh([v.toTuple() for v in vertices], faces)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
