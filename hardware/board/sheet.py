"""A schematic sheet: symbols, wires, labels and frames, written as KiCad 6 keeps them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hardware.board.circuit import COMPONENTS, POWER, Component
from hardware.board.sexpr import effects, identity, node, quoted
from hardware.board.symbols import DRAWINGS, LIBRARY, POWER_SHAPES

Spot = tuple[float, float]
ROOT = identity("sheet")
_TURN = {0: (1, 0, 0, -1), 90: (0, -1, -1, 0), 180: (-1, 0, 0, 1), 270: (0, 1, 1, 0)}
_STEP = {0: (-1, 0), 90: (0, 1), 180: (1, 0), 270: (0, -1)}  # out of the pin, y downwards


def _turned(x: float, y: float, turn: int) -> Spot:
    """A symbol's point (y upwards) on the sheet (y downwards), `turn` degrees anticlockwise."""
    a, b, c, d = _TURN[turn]
    return a * x + b * y, c * x + d * y


def _snap(spot: Spot) -> Spot:
    return round(spot[0], 4), round(spot[1], 4)


@dataclass
class Sheet:
    """What is on the sheet so far."""

    items: list[str] = field(default_factory=list)
    placed: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    wires: list[tuple[Spot, Spot]] = field(default_factory=list)
    ends: list[Spot] = field(default_factory=list)  # pins, labels and rails: wires meet here
    instances: list[tuple[str, str, str, str]] = field(default_factory=list)
    rails: int = 0

    # -- parts ---------------------------------------------------------------------------------

    def place(self, reference: str, x: float, y: float, turn: int = 0) -> None:
        """Put a part's symbol."""
        part = COMPONENTS[reference]
        self.placed[reference] = (x, y, turn)
        unique = identity("symbol", reference)
        self.ends += {self.pin(reference, pin.number) for pin in part.kind.pins}
        self.items.append(
            node(
                "symbol",
                node("lib_id", quoted(f"{LIBRARY}:{part.kind.symbol}")),
                node("at", x, y, turn),
                "(unit 1)",
                "(in_bom yes)",
                "(on_board yes)",
                node("uuid", unique),
                *_fields(part, x, y, turn),
                *(_pin_identity(reference, pin.number) for pin in part.kind.pins),
            )
        )
        value = part.kind.value
        self.instances.append((f"/{unique}", reference, value, part.kind.footprint))

    def pin(self, reference: str, number: str) -> Spot:
        """Where a pin of a placed part ends."""
        x, y, turn = self.placed[reference]
        end = DRAWINGS[COMPONENTS[reference].kind.symbol].ends[number]
        dx, dy = _turned(end[0], end[1], turn)
        return _snap((x + dx, y + dy))

    def tag(self, reference: str, number: str, length: float = 2.54) -> None:
        """A short wire out of the pin to its net's label or rail; a cross where there is no net."""
        start = self.pin(reference, number)
        part = COMPONENTS[reference]
        net = part.nets.get(number)
        if net is None:
            self.items.append(
                node("no_connect", node("at", *start), node("uuid", identity("nc", *start)))
            )
            return
        turn = self.placed[reference][2]
        angle = (DRAWINGS[part.kind.symbol].ends[number][2] + turn) % 360
        dx, dy = _STEP[angle]
        end = _snap((start[0] + dx * length, start[1] + dy * length))
        if length:
            self.wire(start, end)
        self.name(net, end, (180 - angle) % 360 if dx else (270 if dy > 0 else 90))

    # -- wires and names -----------------------------------------------------------------------

    def wire(self, *spots: Spot) -> None:
        """A line of wires through the spots."""
        for start, end in itertools.pairwise(spots):
            self.wires.append((_snap(start), _snap(end)))

    def name(self, net: str, spot: Spot, angle: int = 0) -> None:
        """What the net at `spot` is called; the text runs away from it in `angle`'s direction."""
        if net in POWER:
            self.rail(net, spot)
            return
        local = net.startswith("/")
        kind, text = ("label", net[1:]) if local else ("global_label", net)
        justify = "right" if angle in (180, 270) else "left"
        more = [] if local else ["(shape bidirectional)"]
        unique = node("uuid", identity("label", net, *spot))
        look = effects(1.27, justify + (" bottom" if local else ""))
        place = node("at", *spot, angle)
        self.items.append(node(kind, quoted(text), *more, place, look, unique))
        self.ends.append(_snap(spot))

    def rail(self, name: str, spot: Spot) -> None:
        """A rail's symbol: ground hangs down, the others stand up."""
        self.rails += 1
        x, y = spot
        reference = f"#PWR{self.rails:03}"
        unique = identity("rail", name, *spot)
        text_y = y - POWER_SHAPES[name][1]
        self.items.append(
            node(
                "symbol",
                node("lib_id", quoted(f"{LIBRARY}:{name}")),
                node("at", x, y, 0),
                "(unit 1)",
                "(in_bom no)",
                "(on_board no)",
                node("uuid", unique),
                _field("Reference", reference, 0, (x, y), effects(hide=True)),
                _field("Value", name, 1, (x, text_y), effects()),
                _field("Footprint", "", 2, (x, y), effects(hide=True)),
                _field("Datasheet", "", 3, (x, y), effects(hide=True)),
                node("pin", quoted("1"), node("uuid", identity("rail pin", name, *spot))),
            )
        )
        self.instances.append((f"/{unique}", reference, name, ""))
        self.ends.append(_snap(spot))

    # -- words and frames ----------------------------------------------------------------------

    def text(self, words: str, x: float, y: float, size: float = 1.27, bold: bool = False) -> None:
        unique = node("uuid", identity("text", words, x, y))
        look = effects(size, "left bottom", bold=bold)
        self.items.append(node("text", quoted(words), node("at", x, y, 0), look, unique))

    def frame(self, title: str, x: float, y: float, x2: float, y2: float) -> None:
        """A group's frame with its title inside the upper left corner."""
        corners = [(x, y), (x2, y), (x2, y2), (x, y2), (x, y)]
        stroke = "(stroke (width 0.1) (type dash) (color 0 0 0 0))"
        for start, end in itertools.pairwise(corners):
            points = node("pts", node("xy", *start), node("xy", *end))
            unique = node("uuid", identity("frame", *start, *end))
            self.items.append(node("polyline", points, stroke, unique))
        self.text(title, x + 2.54, y + 5.08, 2.0, bold=True)

    # -- the whole -----------------------------------------------------------------------------

    def _split(self) -> list[tuple[Spot, Spot]]:
        """Wires cut wherever something ends on them; no wire twice."""
        joints = {*self.ends, *(spot for wire in self.wires for spot in wire)}
        cut: dict[tuple[Spot, Spot], None] = {}
        for start, end in self.wires:
            inside = sorted(spot for spot in joints if _between(start, spot, end))
            low, high = sorted((start, end))
            chain = [low, *(spot for spot in inside if spot not in (low, high)), high]
            cut |= dict.fromkeys(itertools.pairwise(chain))
        return list(cut)

    def write(self, title_block: str, lib_symbols: list[str]) -> str:
        """The file's text."""
        wires = self._split()
        meeting = [*self.ends, *(spot for wire in wires for spot in wire)]
        dots = sorted({spot for spot in meeting if meeting.count(spot) > 2})
        instances = [
            node(
                "path",
                quoted(path),
                node("reference", quoted(reference)),
                "(unit 1)",
                node("value", quoted(value)),
                node("footprint", quoted(footprint)),
            )
            for path, reference, value, footprint in sorted(self.instances)
        ]
        return (
            node(
                "kicad_sch",
                "(version 20211123)",
                "(generator eeschema)",
                node("uuid", ROOT),
                '(paper "A3")',
                title_block,
                node("lib_symbols", *lib_symbols),
                *(_junction(spot) for spot in dots),
                *(_wire(*wire) for wire in wires),
                *self.items,
                '(sheet_instances (path "/" (page "1")))',
                node("symbol_instances", *instances),
            )
            + "\n"
        )


def _between(start: Spot, spot: Spot, end: Spot) -> bool:
    (x, y), (x2, y2) = sorted((start, end))
    return (x == x2 == spot[0] and y <= spot[1] <= y2) or (
        y == y2 == spot[1] and x <= spot[0] <= x2
    )


def _junction(spot: Spot) -> str:
    unique = node("uuid", identity("junction", *spot))
    return node("junction", node("at", *spot), "(diameter 0)", "(color 0 0 0 0)", unique)


def _wire(start: Spot, end: Spot) -> str:
    points = node("pts", node("xy", *start), node("xy", *end))
    stroke = "(stroke (width 0) (type default) (color 0 0 0 0))"
    return node("wire", points, stroke, node("uuid", identity("wire", *start, *end)))


def _pin_identity(reference: str, number: str) -> str:
    return node("pin", quoted(number), node("uuid", identity("pin", reference, number)))


def _field(name: str, text: str, number: int, spot: Spot, look: str, angle: int = 0) -> str:
    place = node("at", *_snap(spot), angle)
    return node("property", quoted(name), quoted(text), node("id", number), place, look)


def _fields(part: Component, x: float, y: float, turn: int) -> list[str]:
    """Reference and value where they can be read, the rest hidden."""
    drawing = DRAWINGS[part.kind.symbol]
    shown = []
    texts = (("Reference", part.reference), ("Value", part.kind.value))
    for number, (name, text) in enumerate(texts):
        dx, dy, justify = drawing.reference if number == 0 else drawing.value
        if turn in (90, 270):  # a lying part: reference above, value below
            spot, justify = (x, y + (-2.54 if number == 0 else 2.54)), ""
        else:
            spot = (x + dx, y - dy)
        hidden = name == "Value" and part.kind.symbol in ("Hole", "TestPoint")
        look = effects(1.27, justify, hidden)
        shown.append(_field(name, text, number, spot, look, 90 if turn in (90, 270) else 0))
    rest = (
        ("Footprint", part.kind.footprint),
        ("Datasheet", ""),
        ("Manufacturer", part.kind.maker),
        ("MPN", part.kind.mpn),
    )
    hide = effects(hide=True)
    return shown + [_field(name, text, i, (x, y), hide) for i, (name, text) in enumerate(rest, 2)]
