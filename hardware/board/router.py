"""A small router: A* on a grid of two layers, net after net, without touching what is laid.

Pure: pads in, tracks and vias out, the same for the same board. When a net finds no way, it goes to
the front of the queue and everything is laid anew.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

STEP = 0.25
CLEARANCE = 0.2
VIA, DRILL = 0.8, 0.4
TOP, BOTTOM = 0, 1
_FREE, _NOBODY = 0, -1
_VIA_COST = 10.0
_TURN_COST = 0.3


class NoWay(Exception):
    """A net cannot be laid on this board in any order that was tried."""


@dataclass(frozen=True)
class Pad:
    """A rectangle of copper, turned by `angle` degrees anticlockwise."""

    net: str
    x: float
    y: float
    width: float
    height: float
    angle: float
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Track:
    """A straight piece of copper."""

    net: str
    layer: int
    x: float
    y: float
    x2: float
    y2: float
    width: float


@dataclass(frozen=True)
class Via:
    """A plated hole from top to bottom."""

    net: str
    x: float
    y: float


def _nowhere(x: float, y: float) -> bool:
    return False


@dataclass(frozen=True)
class Area:
    """The board: `forbidden(net, x, y, margin)` says where no copper may come within the margin.

    `no_via(x, y)` says where there may be tracks, but no holes.
    """

    width: float
    height: float
    forbidden: Callable[[str, float, float, float], bool]
    no_via: Callable[[float, float], bool] = _nowhere


@dataclass
class _Map:
    """For copper of one half-width: who stands so near to a cell that nobody else may use it."""

    reach: float  # half the copper's width plus the clearance
    owners: tuple[array[int], array[int]]


@dataclass
class Result:
    """What was laid."""

    tracks: list[Track] = field(default_factory=list)
    vias: list[Via] = field(default_factory=list)


class Router:
    """One attempt at one board."""

    def __init__(self, area: Area, pads: list[Pad], widths: dict[str, float]) -> None:
        self.area = area
        self.widths = widths
        self.nx, self.ny = round(area.width / STEP) + 1, round(area.height / STEP) + 1
        self.size = self.nx * self.ny
        self.names = {net: i + 1 for i, net in enumerate(sorted({pad.net for pad in pads}))}
        self.maps = {width: self._map(width) for width in sorted(set(widths.values()))}
        self.holes = self._map(VIA)
        self.result = Result()
        for pad in pads:
            for layer in pad.layers:
                self._stand(pad, layer)
        self._closed: dict[tuple[bool, float], bytearray] = {}

    def _map(self, width: float) -> _Map:
        blank = bytes(2 * self.size)
        return _Map(CLEARANCE + width / 2, (array("h", blank), array("h", blank)))

    def _all_maps(self) -> list[_Map]:
        return [*self.maps.values(), self.holes]

    # -- who stands where ----------------------------------------------------------------------

    def _cells(
        self, x: float, y: float, x2: float, y2: float
    ) -> Iterator[tuple[int, float, float]]:
        """Cells within a box: index and place."""
        for row in range(max(0, math.ceil(y / STEP)), min(self.ny - 1, int(y2 / STEP)) + 1):
            for column in range(max(0, math.ceil(x / STEP)), min(self.nx - 1, int(x2 / STEP)) + 1):
                yield row * self.nx + column, column * STEP, row * STEP

    def _claim(self, owners: array[int], index: int, who: int) -> None:
        if owners[index] != who:
            owners[index] = who if owners[index] == _FREE else _NOBODY

    def _stand(self, pad: Pad, layer: int) -> None:
        turn = math.radians(pad.angle)
        cos, sin = math.cos(turn), math.sin(turn)
        span = math.hypot(pad.width, pad.height) / 2
        for owned in self._all_maps():
            far = span + owned.reach
            for index, x, y in self._cells(pad.x - far, pad.y - far, pad.x + far, pad.y + far):
                dx, dy = x - pad.x, y - pad.y
                across = abs(dx * cos - dy * sin) - pad.width / 2
                along = abs(dx * sin + dy * cos) - pad.height / 2
                gap = math.hypot(max(across, 0), max(along, 0))
                if gap < owned.reach:
                    self._claim(owned.owners[layer], index, self.names[pad.net])
                if owned is self.holes and gap < VIA / 2 + 0.05:  # solder would run into it
                    owned.owners[layer][index] = _NOBODY

    def _stand_track(self, track: Track) -> None:
        for owned in self._all_maps():
            far = track.width / 2 + owned.reach
            low_x, high_x = sorted((track.x, track.x2))
            low_y, high_y = sorted((track.y, track.y2))
            dx, dy = track.x2 - track.x, track.y2 - track.y
            square = dx * dx + dy * dy or 1
            box = (low_x - far, low_y - far, high_x + far, high_y + far)
            for index, x, y in self._cells(*box):
                t = max(0.0, min(1.0, ((x - track.x) * dx + (y - track.y) * dy) / square))
                if math.hypot(x - track.x - t * dx, y - track.y - t * dy) < far - 1e-6:
                    self._claim(owned.owners[track.layer], index, self.names[track.net])

    def _stand_via(self, via: Via) -> None:
        for owned in self._all_maps():
            far = VIA / 2 + owned.reach
            for index, x, y in self._cells(via.x - far, via.y - far, via.x + far, via.y + far):
                gap = math.hypot(x - via.x, y - via.y)
                for owners in owned.owners:
                    if gap < far - 1e-6:
                        self._claim(owners, index, self.names[via.net])
                    if owned is self.holes and gap < VIA + 0.1:  # drills keep apart
                        owners[index] = _NOBODY

    def _forbidden(self, net: str, width: float) -> bytearray:
        """The board's own limits for a net, cell by cell; kept."""
        key = (self.area.forbidden(net, *_SAMPLE), width)
        if key not in self._closed:
            self._closed[key] = bytearray(
                self.area.forbidden(net, column * STEP, row * STEP, width / 2)
                for row in range(self.ny)
                for column in range(self.nx)
            )
        return self._closed[key]

    # -- laying --------------------------------------------------------------------------------

    def _cell(self, x: float, y: float) -> int:
        return round(y / STEP) * self.nx + round(x / STEP)

    def _place(self, cell: int) -> tuple[float, float]:
        return (cell % self.nx) * STEP, (cell // self.nx) * STEP

    def lay(self, net: str, pads: list[Pad]) -> bool:
        """Join all pads of a net, each time the nearest that is left."""
        start, *left = sorted(pads, key=lambda pad: (pad.x, pad.y))
        tree = {layer * self.size + self._cell(start.x, start.y) for layer in start.layers}
        joined = [start]
        while left:
            pad = min(left, key=lambda p: min(math.hypot(p.x - q.x, p.y - q.y) for q in joined))
            goal = {layer * self.size + self._cell(pad.x, pad.y) for layer in pad.layers}
            path = self._search(net, tree, goal, self._cell(pad.x, pad.y))
            if path is None:
                return False
            self._commit(net, path, self.widths[net])
            tree |= set(path) | goal
            joined.append(pad)
            left.remove(pad)
        return True

    def drop(self, net: str, pad: Pad, width: float) -> bool:
        """Lead a pad to the nearest place for a via, on its own layer."""
        (layer,) = pad.layers
        start = layer * self.size + self._cell(pad.x, pad.y)
        path = self._search(net, {start}, None, None, width)
        if path is None:
            return False
        self._commit(net, path, width)
        return True

    def stitch(self, net: str, x: float, y: float) -> bool:
        """A via at just this place, if nobody minds."""
        cell = self._cell(x, y)
        if not self._via_fits(net, cell):
            return False
        via = Via(net, *self._place(cell))
        self.result.vias.append(via)
        self._stand_via(via)
        return True

    def _via_fits(self, net: str, cell: int) -> bool:
        mine = (_FREE, self.names[net])
        owners = self.holes.owners
        return (
            owners[TOP][cell] in mine
            and owners[BOTTOM][cell] in mine
            and not self._forbidden(net, VIA)[cell]
            and not self.area.no_via(*self._place(cell))
        )

    def _search(
        self,
        net: str,
        tree: set[int],
        goal: set[int] | None,
        target: int | None,
        width: float | None = None,
    ) -> list[int] | None:
        """The cheapest way from the tree to the goal, or to the nearest place for a via."""
        width = self.widths[net] if width is None else width
        owners, who = self.maps[width].owners, self.names[net]
        closed = self._forbidden(net, width)
        size = self.size
        ahead = self._distance_to(target)
        moves = [(dx + dy * self.nx, math.hypot(dx, dy)) for dx, dy in _AROUND]
        came: dict[int, int] = {}
        cost = dict.fromkeys(tree, 0.0)
        queue = [(ahead(node % size), node) for node in sorted(tree)]
        heapq.heapify(queue)
        done: set[int] = set()
        while queue:
            _, node = heapq.heappop(queue)
            if node in done:
                continue
            done.add(node)
            layer, cell = divmod(node, size)
            if node in goal if goal is not None else self._via_fits(net, cell):
                return _walk_back(came, node, size if goal is None else 0)
            before = node - came[node] if node in came else 0
            steps = [
                (node + move, length + (_TURN_COST if before and before != move else 0))
                for move, length in moves
            ]
            if goal is not None and self._via_fits(net, cell):
                steps.append(((1 - layer) * size + cell, _VIA_COST))
            for there, length in steps:
                level, spot = divmod(there, size)
                if owners[level][spot] not in (_FREE, who) or closed[spot]:
                    continue
                price = cost[node] + length
                if price < cost.get(there, math.inf):
                    cost[there] = price
                    came[there] = node
                    heapq.heappush(queue, (price + ahead(spot), there))
        return None

    def _distance_to(self, target: int | None) -> Callable[[int], float]:
        """What a cell's way to the target costs at least."""
        if target is None:
            return lambda cell: 0.0
        nx = self.nx
        tx, ty = target % nx, target // nx

        def ahead(cell: int) -> float:
            dx, dy = abs(cell % nx - tx), abs(cell // nx - ty)
            return max(dx, dy) + 0.414 * min(dx, dy)

        return ahead

    def _commit(self, net: str, path: list[int], width: float) -> None:
        """Turn cells into tracks, straight pieces whole, and vias where the layer changes."""
        first = 0
        for i in range(1, len(path)):
            here, after = path[i], path[i + 1] if i + 1 < len(path) else None
            if path[i] % self.size == path[i - 1] % self.size:
                via = Via(net, *self._place(here % self.size))
                self.result.vias.append(via)
                self._stand_via(via)
                first = i
            elif after is None or after - here != here - path[i - 1]:
                layer, start = divmod(path[first], self.size)
                ends = (*self._place(start), *self._place(here % self.size))
                track = Track(net, layer, *ends, width)
                self.result.tracks.append(track)
                self._stand_track(track)
                first = i


_AROUND = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy]
_SAMPLE = (32.5, 118.0, 0.1)  # inside the slit: whether this net may cross it


def _walk_back(came: dict[int, int], node: int, via_from: int) -> list[int]:
    """The path in order; `via_from`, the layers' distance, adds the via at its end."""
    path = [node]
    while path[-1] in came:
        path.append(came[path[-1]])
    path.reverse()
    if via_from:
        path.append((node + via_from) % (2 * via_from))
    return path


def route(
    area: Area, pads: list[Pad], widths: dict[str, float], order: Iterable[str], tries: int = 12
) -> Router:
    """Lay every net of `order`; the router comes back for ground to be stitched with it."""
    queue = list(order)
    for _ in range(tries):
        router = Router(area, pads, widths)
        for net in queue:
            if not router.lay(net, [pad for pad in pads if pad.net == net]):
                queue.remove(net)
                queue.insert(0, net)
                break
        else:
            return router
    raise NoWay(f"no way for {queue[0]}")
