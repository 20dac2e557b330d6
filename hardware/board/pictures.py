"""Pictures of the board, rendered from the gerbers as a fab reads them, and of the schematic."""

from __future__ import annotations

import importlib
import io
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.board.shape import SHAPE

_COLOURS = {
    "copper": "#d8b062",
    "mask": "#0b2a3fd8",
    "paste": "#00000000",
    "silk": "#f4f4f0",
    "drill": "#22262a",
    "outline": "#0b2a3f",
}
_PALETTE = 48


@dataclass(frozen=True)
class Reread:
    """What gerbonara found in the plots."""

    layers: int
    holes: int
    width: float
    height: float


def _stack(gerbers: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # KiCad's own dialect of Excellon and macros
        return importlib.import_module("gerbonara").LayerStack.open(gerbers)


def reread(gerbers: Path) -> Reread:
    """Read the plots again, with a program that is not KiCad."""
    stack = _stack(gerbers)
    (left, low), (right, high) = stack.board_bounds()
    holes = sum(len(list(layer.objects)) for layer in stack.drill_layers)
    line = 0.1  # the outline's own width
    return Reread(len(stack.graphic_layers), holes, right - left - line, high - low - line)


def board(gerbers: Path, side: str) -> bytes:
    """One side as a PNG."""
    stack = _stack(gerbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        svg = str(stack.to_pretty_svg(side=side, margin=2, colors=_COLOURS))
    return png(svg, round(11 * (SHAPE.width + 4)))


def png(svg: str, width: int) -> bytes:
    """Draw an SVG, and keep a few colours only: a picture of flat areas needs no more."""
    image = importlib.import_module("PIL.Image")
    command = ["rsvg-convert", "--width", str(width), "--background-color", "white"]
    drawn = subprocess.run(command, input=svg.encode(), capture_output=True, check=True).stdout
    flat = image.open(io.BytesIO(drawn)).convert("RGB").quantize(_PALETTE, dither=0)
    out = io.BytesIO()
    flat.save(out, "PNG", optimize=True)
    return out.getvalue()


def difference(one: bytes, other: bytes) -> float:
    """The share of points that clearly differ between two pictures; 1 for another size."""
    image = importlib.import_module("PIL.Image")
    chops = importlib.import_module("PIL.ImageChops")
    first, second = (image.open(io.BytesIO(data)).convert("L") for data in (one, other))
    if first.size != second.size:
        return 1.0
    apart = chops.difference(first, second).histogram()
    return float(sum(apart[32:]) / sum(apart))
