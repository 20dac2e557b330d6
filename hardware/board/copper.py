"""A finished board as its file tells it: which pad is on which net, and where copper is.

Reads the `.kicad_pcb` itself, so that a machine without KiCad can check the committed board.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hardware.board.sexpr import Tree, every, parse, words

Spot = tuple[float, float]
_STEP = 0.25


@dataclass(frozen=True)
class Pad:
    """A pad: its centre, and half of its longest diagonal."""

    net: str
    x: float
    y: float
    reach: float
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """What the file holds."""

    pads: dict[tuple[str, str], list[Pad]]  # by (reference, pad number): a number may come twice
    tracks: list[tuple[str, Spot, Spot, float]]  # net, ends, width; a via has both ends in one
    pours: list[tuple[str, list[Spot]]]
    edge: list[Spot]
    holes: list[tuple[float, float, float]]  # unplated: x, y, diameter

    def nets(self) -> dict[str, set[tuple[str, str]]]:
        """Net -> its (reference, pad number)."""
        found: dict[str, set[tuple[str, str]]] = {}
        for pin, pads in self.pads.items():
            for pad in pads:
                found.setdefault(pad.net, set()).add(pin)
        return found


def read(text: str) -> Board:
    """Parse a board file."""
    tree = parse(text)
    names = {item[1]: str(item[2]) for item in every(tree, "net")}
    pads: dict[tuple[str, str], list[Pad]] = {}
    holes = []
    for footprint in every(tree, "footprint"):
        reference = next(
            str(item[2]) for item in every(footprint, "fp_text") if item[1] == "reference"
        )
        at = [float(word) for word in words(footprint, "at")]
        for pad in every(footprint, "pad"):
            x, y = _absolute(at, [float(word) for word in words(pad, "at")])
            width, height = (float(word) for word in words(pad, "size"))
            if pad[2] == "np_thru_hole":
                holes.append((x, y, width))
                continue
            net = words(pad, "net")
            here = Pad(
                net[1] if net else "",
                x,
                y,
                math.hypot(width, height) / 2,
                tuple(words(pad, "layers")),
            )
            pads.setdefault((reference, str(pad[1])), []).append(here)
    return Board(pads, list(_tracks(tree, names)), list(_pours(tree)), list(_edge(tree)), holes)


def _absolute(at: list[float], inside: list[float]) -> Spot:
    turn = math.radians(at[2]) if len(at) > 2 else 0.0
    dx, dy = inside[0], inside[1]
    x = at[0] + dx * math.cos(turn) + dy * math.sin(turn)
    return x, at[1] - dx * math.sin(turn) + dy * math.cos(turn)


def _spot(tree: Tree, name: str) -> Spot:
    x, y = (float(word) for word in words(tree, name)[:2])
    return x, y


def _tracks(tree: Tree, names: dict[Tree | str, str]) -> Iterator[tuple[str, Spot, Spot, float]]:
    for item in every(tree, "segment"):
        width = float(words(item, "width")[0])
        yield names[words(item, "net")[0]], _spot(item, "start"), _spot(item, "end"), width
    for item in every(tree, "via"):
        at = _spot(item, "at")
        yield names[words(item, "net")[0]], at, at, float(words(item, "size")[0])


def _pours(tree: Tree) -> Iterator[tuple[str, list[Spot]]]:
    for zone in every(tree, "zone"):
        for filled in every(zone, "filled_polygon"):
            points = every(filled, "pts")[0]
            corners = [(float(str(xy[1])), float(str(xy[2]))) for xy in every(points, "xy")]
            yield words(zone, "net_name")[0], corners


def _edge(tree: Tree) -> Iterator[Spot]:
    for kind in ("gr_line", "gr_arc"):
        for item in every(tree, kind):
            if words(item, "layer") == ["Edge.Cuts"]:
                yield _spot(item, "start")
                yield _spot(item, "end")


# -- where copper is ---------------------------------------------------------------------------


def _gap(spot: Spot, start: Spot, end: Spot) -> float:
    """From a point to a line."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = dx * dx + dy * dy
    t = ((spot[0] - start[0]) * dx + (spot[1] - start[1]) * dy) / square if square else 0.0
    t = max(0.0, min(1.0, t))
    return math.hypot(spot[0] - start[0] - t * dx, spot[1] - start[1] - t * dy)


def nearest(board: Board, spot: Spot) -> float:
    """How far the nearest copper of any layer is from a point, in millimetres."""
    gaps = [
        math.hypot(pad.x - spot[0], pad.y - spot[1]) - pad.reach
        for pads in board.pads.values()
        for pad in pads
    ]
    gaps += [_gap(spot, start, end) - width / 2 for _, start, end, width in board.tracks]
    for _, corners in board.pours:
        pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
        gaps += [_gap(spot, start, end) for start, end in pairs]
    return min(gaps)


class _Raster:
    """Both layers on top of each other, in cells."""

    def __init__(self, width: float, height: float) -> None:
        self.nx, self.ny = round(width / _STEP) + 1, round(height / _STEP) + 1
        self.cells = bytearray(self.nx * self.ny)

    def _fill(self, row: int, first: float, last: float) -> None:
        begin, end = max(0, math.ceil(first / _STEP)), min(self.nx - 1, int(last / _STEP))
        if 0 <= row < self.ny and begin <= end:
            start = row * self.nx
            self.cells[start + begin : start + end + 1] = b"\1" * (end + 1 - begin)

    def polygon(self, corners: list[Spot]) -> None:
        crossings: dict[int, list[float]] = {}
        for (x, y), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            for row in range(math.ceil(min(y, y2) / _STEP), math.ceil(max(y, y2) / _STEP)):
                across = x + (row * _STEP - y) / (y2 - y) * (x2 - x)
                crossings.setdefault(row, []).append(across)
        for row, found in crossings.items():
            found.sort()
            for first, last in zip(found[::2], found[1::2], strict=True):
                self._fill(row, first, last)

    def line(self, start: Spot, end: Spot, width: float) -> None:
        (x, y), (x2, y2), half = start, end, width / 2
        top, bottom = min(y, y2) - half, max(y, y2) + half
        for row in range(math.ceil(top / _STEP), int(bottom / _STEP) + 1):
            for column in range(
                math.ceil((min(x, x2) - half) / _STEP), int((max(x, x2) + half) / _STEP) + 1
            ):
                here = (column * _STEP, row * _STEP)
                if _gap(here, start, end) <= half:
                    self._fill(row, *([column * _STEP] * 2))

    def way_out(self, start: Spot) -> bool:
        """Whether copper-free cells lead from here to the board's edge."""
        first = round(start[1] / _STEP) * self.nx + round(start[0] / _STEP)
        seen, queue = bytearray(self.cells), deque([first])
        while queue:
            cell = queue.popleft()
            row, column = divmod(cell, self.nx)
            if row in (0, self.ny - 1) or column in (0, self.nx - 1):
                return True
            for there in (cell - 1, cell + 1, cell - self.nx, cell + self.nx):
                if not seen[there]:
                    seen[there] = 1
                    queue.append(there)
        return False


def closed_turn(
    board: Board, size: tuple[float, float], centre: Spot, ignore: Iterable[str] = ()
) -> bool:
    """Whether copper of all nets but the ignored, both layers taken as one, rings the centre.

    Such a turn is a short-circuited winding: it takes the field that the card lives on. Nets count
    together, because capacitors join them at 13.56 MHz.
    """
    raster, skipped = _Raster(*size), set(ignore)
    for pads in board.pads.values():
        for pad in pads:
            if pad.net not in skipped:
                raster.line((pad.x, pad.y), (pad.x, pad.y), 2 * pad.reach)
    for net, start, end, width in board.tracks:
        if net not in skipped:
            raster.line(start, end, width)
    for _, corners in board.pours:
        raster.polygon(corners)
    return not raster.way_out(centre)
