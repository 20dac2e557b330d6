"""What is printed on the board: its name, what is where, and the place for the card."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hardware.board import circuit
from hardware.board.placement import PLACES
from hardware.board.shape import SHAPE, Rect

FRONT, BACK = "F.SilkS", "B.SilkS"


@dataclass(frozen=True)
class Line:
    """A stroke of lines through the points."""

    layer: str
    points: tuple[tuple[float, float], ...]
    width: float = 0.15


@dataclass(frozen=True)
class Words:
    """A text round its centre; on the back it is mirrored, so that it reads from below."""

    layer: str
    text: str
    x: float
    y: float
    size: float = 1.0
    weight: float = 0.15
    turn: float = 0
    justify: int = 0  # -1: starts here, 1: ends here, as read


Print = Line | Words


def _arc(layer: str, x: float, y: float, r: float, start: float, end: float, width: float) -> Line:
    """Degrees clockwise from twelve o'clock."""
    steps = max(2, int(abs(end - start) / 4))
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    points = tuple((x + r * math.sin(a), y - r * math.cos(a)) for a in angles)
    return Line(layer, points, width)


def _corners(rect: Rect, length: float = 4.0) -> Iterator[Line]:
    """The four corners of a rectangle."""
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = rect.centre.x + sx * rect.width / 2, rect.centre.y + sy * rect.height / 2
            yield Line(FRONT, ((x - sx * length, y), (x, y), (x, y - sy * length)), 0.2)


def _target() -> Iterator[Print]:
    """A card over waves, where the card is laid."""
    x, y = SHAPE.antenna.centre.x, SHAPE.antenna.centre.y
    yield from _corners(SHAPE.antenna)
    for radius in (5.0, 8.0, 11.0):
        yield _arc(FRONT, x - 5, y - 2, radius, 55, 125, 0.8)
    yield _arc(FRONT, x - 5, y - 2, 1.6, 0, 360, 0.8)
    yield Words(FRONT, "TAP HERE", x, y + 11, 2.4, 0.4)
    yield Words(
        FRONT, "PN532 module on foam pads, no metal inside the ring", x, y + 15.5, 0.9, 0.13
    )
    yield Words(FRONT, "no copper", x, y - 16.5, 0.9, 0.13)


def _front() -> Iterator[Print]:
    yield Words(FRONT, circuit.NAME, 42.0, 119.3, 1.8, 0.3)
    yield Words(FRONT, f"rev {circuit.REVISION}", 54.6, 119.6, 1.0)
    for i, spot in enumerate(SHAPE.lights):
        yield Words(FRONT, str(i + 1), spot.x - 4.6, spot.y - 3.2, 1.2, 0.2)
    for spot, name in ((SHAPE.confirm, "CONFIRM"), (SHAPE.cancel, "CANCEL")):
        yield Words(FRONT, name, spot.x, spot.y + 4.9, 1.2, 0.2)
    pins = (-3.81, -1.27, 1.27, 3.81)
    for x, name in zip(pins, ("GND", "VCC", "SCL", "SDA"), strict=True):
        yield Words(FRONT, name, SHAPE.display_module.centre.x + x, 18.0, 0.8, 0.13)
    plug = PLACES["J1"]
    for i, name in enumerate(("3V3", "GND", "RXD", "TXD", "RST", "IRQ")):
        yield Words(FRONT, name, plug.x + 2 * i, plug.y + 8.6, 0.8, 0.13, 90)
    yield Words(FRONT, "NFC", plug.x + 13.9, plug.y + 3, 1.2, 0.2, 90)
    yield Line(
        FRONT, ((plug.x - 0.5, 39.0), (plug.x + 0.5, 39.0), (plug.x, 39.5), (plug.x - 0.5, 39.0))
    )
    yield Words(FRONT, "USB", 42.0, 2.2, 1.2, 0.2)


def _back() -> Iterator[Print]:
    yield Words(BACK, circuit.NAME, 42.0, 100.0, 2.6, 0.4)
    yield Words(BACK, f"rev {circuit.REVISION}   {circuit.DATE}   MIT licence", 42.0, 104.0, 1.1)
    yield Words(BACK, "Raspberry Pi Pico / Pico 2, parts outside, USB to the edge", 42.0, 54.6, 1.0)
    for number, net in enumerate(circuit.TEST_POINTS, 1):
        place = PLACES[f"TP{number}"]
        side = 1 if place.x < 42 else -1
        yield Words(BACK, net, place.x + 1.5 * side, place.y, 1.0, justify=side)
    yield Words(BACK, "NFC cable", 42.0, 72.0, 1.4, 0.2)
    wires = ("1 3V3", "2 GND", "3 to module RXD (SCL)", "4 to module TXD (SDA)")
    for i, words in enumerate((*wires, "5 to RSTPDN, never RSTO", "6 IRQ")):
        yield Words(BACK, words, 54.0, 75.5 + 2.4 * i, 1.1, justify=-1)
    yield Words(BACK, "switches on the module: HSU, both off", 42.0, 91.5, 1.0)


def all_prints() -> list[Print]:
    """Front, target, back."""
    return [*_front(), *_target(), *_back()]
