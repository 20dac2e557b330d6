"""The circuit: every part of the board, and which net each of its pins is on.

A net that the firmware drives has the name of its constant in `reader/pins.py`. A net whose name
starts with a slash is a short wire inside one group of the schematic, as KiCad names local labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hardware.board import parts
from hardware.board.parts import Kind

NAME = "Taptill reader"
REVISION = "A"
DATE = "2026-11-23"

GROUND = "GND"
LIGHTS = "+5V"  # after the fuse
LOGIC = "+3V3"
USB = "VBUS"
POWER = (GROUND, LIGHTS, LOGIC, USB)

# GP number -> net. `reader/pins.py` says the same; a test compares.
GPIO = {
    0: "CHIP_TX",
    1: "CHIP_RX",
    2: "CHIP_RESET",
    3: "CHIP_IRQ",
    6: "DISPLAY_SDA",
    7: "DISPLAY_SCL",
    10: "PIEZO",
    14: "CONFIRM",
    15: "CANCEL",
    16: "LIGHTS",
}

ROW = 4
RING = 12


@dataclass(frozen=True)
class Component:
    """One part on the board; `nets` by pin number, unconnected pins are missing."""

    reference: str
    kind: Kind
    nets: dict[str, str]


def _component(reference: str, kind: Kind, nets: str) -> Component:
    """`nets` in the order of the kind's pins."""
    numbers = [pin.number for pin in kind.pins]
    return Component(reference, kind, dict(zip(numbers, nets.split(), strict=True)))


def _pico() -> Component:
    by_name = {f"GP{number}": net for number, net in GPIO.items()}
    by_name |= {"RUN": "RUN", "GND": GROUND, "AGND": GROUND, "3V3": LOGIC, "VBUS": USB}
    nets = {pin.number: by_name[pin.name] for pin in parts.PICO.pins if pin.name in by_name}
    return Component("U1", parts.PICO, nets)


def _lights() -> Iterator[Component]:
    """One chain, first light to last; each with its capacitor. The last one's output ends there."""
    for index in range(ROW + RING):
        last = index == ROW + RING - 1
        nets = {"1": LIGHTS, "3": GROUND, "4": f"/L{index + 1}"}
        if not last:
            nets["2"] = f"/L{index + 2}"
        yield Component(f"D{index + 1}", parts.LIGHT, nets)
        yield _component(f"C{index + 1}", parts.C100N, f"{LIGHTS} {GROUND}")


def _power() -> Iterator[Component]:
    """For the lights and the piezo: fused and clamped."""
    yield _component("F1", parts.FUSE, "VBUS +5V")
    yield _component("D17", parts.CLAMP, "+5V GND")
    yield _component("C17", parts.C22U, "+5V GND")
    yield _component("C18", parts.C22U, "+5V GND")


def _data() -> Iterator[Component]:
    """The lights' data, lifted to 5 V."""
    yield _component("U2", parts.LEVEL_SHIFTER, "GND LIGHTS GND /DATA +5V")
    yield _component("C19", parts.C100N, "+5V GND")
    yield _component("R1", parts.R330, "/DATA /L1")
    yield from _lights()


def _plugs() -> Iterator[Component]:
    """NFC module and display."""
    # 1k in the reset line: on some modules RSTO, an output, sits where RSTPDN is looked for.
    yield _component("J1", parts.NFC_PLUG, "+3V3 GND /RXD /TXD /RSTPDN CHIP_IRQ")
    yield _component("R2", parts.R100, "CHIP_TX /RXD")
    yield _component("R3", parts.R100, "CHIP_RX /TXD")
    yield _component("R4", parts.R1K, "CHIP_RESET /RSTPDN")
    yield _component("C20", parts.C10U, "+3V3 GND")
    yield _component("C21", parts.C100N, "+3V3 GND")
    yield _component("J2", parts.DISPLAY, "GND +3V3 DISPLAY_SCL DISPLAY_SDA")
    yield _component("R5", parts.R4K7, "+3V3 DISPLAY_SCL")
    yield _component("R6", parts.R4K7, "+3V3 DISPLAY_SDA")
    yield _component("C22", parts.C100N, "+3V3 GND")


def _sounder_and_buttons() -> Iterator[Component]:
    # The piezo is a capacitor to the transistor, so R7 lets it go back between the pulses.
    yield _component("BZ1", parts.PIEZO, "+5V /DRAIN")
    yield _component("R7", parts.R1K, "+5V /DRAIN")
    yield _component("Q1", parts.MOSFET, "/GATE GND /DRAIN")
    yield _component("R8", parts.R100, "PIEZO /GATE")
    yield _component("R9", parts.R100K, "/GATE GND")
    # Buttons, through 1k against a charged finger.
    yield _component("SW1", parts.BUTTON, "/PRESS1 GND")
    yield _component("R10", parts.R1K, "CONFIRM /PRESS1")
    yield _component("C23", parts.C100N, "CONFIRM GND")
    yield _component("SW2", parts.BUTTON, "/PRESS2 GND")
    yield _component("R11", parts.R1K, "CANCEL /PRESS2")
    yield _component("C24", parts.C100N, "CANCEL GND")


def _all() -> Iterator[Component]:
    yield _pico()
    for group in (_power, _data, _plugs, _sounder_and_buttons):
        yield from group()
    for number, net in enumerate(TEST_POINTS, 1):
        yield _component(f"TP{number}", parts.TEST_POINT, net)
    for number in range(1, 5):
        yield Component(f"H{number}", parts.HOLE, {})


TEST_POINTS = ("VBUS", "+5V", "+3V3", "GND", "RUN", "CHIP_TX", "CHIP_RX", "CHIP_IRQ", "LIGHTS")

COMPONENTS: dict[str, Component] = {part.reference: part for part in _all()}


def nets() -> dict[str, list[tuple[str, str]]]:
    """Every net with its (reference, pin number), in a fixed order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in COMPONENTS.values():
        for number, net in part.nets.items():
            found.setdefault(net, []).append((part.reference, number))
    return {net: sorted(found[net]) for net in sorted(found)}
