"""A picture of the finished board: every part where it stands, a sale on the display."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hardware.board import svg
from hardware.board.circuit import COMPONENTS, RING, ROW
from hardware.board.placement import PLACES
from hardware.board.shape import SHAPE, Rect

_MARGIN = 6.0
_BOARD, _EDGE, _GOLD, _PRINT = "#0f2f45", "#0a2030", "#d8b062", "#e9eef0"
_SIZES = {  # body of the small parts: length, width, colour
    "R": (1.6, 0.8, "#1c1c1c"),
    "C": (1.6, 0.8, "#a88b62"),
    "Polyfuse": (3.2, 1.6, "#2d5d3a"),
    "TVS": (3.2, 1.8, "#1c1c1c"),
    "NMOS": (2.9, 1.4, "#1c1c1c"),
    "Buffer": (2.9, 1.6, "#1c1c1c"),
}
_WIRES = ("#d23b3b", "#222222", "#3f7fd1", "#4aa35a", "#d9a521", "#e8e8e8")


def draw() -> str:
    """The SVG, one unit a millimetre."""
    shift = svg.tag("g", "\0", transform=f"translate({_MARGIN:g} {_MARGIN:g})")
    items = [*_ground(), *_small(), *_plug(), *_display(), *_module(), *_lights(), *_cable()]
    items += [*_buttons(), *_piezo()]
    inner = shift.replace("\0", "\n" + "\n".join(items) + "\n")
    return svg.picture(SHAPE.width + 2 * _MARGIN, SHAPE.height + 2 * _MARGIN, [inner], scale=6)


def _ground() -> Iterator[str]:
    usb = SHAPE.usb
    width, _ = usb.socket
    yield svg.box(usb.x - width / 2, usb.face_y, width, 4, "#b9bfc4", 0.4)
    yield svg.box(
        0, 0, SHAPE.width, SHAPE.height, _BOARD, SHAPE.corner_radius, stroke=_EDGE, stroke_width=0.4
    )
    for hole in SHAPE.holes:
        x, y = hole.centre.x, hole.centre.y
        yield svg.dot(x, y, hole.diameter / 2, "#ffffff", stroke=_EDGE, stroke_width=0.4)
    yield svg.words("Taptill reader", 42, 120, 2.6, _PRINT, text_anchor="middle")
    for spot, name in ((SHAPE.confirm, "CONFIRM"), (SHAPE.cancel, "CANCEL")):
        yield svg.words(name, spot.x, spot.y + 5.6, 1.8, _PRINT, text_anchor="middle")
    for i, spot in enumerate(SHAPE.lights):
        yield svg.words(str(i + 1), spot.x - 5, spot.y - 2.2, 1.8, _PRINT)


def _small() -> Iterator[str]:
    for reference, place in PLACES.items():
        size = _SIZES.get(COMPONENTS[reference].kind.symbol)
        if size is None:
            continue
        length, width, colour = size
        if "1206" in COMPONENTS[reference].kind.footprint:
            length, width = 3.2, 1.6
        turn = f"rotate({-place.turn:g} {place.x:g} {place.y:g})"
        yield svg.box(
            place.x - length / 2 - 0.4,
            place.y - width / 2,
            length + 0.8,
            width,
            _GOLD,
            transform=turn,
        )
        yield svg.box(
            place.x - length / 2, place.y - width / 2, length, width, colour, 0.1, transform=turn
        )


def _frame(rect: Rect, colour: str) -> str:
    x, y = rect.centre.x - rect.width / 2, rect.centre.y - rect.height / 2
    return svg.box(x, y, rect.width, rect.height, colour, 1.0, stroke="#0008", stroke_width=0.2)


def _display() -> Iterator[str]:
    window, module = SHAPE.display_window, SHAPE.display_module
    yield _frame(module, "#14507a")
    left = module.centre.x - module.width / 2
    yield svg.box(left + 0.4, window.centre.y - 8.1, module.width - 0.8, 19.3, "#0c0f12", 0.6)
    for i in range(4):
        yield svg.dot(module.centre.x - 3.81 + 2.54 * i, 15.8, 0.75, _GOLD)
    x, y = window.centre.x, window.centre.y
    for text, dy, size in (("Tap your card", -2.6, 2.0), ("2 500", 2.6, 4.4), ("sats", 5.8, 2.0)):
        yield svg.words(text, x, y + dy, size, "#9fe0ff", text_anchor="middle")


def _module() -> Iterator[str]:
    """The PN532 module: its coil round the edge."""
    rect = SHAPE.antenna
    yield _frame(rect, "#9c2b2b")
    x, y = rect.centre.x - rect.width / 2, rect.centre.y - rect.height / 2
    for i in range(4):
        inset = 1.4 + 1.1 * i
        width, height = rect.width - 2 * inset, rect.height - 2 * inset
        yield svg.box(
            x + inset, y + inset, width, height, "none", 2, stroke="#c96a5c", stroke_width=0.5
        )
    yield svg.box(rect.centre.x - 3, rect.centre.y - 3, 6, 6, "#1c1c1c", 0.3)
    yield svg.words("PN532", rect.centre.x, rect.centre.y + 0.7, 1.6, _PRINT, text_anchor="middle")
    yield svg.words(
        "lay the card here", rect.centre.x, rect.centre.y + 10, 2.4, _PRINT, text_anchor="middle"
    )


def _plug() -> Iterator[str]:
    place = PLACES["J1"]
    yield svg.box(place.x - 1.95, place.y - 1.35, 13.9, 7.6, "#efe9da", 0.3)
    yield svg.box(place.x - 0.8, place.y + 1.6, 11.6, 6.6, "#d8d0bc", 0.3)


def _cable() -> Iterator[str]:
    """Six wires from the plug to the module, between two lights of the ring."""
    place, rect, one, other = PLACES["J1"], SHAPE.antenna, PLACES["D6"], PLACES["D7"]
    right = rect.centre.x + rect.width / 2
    apart = math.dist((one.x, one.y), (other.x, other.y))
    across = (other.x - one.x) / apart, (other.y - one.y) / apart  # from light to light
    for i, colour in enumerate(_WIRES):
        x, y = place.x + 2 * i, place.y + 8
        aside = 1.1 * (i - 2.5)
        gap_x = (one.x + other.x) / 2 + aside * across[0]
        gap_y = (one.y + other.y) / 2 + aside * across[1]
        bend_x, bend_y = 5 * across[1], -5 * across[0]
        end_x, end_y = right - 7, rect.centre.y - 8 + 2.54 * i
        way = (
            f"M{x:g} {y:g} C{x:g} {y + 4:g} {gap_x + bend_x:g} {gap_y + bend_y:g} "
            f"{gap_x:g} {gap_y:g} S{end_x + 9:g} {end_y:g} {end_x:g} {end_y:g}"
        )
        yield svg.path(way, "#0006", 1.0)
        yield svg.path(way, colour, 0.7)
        yield svg.dot(end_x, end_y, 0.8, _GOLD)


def _lights() -> Iterator[str]:
    """Armed: the first of the row is on, as on a real reader."""
    for i in range(ROW + RING):
        place = PLACES[f"D{i + 1}"]
        turn = f"rotate({-place.turn:g} {place.x:g} {place.y:g})"
        side, on = SHAPE.light_size, i == 0
        if on:
            yield svg.dot(place.x, place.y, 5.2, "#39d06a", fill_opacity=0.25)
        corner = (place.x - side / 2, place.y - side / 2)
        yield svg.box(*corner, side, side, "#f3f3ef", 0.4, transform=turn)
        glow = "#39d06a" if on else "#d9dcd6"
        yield svg.dot(place.x, place.y, 1.75, glow, stroke="#b7bab3", stroke_width=0.2)


def _buttons() -> Iterator[str]:
    for spot in (SHAPE.confirm, SHAPE.cancel):
        yield svg.box(spot.x - 3, spot.y - 3, 6, 6, "#c9ced1", 0.4)
        yield svg.dot(spot.x, spot.y, 1.75, "#1c1c1c")


def _piezo() -> Iterator[str]:
    yield _frame(SHAPE.piezo, "#20262a")
    yield svg.dot(SHAPE.piezo.centre.x, SHAPE.piezo.centre.y, 0.8, "#000000")
