"""The schematic: one A3 sheet, a frame for each group, the signal running from left to right."""

from __future__ import annotations

from hardware.board import circuit
from hardware.board.circuit import COMPONENTS, RING, ROW
from hardware.board.sexpr import node, quoted
from hardware.board.sheet import Sheet
from hardware.board.symbols import all_symbols, library

KINDS = tuple({part.kind: None for part in COMPONENTS.values()})


def draw() -> str:
    """The .kicad_sch file."""
    sheet = Sheet()
    for group in (_controller, _power, _nfc, _display, _buttons, _lights, _sounder, _rest):
        group(sheet)
    block = node(
        "title_block",
        node("title", quoted(circuit.NAME)),
        node("date", quoted(circuit.DATE)),
        node("rev", quoted(circuit.REVISION)),
        node("company", quoted("Taptill, an open Boltcard point of sale")),
        node("comment", 1, quoted("Made by hardware/board/make.py: change that, not this")),
        node("comment", 2, quoted("MIT licence")),
    )
    return sheet.write(block, all_symbols(KINDS, "taptill:"))


def symbol_library() -> str:
    """The .kicad_sym file beside it."""
    return library(KINDS)


def _tags(sheet: Sheet, reference: str, numbers: str, length: float = 2.54) -> None:
    for number in numbers.split():
        sheet.tag(reference, number, length)


def _controller(sheet: Sheet) -> None:
    sheet.frame("Controller", 15.24, 15.24, 134.62, 109.22)
    sheet.text("GP numbers as in reader/pins.py", 17.78, 24.13)
    sheet.text("Pico or Pico 2, soldered flat by its edge to the lower side", 17.78, 105.41)
    sheet.place("U1", 76.2, 62.23)
    stacked = {pin.number for pin in COMPONENTS["U1"].kind.pins if pin.name == "GND"} - {"3"}
    for pin in COMPONENTS["U1"].kind.pins:
        if pin.number not in stacked:
            sheet.tag("U1", pin.number)


def _power(sheet: Sheet) -> None:
    sheet.frame("Power for lights and sounder", 139.7, 15.24, 271.78, 66.04)
    sheet.text(
        "The fuse holds 0.5 A. The brightest look of the firmware takes 0.35 A;", 142.24, 57.15
    )
    sheet.text(
        "a host that paints everything white at once trips it, and it heals itself.", 142.24, 60.96
    )
    y = 35.56
    sheet.name("VBUS", (152.4, y))
    sheet.place("F1", 165.1, y, 90)
    sheet.wire((152.4, y), sheet.pin("F1", "1"))
    sheet.wire(sheet.pin("F1", "2"), (228.6, y))
    for reference, x in (("D17", 180.34), ("C17", 195.58), ("C18", 210.82)):
        sheet.place(reference, x, y + 3.81)
        sheet.wire(sheet.pin(reference, "2"), (x, y + 10.16))
    sheet.wire((180.34, y + 10.16), (243.84, y + 10.16))
    sheet.rail("GND", (195.58, y + 10.16))
    sheet.rail("+5V", (220.98, y))
    sheet.rail("PWR_FLAG", (228.6, y))
    sheet.rail("PWR_FLAG", (243.84, y + 10.16))


def _nfc(sheet: Sheet) -> None:
    sheet.frame("NFC module: PN532 on HSU, 115 200 baud", 276.86, 15.24, 406.4, 66.04)
    sheet.text("Six wires to the module over the antenna mark.", 279.4, 60.96)
    for reference, y in (("R2", 33.02), ("R3", 43.18), ("R4", 53.34)):
        sheet.place(reference, 309.88, y, 90)
        _tags(sheet, reference, "1 2")
    for reference, x in (("C20", 335.28), ("C21", 347.98)):
        sheet.place(reference, x, 43.18)
        _tags(sheet, reference, "1 2", 1.27)
    sheet.place("J1", 386.08, 41.91)
    _tags(sheet, "J1", "3 4 5 6")
    x, y = sheet.pin("J1", "1")
    sheet.wire((x, y), (x - 5.08, y), (x - 5.08, y - 2.54))
    sheet.rail("+3V3", (x - 5.08, y - 2.54))
    sheet.wire((x, y + 2.54), (x - 16.51, y + 2.54))
    sheet.rail("GND", (x - 16.51, y + 2.54))


def _display(sheet: Sheet) -> None:
    sheet.frame("Display: SSD1306 at 0x3C", 139.7, 71.12, 271.78, 109.22)
    for reference, x in (("R5", 156.21), ("R6", 186.69)):
        sheet.place(reference, x, 88.9)
        sheet.tag(reference, "1", 1.27)
        sheet.wire(sheet.pin(reference, "2"), (x, 96.52), (x + 5.08, 96.52))
        sheet.name(COMPONENTS[reference].nets["2"], (x + 5.08, 96.52))
    sheet.place("C22", 212.09, 88.9)
    _tags(sheet, "C22", "1 2", 1.27)
    sheet.place("J2", 256.54, 90.17)
    _tags(sheet, "J2", "3 4")
    x, y = sheet.pin("J2", "1")
    sheet.wire((x, y), (x - 24.13, y), (x - 24.13, y + 2.54))
    sheet.rail("GND", (x - 24.13, y + 2.54))
    sheet.wire((x, y + 2.54), (x - 5.08, y + 2.54), (x - 5.08, y - 2.54))
    sheet.rail("+3V3", (x - 5.08, y - 2.54))


def _buttons(sheet: Sheet) -> None:
    sheet.frame("Buttons", 276.86, 71.12, 406.4, 109.22)
    sheet.text(
        "Pull-ups inside the Pico. 1k and 100n take a charged finger's spark.", 279.4, 105.41
    )
    y = 86.36
    for x, button, resistor, capacitor in (
        (297.18, "SW1", "R10", "C23"),
        (359.41, "SW2", "R11", "C24"),
    ):
        sheet.name(COMPONENTS[resistor].nets["1"], (x, y), 180)
        sheet.place(capacitor, x + 2.54, y + 3.81)
        sheet.tag(capacitor, "2", 1.27)
        sheet.place(resistor, x + 11.43, y, 90)
        sheet.wire((x, y), sheet.pin(resistor, "1"))
        sheet.place(button, x + 30.48, y)
        sheet.wire(sheet.pin(resistor, "2"), sheet.pin(button, "1"))
        sheet.name(COMPONENTS[button].nets["1"], (x + 16.51, y))
        sheet.wire(sheet.pin(button, "2"), (x + 38.1, y), (x + 38.1, y + 2.54))
        sheet.rail("GND", (x + 38.1, y + 2.54))


def _chain(sheet: Sheet, first: int, count: int, x: float, y: float) -> None:
    """Lights side by side between their rails, each one's output wired to the next one's input."""
    pitch = 30.48
    for i in range(count):
        reference = f"D{first + i}"
        sheet.place(reference, x + pitch * i, y)
        sheet.wire(sheet.pin(reference, "1"), (x + pitch * i, y - 10.16))
        sheet.wire(sheet.pin(reference, "3"), (x + pitch * i, y + 10.16))
        if i + 1 < count:
            right = sheet.pin(reference, "2")
            sheet.wire(right, (right[0] + 15.24, y))
            sheet.name(COMPONENTS[reference].nets["2"], (right[0] + 5.08, y))
    end = x + pitch * (count - 1)
    sheet.wire((x - 7.62, y - 10.16), (end, y - 10.16))
    sheet.rail("+5V", (x - 7.62, y - 10.16))
    sheet.wire((x, y + 10.16), (end + 7.62, y + 10.16))
    sheet.rail("GND", (end + 7.62, y + 10.16))


def _lights(sheet: Sheet) -> None:
    sheet.frame("Lights: a row of four (EMV), then a ring of twelve", 15.24, 114.3, 406.4, 238.76)
    y = 144.78
    sheet.place("C19", 24.13, y)
    _tags(sheet, "C19", "1 2", 1.27)
    sheet.place("U2", 55.88, y)
    _tags(sheet, "U2", "1 2 3 5")
    sheet.place("R1", 77.47, y, 90)
    sheet.wire(sheet.pin("U2", "4"), sheet.pin("R1", "1"))
    sheet.name("/DATA", (67.31, y))
    _chain(sheet, 1, ROW, 104.14, y)
    sheet.wire(sheet.pin("R1", "2"), sheet.pin("D1", "4"))
    sheet.name("/L1", (87.63, y))
    sheet.tag(f"D{ROW}", "2", 7.62)
    sheet.text("The buffer lifts 3.3 V to what a WS2812B at 5 V takes for high.", 220.98, y - 5.08)
    sheet.text("First light of the ring at twelve o'clock, then clockwise.", 220.98, y - 1.27)
    y = 185.42
    _chain(sheet, ROW + 1, RING, 43.18, y)
    sheet.tag(f"D{ROW + 1}", "4")
    sheet.tag(f"D{ROW + RING}", "2")
    sheet.text("One beside each light:", 17.78, 213.36)
    y, x = 222.25, 53.34
    last = x + 20.32 * (ROW + RING - 1)
    for i in range(ROW + RING):
        sheet.place(f"C{i + 1}", x + 20.32 * i, y)
    sheet.wire((x - 7.62, y - 3.81), (last, y - 3.81))
    sheet.rail("+5V", (x - 7.62, y - 3.81))
    sheet.wire((x, y + 3.81), (last + 7.62, y + 3.81))
    sheet.rail("GND", (last + 7.62, y + 3.81))


def _sounder(sheet: Sheet) -> None:
    sheet.frame("Sounder", 15.24, 243.84, 134.62, 284.48)
    x, top = 83.82, 252.73
    sheet.place("BZ1", x, top + 3.81)
    sheet.place("R7", x + 20.32, top + 3.81)
    sheet.wire((x, top), (x + 33.02, top))
    sheet.rail("+5V", (x + 33.02, top))
    low = top + 7.62
    sheet.wire((x, low), (x + 20.32, low))
    sheet.name("/DRAIN", (x + 11.43, low))
    sheet.place("Q1", x - 2.54, low + 7.62)
    sheet.wire((x, low), sheet.pin("Q1", "3"))
    sheet.tag("Q1", "2", 1.27)
    y = low + 7.62
    sheet.place("R8", 50.8, y, 90)
    sheet.tag("R8", "1")
    sheet.wire(sheet.pin("R8", "2"), sheet.pin("Q1", "1"))
    sheet.place("R9", 66.04, y + 3.81)
    sheet.tag("R9", "2", 1.27)
    sheet.name("/GATE", (68.58, y))


def _rest(sheet: Sheet) -> None:
    sheet.frame("Test points and screws", 139.7, 243.84, 271.78, 284.48)
    for i, net in enumerate(circuit.TEST_POINTS):
        reference = f"TP{i + 1}"
        rail = net in circuit.POWER
        x, y = (154.94, 256.54 + 7.62 * i) if rail else (195.58, 254.0 + 6.35 * (i - 4))
        sheet.place(reference, x, y)
        sheet.tag(reference, "1", 5.08 if rail else 2.54)
    for i in range(4):
        sheet.place(f"H{i + 1}", 248.92, 256.54 + 6.35 * i)
