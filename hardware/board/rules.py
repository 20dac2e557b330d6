"""What has to hold for the description and for the board made of it; each finding is a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hardware.board import circuit, copper
from hardware.board.circuit import COMPONENTS, GROUND, Component
from hardware.board.parts import Mount
from hardware.board.placement import COIL_KEEP_OUT, PLACES, SLIT_CROSSED_BY
from hardware.board.shape import SHAPE

NEAR = 6.0  # millimetres: a capacitor farther away helps nobody


def of_description() -> list[str]:
    """Circuit, parts and placement among themselves."""
    return [*_nets(), *_parts(), *_places()]


def _nets() -> Iterator[str]:
    for net, pins in circuit.nets().items():
        if len(pins) < 2:
            yield f"net {net} ends at {pins[0]}"
    for part in COMPONENTS.values():
        known = {pin.number for pin in part.kind.pins}
        if extra := set(part.nets) - known:
            yield f"{part.reference} has no pins {sorted(extra)}"


def _parts() -> Iterator[str]:
    for part in COMPONENTS.values():
        kind = part.kind
        if kind.mount is not Mount.COPPER and not (kind.maker and kind.mpn and kind.cents):
            yield f"{part.reference} has no maker, number or price"


def _places() -> Iterator[str]:
    if missing := set(COMPONENTS) ^ set(PLACES):
        yield f"only in one of circuit and placement: {sorted(missing)}"
    for reference, place in PLACES.items():
        if not (0 < place.x < SHAPE.width and 0 < place.y < SHAPE.height):
            yield f"{reference} is off the board"


def of_board(board: copper.Board) -> list[str]:
    """The finished board against the description."""
    return [*_same_nets(board), *_decoupling(board), *_outline(board), *_field(board)]


def _same_nets(board: copper.Board) -> Iterator[str]:
    made = {net: pins for net, pins in board.nets().items() if not net.startswith("unconnected")}
    wanted = {net: set(pins) for net, pins in circuit.nets().items()}
    for net in sorted(set(made) | set(wanted)):
        if made.get(net) != wanted.get(net):
            yield f"net {net} of the board is not the circuit's"


def _decoupling(board: copper.Board) -> Iterator[str]:
    capacitors = [part for part in COMPONENTS.values() if part.kind.symbol == "C"]
    for part in COMPONENTS.values():
        if part.kind.supply is None:
            continue
        number = next(pin.number for pin in part.kind.pins if pin.name == part.kind.supply)
        pin = board.pads[part.reference, number][0]
        gaps = [
            math.hypot(pad.x - pin.x, pad.y - pin.y)
            for capacitor in capacitors
            if GROUND in capacitor.nets.values()
            for pad in _pads(board, capacitor)
            if pad.net == pin.net
        ]
        if not gaps or min(gaps) > NEAR:
            yield f"{part.reference} has no capacitor at {part.kind.supply}"


def _pads(board: copper.Board, part: Component) -> Iterator[copper.Pad]:
    for number in part.nets:
        yield from board.pads[part.reference, number]


def _outline(board: copper.Board) -> Iterator[str]:
    xs, ys = [x for x, _ in board.edge], [y for _, y in board.edge]
    if (min(xs), max(xs), min(ys), max(ys)) != (0, SHAPE.width, 0, SHAPE.height):
        yield "the board's edge is not the shape's"
    wanted = {(hole.centre.x, hole.centre.y, hole.diameter) for hole in SHAPE.holes}
    if set(board.holes) != wanted:
        yield "the board's holes are not the shape's"


def _field(board: copper.Board) -> Iterator[str]:
    centre = (SHAPE.antenna.centre.x, SHAPE.antenna.centre.y)
    if (gap := copper.nearest(board, centre)) < COIL_KEEP_OUT - 0.05:
        yield f"copper {gap:.2f} mm from the coil's middle"
    if copper.closed_turn(board, (SHAPE.width, SHAPE.height), centre, {SLIT_CROSSED_BY}):
        yield "copper makes a closed turn round the coil"
