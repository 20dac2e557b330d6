"""Lists made from the description: what to buy, where it goes, how to wire it by hand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hardware.board.circuit import COMPONENTS, GROUND, LOGIC, USB
from hardware.board.parts import EXTRAS, Kind, Mount
from hardware.board.placement import PLACES
from hardware.board.shape import SHAPE

BARE_BOARD_CENTS = 90  # one of ten, two layers, 84 x 122 mm


@dataclass(frozen=True)
class Row:
    """One line of the bill of materials."""

    references: tuple[str, ...]
    value: str
    maker: str
    mpn: str
    footprint: str
    mount: str
    cents: int
    note: str
    quantity: int

    @property
    def total(self) -> int:
        return self.cents * self.quantity


def _order(reference: str) -> tuple[str, int]:
    letters, digits = re.findall(r"^\D+|\d+", reference)[:2]
    return letters, int(digits)


def rows() -> list[Row]:
    """Everything to buy, one kind a line, parts before extras."""
    by_kind: dict[Kind, list[str]] = {}
    for part in COMPONENTS.values():
        if part.kind.mount is not Mount.COPPER:
            by_kind.setdefault(part.kind, []).append(part.reference)
    found = [
        Row(
            tuple(sorted(references, key=_order)),
            kind.value,
            kind.maker,
            kind.mpn,
            kind.footprint,
            kind.mount.value,
            kind.cents,
            kind.note,
            len(references),
        )
        for kind, references in by_kind.items()
    ]
    found.sort(key=lambda row: _order(row.references[0]))
    return found + [
        Row((e.reference,), e.value, e.maker, e.mpn, "", "extra", e.cents, e.note, e.quantity)
        for e in EXTRAS
    ]


def _table(head: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()


def _euros(cents: int) -> str:
    return f"{cents / 100:.2f}"


def bill() -> str:
    """The bill of materials as CSV; prices in euros are estimates."""
    head = ["Reference", "Quantity", "Value", "Manufacturer", "MPN", "Footprint", "Mount"]
    lines = [
        [
            *(" ".join(row.references), row.quantity, row.value, row.maker, row.mpn),
            *(row.footprint, row.mount, _euros(row.cents), _euros(row.total), row.note),
        ]
        for row in rows()
    ]
    return _table([*head, "EUR each (estimate)", "EUR", "Note"], lines)


def positions() -> str:
    """Where a machine puts the small parts: millimetres from the lower left corner, y upwards."""
    lines = []
    for reference in sorted(PLACES, key=_order):
        place, kind = PLACES[reference], COMPONENTS[reference].kind
        if kind.mount is not Mount.MACHINE:
            continue
        where = [f"{place.x:.3f}", f"{SHAPE.height - place.y:.3f}", f"{place.turn:g}"]
        side = "bottom" if place.below else "top"
        lines.append([reference, kind.value, kind.footprint.split(":")[1], *where, side])
    return _table(["Designator", "Val", "Package", "Mid X", "Mid Y", "Rotation", "Layer"], lines)


def _markdown(head: list[str], lines: Iterable[list[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines)) + "\n"


def costs() -> str:
    """The cost table of the README."""
    groups = {
        "board, bare, one of ten": BARE_BOARD_CENTS,
        "small parts (a machine places them)": _sum("smd"),
        "Pico, display, plug and buttons (soldered by hand)": _sum("hand"),
        "NFC module, cables, foam tape": _sum("extra"),
    }
    groups["**together, without postage and case**"] = sum(groups.values())
    lines = [[name, _euros(cents)] for name, cents in groups.items()]
    return _markdown(["what", "EUR (estimate)"], lines)


def _sum(mount: str) -> int:
    return sum(row.total for row in rows() if row.mount == mount)


@dataclass(frozen=True)
class Wire:
    """One wire of the hand-wired build."""

    part: str
    pin: str
    net: str
    note: str = ""


WIRES = (
    Wire("PN532 module, switches on HSU (both off)", "VCC", LOGIC),
    Wire("", "GND", GROUND),
    Wire("", "RXD (often printed SCL)", "CHIP_TX", "115 200 baud"),
    Wire("", "TXD (often printed SDA)", "CHIP_RX"),
    Wire("", "RSTPDN", "CHIP_RESET", "through 1 kΩ; not RSTO, which is an output"),
    Wire("", "IRQ", "CHIP_IRQ"),
    Wire("SSD1306 display, I²C 0x3C", "GND", GROUND, "mind the order on your module"),
    Wire("", "VCC", LOGIC),
    Wire("", "SCL", "DISPLAY_SCL"),
    Wire("", "SDA", "DISPLAY_SDA"),
    Wire("16 WS2812: row of 4, ring of 12", "5V", USB, "0.5 A fuse in this wire"),
    Wire("", "GND", GROUND),
    Wire("", "DIN", "LIGHTS", "through 330 Ω; 74AHCT125 between if the first light flickers"),
    Wire("piezo disc", "+", "PIEZO", "through 100 Ω"),
    Wire("", "−", GROUND),
    Wire("button, confirm", "one leg", "CONFIRM"),
    Wire("", "other leg", GROUND),
    Wire("button, cancel", "one leg", "CANCEL"),
    Wire("", "other leg", GROUND),
)


def pico_pins(net: str) -> Iterator[tuple[str, str]]:
    """The Pico's pins on a net: name and number."""
    pico = COMPONENTS["U1"]
    for pin in pico.kind.pins:
        if pico.nets.get(pin.number) == net:
            yield pin.name, pin.number


def wiring() -> str:
    """The wiring table of the assembly guide: a Pico, modules and a breadboard."""
    lines = []
    for wire in WIRES:
        pins = sorted(pico_pins(wire.net), key=lambda pin: int(pin[1]))
        name = pins[0][0]
        number = "any of " + ", ".join(p for n, p in pins if n == "GND") if name == "GND" else ""
        lines.append([wire.part, wire.pin, f"**{name}**", number or pins[0][1], wire.note])
    return _markdown(["part", "its pin", "Pico", "pin number", ""], lines)
