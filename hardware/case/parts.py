"""The printed parts as solids (CadQuery): base, lid, and one button, which is printed twice."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import cadquery as cq

from hardware.board.shape import Point, Rect
from hardware.case import dimensions as d
from hardware.case.dimensions import CASE, Case

Solid = Any
"""A `cadquery.Workplane`; the library carries no types."""


def base(case: Case = CASE) -> Solid:
    """The tray: the board lies on four pillars, screws come from below, the plug from the rear."""
    body = _slab(case, *case.outside, case.bottom, case.split, d.WALL + d.BOARD_PLAY)
    body = body.edges("<Z").chamfer(0.8)
    body = body.cut(_slab(case, *case.inside, case.floor, case.split, d.BOARD_PLAY))
    body = body.union(_pins(_holes(case), d.BOSS, case.floor, case.under_board))
    body = body.union(_pins(_holes(case), d.PILLAR_FOOT, case.floor, case.bottom + d.PILLAR_HEIGHT))
    body = body.cut(_pins(_holes(case), d.SCREW, case.bottom, case.split))
    head = case.bottom + d.SCREW_HEAD_DEPTH
    body = body.cut(_pins(_holes(case), d.SCREW_HEAD, case.bottom, head))
    body = body.cut(_pins(_feet(case), d.FOOT, case.bottom, case.bottom + d.FOOT_DEPTH))
    return body.cut(plug(case))


def lid(case: Case = CASE) -> Solid:
    """The cover: window, lights, ring, tap area, buttons and the piezo's grille."""
    body = _slab(case, *case.outside, case.split, case.top, d.WALL + d.BOARD_PLAY)
    body = body.edges(">Z").fillet(1.6)
    body = body.cut(_slab(case, *case.inside, case.split, case.ceiling, d.BOARD_PLAY))
    body = body.union(_lip(case)).union(_baffles(case))
    bosses = _pins(_holes(case), d.BOSS, d.PLAY / 2, case.ceiling)
    body = body.union(bosses)
    body = body.cut(_pins(_holes(case), d.INSERT, 0, d.INSERT_DEPTH))
    for opening in (_window(case), _lights(case), _ring(case), _tap(case), _grille(case)):
        body = body.cut(opening)
    wide = d.BUTTON + 2 * d.PLAY
    body = body.cut(_pins(_buttons(case), wide, case.ceiling - 1, case.top + 1))
    return body.cut(plug(case))


def button(case: Case = CASE) -> Solid:
    """A button where it is used for "confirm": a stem, a flange that the lid holds, and a cap."""
    at = [case.board.confirm]
    flange = case.ceiling - d.PLAY
    stem = _pins(at, 5.0, case.button_foot, flange)
    ring = _pins(at, d.BUTTON_FLANGE, flange - d.BUTTON_FLANGE_HEIGHT, flange)
    cap = _pins(at, d.BUTTON, flange, case.top + d.BUTTON_OUT).edges(">Z").fillet(0.8)
    return stem.union(ring).union(cap)


def board(case: Case = CASE) -> Solid:
    """What must find room in the case: the board with its parts, as boxes."""
    shape = case.board
    plate = (
        cq.Workplane("XY", origin=(shape.width / 2, -shape.height / 2, case.under_board))
        .box(shape.width, shape.height, shape.thickness, centered=(True, True, False))
        .edges("|Z")
        .fillet(shape.corner_radius)
    )
    plate = plate.cut(_pins(_holes(case), shape.holes[0].diameter, -9, 9))
    boxes = (
        (shape.antenna, shape.antenna_spacer, shape.antenna_height),
        (shape.display_module, 0.0, shape.display_height),
        (shape.piezo, 0.0, shape.piezo_height),
        (shape.pico, case.under_board - shape.bottom_height, case.under_board),
    )
    for rect, low, high in boxes:
        plate = plate.union(_box(rect, low, high))
    lights = [*shape.lights, *ring_points(case)]
    for at in lights:
        plate = plate.union(
            _box(Rect(at, shape.light_size, shape.light_size), 0, shape.light_height)
        )
    return plate


def plug(case: Case = CASE) -> Solid:
    """The way that a moulded USB plug takes through the rear wall."""
    usb = case.board.usb
    width, height = usb.plug
    deep = d.BOARD_PLAY + d.WALL + 2
    return (
        cq.Workplane("XY", origin=(usb.x, d.BOARD_PLAY + d.WALL + 1 - deep / 2, case.plug))
        .box(width, deep, height)
        .edges("|Y")
        .fillet(1.5)
    )


def glow(case: Case = CASE) -> tuple[Solid, Solid]:
    """What shines through the skin: the four windows of the row, and the ring."""
    side = case.board.light_size + 0.8
    low, high = case.top, case.top + 0.05
    row = _all(_box(Rect(at, side, side), low, high) for at in case.board.lights)
    ring = case.board.ring
    half = case.board.light_size / 2
    outer = _pins([ring.centre], ring.diameter + 2 * half, low, high)
    return row, outer.cut(_pins([ring.centre], ring.diameter - 2 * half, low, high))


def _all(solids: Iterable[Solid]) -> Solid:
    """Many solids as one."""
    return functools.reduce(lambda one, other: one.union(other), solids)


def ring_points(case: Case = CASE) -> list[Point]:
    """The centres of the ring's lights: the first at the rear, then clockwise from above."""
    ring = case.board.ring
    turns = (2 * math.pi * n / ring.count for n in range(ring.count))
    return [
        Point(
            ring.centre.x + ring.diameter / 2 * math.sin(turn),
            ring.centre.y - ring.diameter / 2 * math.cos(turn),
        )
        for turn in turns
    ]


def _slab(case: Case, width: float, depth: float, low: float, high: float, beyond: float) -> Solid:
    """A plate around the board with the board's corners, drawn `beyond` its edge."""
    middle = case.centre
    return (
        cq.Workplane("XY", origin=(middle.x, -middle.y, low))
        .box(width, depth, high - low, centered=(True, True, False))
        .edges("|Z")
        .fillet(case.board.corner_radius + beyond)
    )


def _box(rect: Rect, low: float, high: float) -> Solid:
    return cq.Workplane("XY", origin=(rect.centre.x, -rect.centre.y, low)).box(
        rect.width, rect.height, high - low, centered=(True, True, False)
    )


def _pins(at: Iterable[Point], diameter: float, low: float, high: float) -> Solid:
    """Cylinders; y grows to the customer on the board and shrinks in the solid's space."""
    points = [(point.x, -point.y) for point in at]
    return (
        cq.Workplane("XY", origin=(0, 0, low))
        .pushPoints(points)
        .circle(diameter / 2)
        .extrude(high - low)
    )


def _holes(case: Case) -> list[Point]:
    return [hole.centre for hole in case.board.holes]


def _buttons(case: Case) -> list[Point]:
    return [case.board.confirm, case.board.cancel]


def _feet(case: Case) -> list[Point]:
    width, height = case.board.width, case.board.height
    return [Point(x, y) for x in (16.0, width - 16.0) for y in (8.0, height - 8.0)]


def _lip(case: Case) -> Solid:
    """A rim of the lid that stands inside the base's wall, free where the plug passes."""
    width, depth = (side - 2 * d.PLAY for side in case.inside)
    low = case.split - d.LIP_DEPTH
    high = case.split + 1.2
    outer = _slab(case, width, depth, low, high, d.BOARD_PLAY - d.PLAY)
    outer = outer.union(_slab(case, *case.inside, case.split, high, d.BOARD_PLAY))
    shrink = 2 * d.LIP
    inner = _slab(case, width - shrink, depth - shrink, low, high, d.BOARD_PLAY - d.PLAY - d.LIP)
    usb = case.board.usb
    gap = Rect(Point(usb.x, 0.0), usb.plug[0] + 1.0, 12.0)
    return outer.cut(inner).cut(_box(gap, low - 1, case.split))


def _baffles(case: Case) -> Solid:
    """Walls that keep each light in its own window."""
    shape = case.board
    side = shape.light_size + 2 * d.BAFFLE + 0.8
    low = shape.light_height + 0.4
    first, last = shape.lights[0], shape.lights[-1]
    middle = Point((first.x + last.x) / 2, first.y)
    span = last.x - first.x + side
    walls = _box(Rect(middle, span, side), low, case.ceiling)
    radius = shape.ring.diameter / 2 + shape.light_size / 2 + 0.6
    centre = [shape.ring.centre]
    collar = _pins(centre, 2 * (radius + d.BAFFLE), low, case.ceiling)
    collar = collar.cut(_pins(centre, 2 * radius, low, case.ceiling))
    press = _pins(_buttons(case), d.BUTTON_FLANGE + 4 * d.PLAY, low, case.ceiling)
    return walls.union(collar).cut(_module(case)).cut(press)


def _module(case: Case) -> Solid:
    """Room for the antenna's module, with a little play."""
    rect = case.board.antenna
    wide = Rect(rect.centre, rect.width + 1.0, rect.height + 1.0)
    return _box(wide, -1, case.board.antenna_height + 0.4)


def _window(case: Case) -> Solid:
    """The display's window, its edges bevelled so that one sees in from the side."""
    rect = case.board.display_window
    straight = _box(rect, case.ceiling - 1, case.top + 1)
    bevel = (
        cq.Workplane("XY", origin=(rect.centre.x, -rect.centre.y, case.top))
        .rect(rect.width + 3.0, rect.height + 3.0)
        .workplane(offset=-1.4)
        .rect(rect.width, rect.height)
        .loft(combine=True)
    )
    glass = case.board.display_module
    room = Rect(glass.centre, glass.width + 0.8, glass.height + 0.8)
    return straight.union(bevel).union(_box(room, 0, case.ceiling - 0.2))


def _lights(case: Case) -> Solid:
    """The four wells of the row; a skin is left over each."""
    side = case.board.light_size + 0.8
    return _all(_box(Rect(at, side, side), 0.5, case.top - d.SKIN) for at in case.board.lights)


def _ring(case: Case) -> Solid:
    """The groove over the ring's lights; a skin is left over it."""
    ring = case.board.ring
    half = case.board.light_size / 2 + 0.4
    outer, inner = ring.diameter / 2 + half, ring.diameter / 2 - half
    high = case.top - d.SKIN
    groove = _pins([ring.centre], 2 * outer, case.ceiling - 0.5, high)
    return groove.cut(_pins([ring.centre], 2 * inner, case.ceiling - 0.5, high))


def _tap(case: Case) -> Solid:
    """A thinner roof over the antenna, and the mark that says where the card goes."""
    ring = case.board.ring
    inner = ring.diameter / 2 - case.board.light_size / 2 - 1.6
    roof = _pins([ring.centre], 2 * inner, case.ceiling - 0.5, case.top - d.TAP_ROOF)
    return roof.union(waves(case))


def waves(case: Case = CASE) -> Solid:
    """Four arcs, the sign of contactless cards, 0.4 mm deep."""
    at = case.board.ring.centre
    left = at.x - 12
    centre = [Point(left, at.y)]
    low, high = case.top - 0.4, case.top + 1
    sign = _all(
        _pins(centre, 2 * radius + 2.4, low, high).cut(_pins(centre, 2 * radius - 2.4, low, high))
        for radius in (6.0, 12.0, 18.0, 24.0)
    )
    wedge = (
        cq.Workplane("XY", origin=(left, -at.y, case.top - 0.5))
        .polyline([(0, 0), (40, 32), (40, -32)])
        .close()
        .extrude(2)
    )
    return sign.intersect(wedge)


def _grille(case: Case) -> Solid:
    """Holes over the piezo: one in the middle, six around it."""
    at = case.board.piezo.centre
    around = [
        Point(at.x + 3.4 * math.cos(n * math.pi / 3), at.y + 3.4 * math.sin(n * math.pi / 3))
        for n in range(6)
    ]
    return _pins([at, *around], d.GRILLE_HOLE, case.ceiling - 1, case.top + 1)
