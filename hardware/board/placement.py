"""Where each part stands. Millimetres, the axes of `shape.py`; degrees anticlockwise from above."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hardware.board.circuit import RING, ROW
from hardware.board.shape import SHAPE, Point


@dataclass(frozen=True)
class Place:
    """A part's origin, turn and side; where its reference is printed, from the origin."""

    x: float
    y: float
    turn: float = 0
    below: bool = False
    name_x: float = 0
    name_y: float = -1.5
    name_turn: float = 0


# No copper of any layer inside this circle: the module's coil is to see cards, not a plate.
COIL_KEEP_OUT = 30.0
# The ground round the coil is cut here, or it would be a closed turn that eats the field. The
# lights' data wire alone crosses, between six and seven o'clock.
SLIT_X = (31.5, 33.5)
SLIT_CROSSED_BY = "/L12"


def on_ring(clock: float, radius: float, along: float = 0) -> tuple[float, float]:
    """A point at `clock` hours; `along` goes on clockwise at a right angle to the radius."""
    angle = math.radians(30 * clock)
    centre = SHAPE.ring.centre
    x = centre.x + radius * math.sin(angle) + along * math.cos(angle)
    y = centre.y - radius * math.cos(angle) + along * math.sin(angle)
    return round(x, 3), round(y, 3)


def _lights() -> dict[str, Place]:
    """Turned so that data runs in reading direction and clockwise; the capacitor beside VDD."""
    found = {}
    for i, spot in enumerate(SHAPE.lights):
        found[f"D{i + 1}"] = Place(spot.x, spot.y, 180, name_x=0, name_y=-4.0)
        found[f"C{i + 1}"] = Place(spot.x + 5, spot.y + 2.3, name_y=-1.7)
    radius = SHAPE.ring.diameter / 2
    for i in range(RING):
        turn = -30 * i
        x, y = on_ring(i, radius)
        name_x, name_y = on_ring(i, radius + 4.2)
        here = Place(x, y, (180 + turn) % 360, name_x=name_x - x, name_y=name_y - y)
        found[f"D{ROW + i + 1}"] = here
        x, y = on_ring(i, radius - 1.1, 5.5)
        name_x, name_y = on_ring(i, radius + 1.1, 5.5)
        here = Place(x, y, turn % 360, name_x=name_x - x, name_y=name_y - y)
        found[f"C{ROW + i + 1}"] = here
    return found


def _button(
    reference: str, resistor: str, capacitor: str, spot: Point, side: int
) -> dict[str, Place]:
    """The switch's footprint has its origin at pin 1. `side` -1: the small parts to its left."""
    return {
        reference: Place(spot.x - 3.25, spot.y - 2.25, name_x=3.25, name_y=-2.2),
        resistor: Place(spot.x + 7.2 * side, spot.y - 6, 0 if side > 0 else 180, name_y=1.5),
        capacitor: Place(spot.x + 7.2 * side, spot.y - 8.6, 0 if side > 0 else 180),
    }


_TESTS_LEFT = ("TP1", "TP2", "TP3", "TP4", "TP5", "TP9")
_TESTS_RIGHT = ("TP6", "TP7", "TP8")

PLACES: dict[str, Place] = {
    "U1": Place(SHAPE.pico.centre.x, SHAPE.pico.centre.y, below=True),
    "J2": Place(SHAPE.display_module.centre.x, SHAPE.display_module.centre.y, name_y=12.2),
    "C22": Place(39.9, 12.4, 180, name_x=-3.0, name_y=0),
    "R5": Place(45.0, 12.4, 0, name_x=2.5, name_y=0),
    "R6": Place(50.4, 12.4, 0, name_x=2.5, name_y=0),
    # Power for the lights.
    "F1": Place(20.0, 17.0, 180, name_y=-1.8),
    "D17": Place(20.0, 22.0, 0, name_y=-2.2),
    "C17": Place(20.0, 27.0, 0, name_y=-1.9),
    "C18": Place(31.0, 45.0, 0, name_x=3.7, name_y=0),
    # The lights' data.
    "U2": Place(14.5, 9.4, 0, name_x=-3.2, name_y=0),
    "C19": Place(18.4, 7.2, 0, name_y=-1.5),
    "R1": Place(20.0, 10.4, 0, name_y=1.5),
    # Sounder.
    "BZ1": Place(SHAPE.piezo.centre.x, SHAPE.piezo.centre.y, name_y=5.6),
    "Q1": Place(14.0, 35.5, 0, name_y=-2.3),
    "R7": Place(20.0, 36.8, 90, name_x=1.5, name_y=0, name_turn=90),
    "R8": Place(9.0, 34.55, 0),
    "R9": Place(9.0, 37.2, 0, name_y=1.5),
    # NFC module.
    "J1": Place(65.0, 41.0, 0, name_x=-3.6, name_y=1.0),
    "R2": Place(69.0, 36.0, 270, name_x=0, name_y=-2.4),
    "R3": Place(71.0, 36.0, 270, name_x=0, name_y=-2.4),
    "R4": Place(73.0, 36.0, 270, name_x=0, name_y=-2.4),
    "C20": Place(62.6, 36.0, 90, name_x=0, name_y=-2.4),
    "C21": Place(65.0, 36.0, 90, name_x=0, name_y=-2.4),
    **_lights(),
    **_button("SW1", "R10", "C23", SHAPE.confirm, -1),
    **_button("SW2", "R11", "C24", SHAPE.cancel, 1),
    **{f"H{i + 1}": Place(hole.centre.x, hole.centre.y) for i, hole in enumerate(SHAPE.holes)},
    **{name: Place(8.0, 14.0 + 4 * i, below=True) for i, name in enumerate(_TESTS_LEFT)},
    **{name: Place(76.0, 14.0 + 4 * i, below=True) for i, name in enumerate(_TESTS_RIGHT)},
}
