"""A picture of the first build, wired by hand: a Pico, modules, and a wire for every row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.board import bom, svg
from hardware.board.circuit import GROUND, LOGIC, USB
from hardware.board.parts import PICO

_WIDTH, _HEIGHT = 940.0, 560.0
_PICO_X, _PICO_Y, _PICO_WIDTH, _PITCH = 520.0, 40.0, 150.0, 22.0
_PARTS_X, _PARTS_WIDTH = 20.0, 250.0
_RAILS = {LOGIC: 400.0, GROUND: 430.0}  # x of the breadboard's rails
_FIXED = {LOGIC: "#d23b3b", GROUND: "#30363b", USB: "#e0672f"}
_COLOURS = ("#3f7fd1", "#4aa35a", "#c79414", "#8a55c2", "#1d9aa3", "#c2478f", "#6b8e23", "#b06a35")
_RIGHT = "16 WS2812"  # what stands to the right of the Pico


@dataclass(frozen=True)
class _Block:
    """A part and its wires; `y` is its top."""

    title: str
    wires: tuple[bom.Wire, ...]
    y: float


def _blocks() -> list[_Block]:
    groups: list[list[bom.Wire]] = []
    for wire in bom.WIRES:
        if wire.part:
            groups.append([])
        groups[-1].append(wire)
    found, y = [], 40.0
    for group in groups:
        right = group[0].part.startswith(_RIGHT)
        found.append(_Block(group[0].part, tuple(group), 380.0 if right else y))
        y += 0 if right else 28 + 20 * len(group)
    return found


def _colour(net: str) -> str:
    names = [wire.net for wire in bom.WIRES if wire.net not in _FIXED]
    return _FIXED.get(net) or _COLOURS[sorted(set(names)).index(net) % len(_COLOURS)]


def _pin_spot(number: int) -> tuple[float, float]:
    """Where a wire meets the Pico; USB is above."""
    if number <= 20:
        return _PICO_X, _PICO_Y + 34 + _PITCH * (number - 1)
    return _PICO_X + _PICO_WIDTH, _PICO_Y + 34 + _PITCH * (40 - number)


def _number(net: str, right: bool) -> int:
    numbers = sorted(int(number) for _, number in bom.pico_pins(net))
    return numbers[-1] if right else numbers[0]


def draw() -> str:
    """The SVG."""
    items = [svg.box(0, 0, _WIDTH, _HEIGHT, "#ffffff"), *_pico(), *_rails()]
    for block in _blocks():
        items += _part(block)
    return svg.picture(_WIDTH, _HEIGHT, items)


def _pico() -> Iterator[str]:
    height = 40 + _PITCH * 20
    yield svg.box(_PICO_X + 50, _PICO_Y - 12, 50, 30, "#b9bfc4", 3)
    yield svg.box(_PICO_X, _PICO_Y, _PICO_WIDTH, height, "#1f7a4d", 6)
    middle = _PICO_X + _PICO_WIDTH / 2
    yield svg.words("Pico", middle, _PICO_Y + 24, 15, "#ffffff", text_anchor="middle")
    yield svg.words("USB", middle, _PICO_Y - 2, 9, "#1d2a33", text_anchor="middle")
    used = {_number(wire.net, wire.part.startswith(_RIGHT)) for wire in bom.WIRES}
    used |= {_number(USB, True), _number(GROUND, True), _number("LIGHTS", True)}
    for pin in PICO.pins:
        number = int(pin.number)
        x, y = _pin_spot(number)
        inside = 12 if number <= 20 else -12
        yield svg.dot(x, y, 5, "#d8b062")
        fill = "#ffffff" if number in used else "#8fbfa5"
        anchor = "start" if number <= 20 else "end"
        text = f"{pin.name}  {number}" if number <= 20 else f"{number}  {pin.name}"
        yield svg.words(text, x + inside, y + 4, 10.5, fill, text_anchor=anchor)


def _rails() -> Iterator[str]:
    """The breadboard's two rails, and where they are fed from."""
    for net, x in _RAILS.items():
        yield svg.path(f"M{x:g} 40 V532", _colour(net), 4)
        name, anchor, at = ("3V3", "end", x + 4) if net == LOGIC else ("GND", "start", x - 4)
        yield svg.words(name, at, 546, 12, _colour(net), text_anchor=anchor, font_weight="bold")
    x, y = _pin_spot(_number(GROUND, False))
    yield svg.path(f"M{_RAILS[GROUND]:g} {y:g} H{x:g}", _colour(GROUND), 3)
    x, y = _pin_spot(_number(LOGIC, False))
    way = f"M{_RAILS[LOGIC]:g} 42 V14 H{x + 24:g} V{y:g} H{x:g}"
    yield svg.path(way, _colour(LOGIC), 3, stroke_linejoin="round")


def _part(block: _Block) -> Iterator[str]:
    right = block.title.startswith(_RIGHT)
    x = _PICO_X + _PICO_WIDTH + 150 if right else _PARTS_X
    width = 110.0 if right else _PARTS_WIDTH
    title, _, rest = block.title.partition(", " if not right else ": ")
    height = 20.0 * len(block.wires) + (46 if right else 8)
    yield svg.box(x, block.y, width, height, "#eef3f6", 5, stroke="#9fb3c0", stroke_width=1)
    yield svg.words(
        title,
        x + (8 if not right else width - 8),
        block.y + 15,
        12,
        font_weight="bold",
        text_anchor="end" if right else "start",
    )
    if rest:
        line = block.y + (30 if not right else 98)
        yield svg.words(rest, x + 8, line, 9, "#52656f")
    for i, wire in enumerate(block.wires):
        y = block.y + 14 + 20 * i + (20 if right else 0)
        yield from _wire(wire, x if right else x + width, y, right)


def _wire(wire: bom.Wire, x: float, y: float, right: bool) -> Iterator[str]:
    colour = _colour(wire.net)
    name = wire.pin.split(" (")[0]
    if right:
        end_x, end_y = _pin_spot(_number(wire.net, True))
        lane = end_x + {USB: 66, GROUND: 44}.get(wire.net, 55)
        way = f"M{x:g} {y:g} H{lane:g} V{end_y:g} H{end_x:g}"
        yield svg.words(name, x + 8, y + 4, 11)
    else:
        yield svg.words(name, x - 8, y + 4, 11, text_anchor="end")
        if wire.net in _RAILS:
            end_x, end_y = _RAILS[wire.net], y
            way = f"M{x:g} {y:g} H{end_x:g}"
        else:
            end_x, end_y = _pin_spot(_number(wire.net, False))
            way = f"M{x:g} {y:g} H450 C485 {y:g} 485 {end_y:g} {end_x:g} {end_y:g}"
    yield svg.path(way, colour, 2.5, stroke_linejoin="round")
    yield svg.dot(x, y, 3.5, colour)
    if wire.net in _RAILS and not right:
        yield svg.dot(end_x, end_y, 4.5, colour)
    if part := _in_line(wire.note):
        at = x - 42 if right else x + 40
        yield svg.box(at - 20, y - 8, 40, 16, "#f6e7c8", 4, stroke="#9a7b3c", stroke_width=1)
        yield svg.words(part, at, y + 4, 10, text_anchor="middle")


def _in_line(note: str) -> str:
    """A resistor or fuse that sits in the wire."""
    if note.startswith("through "):
        return note.removeprefix("through ").split(";")[0]
    return "0.5 A" if "fuse in this wire" in note else ""
