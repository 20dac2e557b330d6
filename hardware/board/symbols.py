"""The schematic's symbols, drawn here so that the sheet needs no library but its own.

Coordinates as in KiCad's libraries: millimetres, y upwards, the origin in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hardware.board import parts
from hardware.board.parts import Kind, Pin
from hardware.board.sexpr import effects, node, quoted

LIBRARY = "taptill"
Spot = tuple[float, float]
Place = tuple[float, float, int]  # and the way a pin points


@dataclass(frozen=True)
class Drawing:
    """A symbol: where each pin ends and which way it points into the body, and lines."""

    ends: Mapping[str, Place]
    shapes: tuple[str, ...]
    reach: float = 2.54  # the pins' length
    names: bool = False  # pin names shown
    numbers: bool = False
    reference: tuple[float, float, str] = (2.54, 1.27, "left")
    value: tuple[float, float, str] = (2.54, -1.27, "left")


def _line(*points: Spot, width: float = 0.254, fill: str = "none") -> str:
    spots = node("pts", *(node("xy", x, y) for x, y in points))
    return node("polyline", spots, _stroke(width), node("fill", node("type", fill)))


def _box(x: float, y: float, x2: float, y2: float, fill: str = "background") -> str:
    corners = (node("start", x, y), node("end", x2, y2))
    return node("rectangle", *corners, _stroke(0.254), node("fill", node("type", fill)))


def _circle(x: float, y: float, radius: float, fill: str = "none") -> str:
    where = (node("center", x, y), node("radius", radius))
    return node("circle", *where, _stroke(0.254), node("fill", node("type", fill)))


def _stroke(width: float) -> str:
    return node("stroke", node("width", width), node("type", "default"), "(color 0 0 0 0)")


def _upright(*shapes: str, reach: float = 1.27) -> Drawing:
    """Two pins, one above the other."""
    return Drawing({"1": (0, 3.81, 270), "2": (0, -3.81, 90)}, shapes, reach)


def _column(pins: Iterable[Pin], x: float, top: float, angle: int) -> dict[str, Place]:
    return {pin.number: (x, top - 2.54 * i, angle) for i, pin in enumerate(pins)}


def _pico() -> Drawing:
    """Inputs and outputs by number, power above, ground below (its pins stacked as one)."""
    pins = {pin.name: pin for pin in parts.PICO.pins}
    left = [pins[f"GP{n}"] for n in range(16)]
    right = [pins[f"GP{n}"] for n in (*range(16, 23), 26, 27, 28)]
    ends = _column(left, -17.78, 19.05, 0) | _column(right, 17.78, 19.05, 180)
    ends |= _column([pins["RUN"], pins["3V3_EN"], pins["ADC_VREF"]], 17.78, -8.89, 180)
    tops = {"VBUS": -5.08, "VSYS": 0.0, "3V3": 5.08}
    ends |= {pins[name].number: (x, 25.4, 270) for name, x in tops.items()}
    ends[pins["AGND"].number] = (5.08, -25.4, 90)
    ends |= {pin.number: (0, -25.4, 90) for pin in parts.PICO.pins if pin.name == "GND"}
    box = _box(-15.24, 22.86, 15.24, -22.86)
    return Drawing(ends, (box,), 2.54, True, True, (-15.24, 24.13, "left"), (8.89, 24.13, "left"))


def _plug(count: int) -> Drawing:
    top = 2.54 * (count - 1) / 2
    ends = {str(i + 1): (-7.62, top - 2.54 * i, 0) for i in range(count)}
    box = _box(-5.08, top + 2.54, 7.62, -top - 2.54)
    reference = (-5.08, top + 3.81, "left")
    return Drawing(ends, (box,), 2.54, True, True, reference, (-5.08, -top - 3.81, "left"))


def _light() -> Drawing:
    ends = {"1": (0, 7.62, 270), "2": (7.62, 0, 180), "3": (0, -7.62, 90), "4": (-7.62, 0, 0)}
    triangle = _line(
        (-0.635, 1.27), (1.905, 1.27), (0.635, -0.635), (-0.635, 1.27), width=0.15, fill="outline"
    )
    bar = _line((-0.635, -0.762), (1.905, -0.762), width=0.2)
    rays = [_line((2.2, y), (3.4, y - 1.0), width=0.15) for y in (0.9, 0.0)]
    box = _box(-5.08, 5.08, 5.08, -5.08)
    names = ((-4.6, 0.0, "DIN"), (4.6, -3.0, "DOUT"))
    texts = [
        node("text", quoted(text), node("at", x, y, 0), effects(0.9, "left" if x < 0 else "right"))
        for x, y, text in names
    ]
    return Drawing(
        ends,
        (box, triangle, bar, *rays, *texts),
        numbers=True,
        reference=(1.27, 6.35, "left"),
        value=(1.27, -6.35, "left"),
    )


def _buffer() -> Drawing:
    ends = {
        "1": (-10.16, -3.81, 0),
        "2": (-10.16, 0, 0),
        "3": (0, -8.89, 90),
        "4": (10.16, 0, 180),
        "5": (0, 8.89, 270),
    }
    box = _box(-7.62, 6.35, 7.62, -6.35)
    reference, value = (1.27, 7.62, "left"), (1.27, -7.62, "left")
    return Drawing(ends, (box,), 2.54, True, True, reference, value)


def _mosfet() -> Drawing:
    ends = {"1": (-5.08, 0, 0), "2": (2.54, -5.08, 90), "3": (2.54, 5.08, 270)}
    shapes = (
        _line((0.254, 1.905), (0.254, -1.905)),
        *(_line((0.762, y + 0.5), (0.762, y - 0.5)) for y in (1.778, 0.0, -1.778)),
        _line((0.762, 1.778), (2.54, 1.778), (2.54, 2.54), width=0.15),
        _line((0.762, -1.778), (2.54, -1.778), (2.54, -2.54), width=0.15),
        _line((0.762, 0), (2.54, 0), (2.54, -1.778), width=0.15),
        _line((1.016, 0), (2.032, 0.4), (2.032, -0.4), (1.016, 0), width=0.1, fill="outline"),
        _line((-2.54, 0), (0.254, 0), width=0.15),
        _circle(1.651, 0, 2.794),
    )
    return Drawing(ends, shapes, reference=(5.08, 1.27, "left"), value=(5.08, -1.27, "left"))


def _button() -> Drawing:
    ends = {"1": (-5.08, 0, 0), "2": (5.08, 0, 180)}
    shapes = (
        _circle(-2.032, 0, 0.508),
        _circle(2.032, 0, 0.508),
        _line((-2.54, 1.27), (2.54, 1.27)),
        _line((0, 1.27), (0, 3.048)),
    )
    return Drawing(ends, shapes, reference=(0, 5.08, ""), value=(0, -2.54, ""))


DRAWINGS: dict[str, Drawing] = {
    "R": _upright(_box(-1.016, 2.54, 1.016, -2.54, "none")),
    "C": _upright(
        _line((-2.032, 0.762), (2.032, 0.762), width=0.508),
        _line((-2.032, -0.762), (2.032, -0.762), width=0.508),
        reach=2.794,
    ),
    "Polyfuse": _upright(
        _box(-0.762, 2.54, 0.762, -2.54, "none"),
        _line((0, 2.54), (0, -2.54), width=0.15),
        _line((-1.524, 2.54), (-1.524, 1.524), (1.524, -1.524), (1.524, -2.54), width=0.15),
    ),
    "TVS": _upright(
        _line((-1.27, -1.27), (1.27, -1.27), (0, 1.27), (-1.27, -1.27), fill="outline"),
        _line((-1.9, 0.7), (-1.27, 1.27), (1.27, 1.27), (1.9, 1.84)),
        _line((0, 1.27), (0, 2.54), width=0.15),
        _line((0, -1.27), (0, -2.54), width=0.15),
    ),
    "Piezo": _upright(
        _line((-1.905, 1.524), (1.905, 1.524)),
        _line((-1.905, -1.524), (1.905, -1.524)),
        _box(-1.524, 0.762, 1.524, -0.762, "none"),
        _line((0, 1.524), (0, 2.54), width=0.15),
        _line((0, -1.524), (0, -2.54), width=0.15),
    ),
    "NMOS": _mosfet(),
    "Button": _button(),
    "Pico": _pico(),
    "Plug6": _plug(6),
    "Plug4": _plug(4),
    "WS2812B": _light(),
    "Buffer": _buffer(),
    "TestPoint": Drawing(
        {"1": (0, 0, 180)},
        (_circle(-3.302, 0, 0.762),),
        reference=(-5.08, 0, "right"),
    ),
    "Hole": Drawing({}, (_circle(0, 0, 1.27),), reference=(2.54, 0, "left")),
}

_UP = (_line((-0.762, 1.27), (0, 2.54), (0.762, 1.27), width=0.15), _line((0, 0), (0, 2.54)))
_GROUND = _line((0, 0), (0, -1.27), (1.27, -1.27), (0, -2.54), (-1.27, -1.27), (0, -1.27))
_FLAG = _line((0, 0), (0, 1.27), (-1.016, 1.905), (0, 2.54), (1.016, 1.905), (0, 1.27))
POWER_SHAPES: dict[str, tuple[tuple[str, ...], float]] = {  # lines, and where the name stands
    "GND": ((_GROUND,), -3.81),
    "+5V": (_UP, 3.556),
    "+3V3": (_UP, 3.556),
    "VBUS": (_UP, 3.556),
    "PWR_FLAG": ((_FLAG,), 3.81),
}


def _property(
    name: str, text: str, number: int, where: tuple[float, float, str], hide: bool
) -> str:
    x, y, justify = where
    look = effects(1.27, justify, hide)
    return node(
        "property", quoted(name), quoted(text), node("id", number), node("at", x, y, 0), look
    )


def _pin(pin: Pin, where: Place, reach: float, hide: bool = False) -> str:
    x, y, angle = where
    return node(
        f"pin {pin.flow.value} line",
        node("at", x, y, angle),
        node("length", reach),
        *(["hide"] if hide else []),
        node("name", quoted(pin.name), effects()),
        node("number", quoted(pin.number), effects(1.0)),
    )


def symbol(kind: Kind, prefix: str = LIBRARY + ":") -> str:
    """A kind's symbol, as a library or a sheet keeps it."""
    drawing = DRAWINGS[kind.symbol]
    pins = []
    stacked: set[Place] = set()
    for pin in kind.pins:
        where = drawing.ends[pin.number]
        pins.append(_pin(pin, where, drawing.reach, hide=where in stacked))
        stacked.add(where)
    return node(
        "symbol",
        quoted(prefix + kind.symbol),
        *([] if drawing.numbers else ["(pin_numbers hide)"]),
        node("pin_names", node("offset", 0.762), *([] if drawing.names else ["hide"])),
        "(in_bom yes)",
        "(on_board yes)",
        _property("Reference", "U", 0, drawing.reference, False),
        _property("Value", kind.symbol, 1, drawing.value, False),
        _property("Footprint", "", 2, (0, 0, ""), True),
        _property("Datasheet", "", 3, (0, 0, ""), True),
        node("symbol", quoted(f"{kind.symbol}_0_1"), *drawing.shapes),
        node("symbol", quoted(f"{kind.symbol}_1_1"), *pins),
    )


def power_symbol(name: str, prefix: str = LIBRARY + ":") -> str:
    """A rail's symbol; PWR_FLAG tells the check that something feeds the rail."""
    shapes, text_y = POWER_SHAPES[name]
    flow = parts.Flow.POWER_OUT if name == "PWR_FLAG" else parts.Flow.POWER_IN
    pin = _pin(Pin("1", name, flow), (0, 0, 90), 0, hide=name != "PWR_FLAG")
    return node(
        "symbol",
        quoted(prefix + name),
        "(power)",
        "(pin_numbers hide)",
        "(pin_names (offset 0) hide)",
        "(in_bom no)",
        "(on_board no)",
        _property("Reference", "#PWR", 0, (0, -5.08, ""), True),
        _property("Value", name, 1, (0, text_y, ""), False),
        _property("Footprint", "", 2, (0, 0, ""), True),
        _property("Datasheet", "", 3, (0, 0, ""), True),
        node("symbol", quoted(f"{name}_0_1"), *shapes),
        node("symbol", quoted(f"{name}_1_1"), pin),
    )


def all_symbols(kinds: Iterable[Kind], prefix: str) -> list[str]:
    """One symbol of each, in a fixed order."""
    by_name = {kind.symbol: kind for kind in kinds}
    drawn = [symbol(by_name[name], prefix) for name in sorted(by_name)]
    return drawn + [power_symbol(name, prefix) for name in sorted(POWER_SHAPES)]


def library(kinds: Iterable[Kind]) -> str:
    """The library file beside the sheet."""
    head = ("(version 20211014)", "(generator taptill)")
    return node("kicad_symbol_lib", *head, *all_symbols(kinds, "")) + "\n"
