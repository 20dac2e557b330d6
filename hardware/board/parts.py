"""What the board is made of: each kind of part with its maker's number, pins, footprint and price.

Prices are rough, in euro cents for one piece at ten boards, without postage (November 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Flow(Enum):
    """What a pin does, in KiCad's words; the electrical rules check goes by it."""

    PASSIVE = "passive"
    INPUT = "input"
    OUTPUT = "output"
    BOTH = "bidirectional"
    POWER_IN = "power_in"
    POWER_OUT = "power_out"


class Mount(Enum):
    """Who puts it on the board."""

    MACHINE = "smd"
    HAND = "hand"
    COPPER = "copper"  # nothing to buy: a shape of the board itself


@dataclass(frozen=True)
class Pin:
    """One pin: the number on the footprint and the name on the symbol."""

    number: str
    name: str
    flow: Flow = Flow.PASSIVE


@dataclass(frozen=True)
class Kind:
    """A part that can be bought. `supply` names the pin that wants a capacitor close by."""

    symbol: str
    value: str
    maker: str
    mpn: str
    footprint: str  # library:name, as KiCad has it; library "taptill" is our own
    pins: tuple[Pin, ...]
    cents: int
    mount: Mount = Mount.MACHINE
    supply: str | None = None
    note: str = ""


_TWO = (Pin("1", "1"), Pin("2", "2"))


def _resistor(value: str, code: str) -> Kind:
    footprint = "Resistor_SMD:R_0603_1608Metric"
    return Kind("R", value, "Yageo", f"RC0603FR-07{code}L", footprint, _TWO, 1)


def _capacitor(value: str, mpn: str, size: str, cents: int, note: str = "") -> Kind:
    footprint = f"Capacitor_SMD:C_{size}Metric"
    return Kind("C", value, "Samsung", mpn, footprint, _TWO, cents, note=note)


R100 = _resistor("100", "100R")
R330 = _resistor("330", "330R")
R1K = _resistor("1k", "1K")
R4K7 = _resistor("4k7", "4K7")
R100K = _resistor("100k", "100K")
C100N = _capacitor("100n", "CL10B104KB8NNNC", "0603_1608", 1, "50 V X7R")
C10U = _capacitor("10u", "CL10A106KP8NNNC", "0603_1608", 3, "10 V X5R")
C22U = _capacitor("22u", "CL31A226KPHNNNE", "1206_3216", 9, "10 V X5R")


def _gp(number: int, pin: int) -> Pin:
    return Pin(str(pin), f"GP{number}", Flow.BOTH)


_GROUND_PINS = (3, 8, 13, 18, 23, 28, 38)

PICO = Kind(
    symbol="Pico",
    value="Raspberry Pi Pico",
    maker="Raspberry Pi",
    mpn="SC0915",
    footprint="taptill:RaspberryPi_Pico_Castellated",
    pins=(
        *(_gp(n, p) for n, p in zip(range(10), (1, 2, 4, 5, 6, 7, 9, 10, 11, 12), strict=True)),
        *(_gp(n, p) for n, p in zip(range(10, 16), (14, 15, 16, 17, 19, 20), strict=True)),
        *(_gp(n, p) for n, p in zip(range(16, 23), (21, 22, 24, 25, 26, 27, 29), strict=True)),
        *(_gp(n, p) for n, p in zip(range(26, 29), (31, 32, 34), strict=True)),
        Pin("30", "RUN", Flow.INPUT),
        Pin("33", "AGND", Flow.POWER_IN),
        Pin("35", "ADC_VREF"),
        Pin("36", "3V3", Flow.POWER_OUT),
        Pin("37", "3V3_EN"),
        Pin("39", "VSYS"),
        Pin("40", "VBUS", Flow.POWER_OUT),
        *(Pin(str(number), "GND", Flow.POWER_IN) for number in _GROUND_PINS),
    ),
    cents=390,
    mount=Mount.HAND,
    note="or Pico 2, SC1631: the same edge, the same firmware",
)

LIGHT = Kind(
    symbol="WS2812B",
    value="WS2812B",
    maker="Worldsemi",
    mpn="WS2812B-V5",
    footprint="LED_SMD:LED_WS2812B_PLCC4_5.0x5.0mm_P3.2mm",
    pins=(
        Pin("1", "VDD", Flow.POWER_IN),
        Pin("2", "DOUT", Flow.OUTPUT),
        Pin("3", "VSS", Flow.POWER_IN),
        Pin("4", "DIN", Flow.INPUT),
    ),
    cents=9,
    supply="VDD",
)

LEVEL_SHIFTER = Kind(
    symbol="Buffer",
    value="74AHCT1G125",
    maker="Texas Instruments",
    mpn="SN74AHCT1G125DBVR",
    footprint="Package_TO_SOT_SMD:SOT-23-5",
    pins=(
        Pin("1", "~{OE}", Flow.INPUT),
        Pin("2", "A", Flow.INPUT),
        Pin("3", "GND", Flow.POWER_IN),
        Pin("4", "Y", Flow.OUTPUT),
        Pin("5", "VCC", Flow.POWER_IN),
    ),
    cents=21,
    supply="VCC",
    note="HCT: takes 3.3 V for high where a WS2812B at 5 V wants 3.5 V",
)

NFC_PLUG = Kind(
    symbol="Plug6",
    value="NFC module",
    maker="JST",
    mpn="S6B-PH-K-S(LF)(SN)",
    footprint="Connector_JST:JST_PH_S6B-PH-K_1x06_P2.00mm_Horizontal",
    pins=(
        Pin("1", "3V3"),
        Pin("2", "GND"),
        Pin("3", "RXD"),
        Pin("4", "TXD"),
        Pin("5", "RSTPDN"),
        Pin("6", "IRQ"),
    ),
    cents=32,
    mount=Mount.HAND,
    supply="3V3",
)

DISPLAY = Kind(
    symbol="Plug4",
    value="SSD1306 128x64",
    maker="Goldenmorning",
    mpn="GM009605v4",
    footprint="taptill:OLED_0.96_I2C_Module",
    pins=(Pin("1", "GND"), Pin("2", "VCC"), Pin("3", "SCL"), Pin("4", "SDA")),
    cents=310,
    mount=Mount.HAND,
    supply="VCC",
    note="any 0.96 in I2C module whose pins read GND VCC SCL SDA; some have the first two swapped",
)

PIEZO = Kind(
    symbol="Piezo",
    value="4 kHz",
    maker="Murata",
    mpn="PKMCS0909E4000-R1",
    footprint="Buzzer_Beeper:Buzzer_Murata_PKMCS0909E",
    pins=_TWO,
    cents=72,
)

MOSFET = Kind(
    symbol="NMOS",
    value="2N7002",
    maker="Nexperia",
    mpn="2N7002,215",
    footprint="Package_TO_SOT_SMD:SOT-23",
    pins=(Pin("1", "G", Flow.INPUT), Pin("2", "S"), Pin("3", "D")),
    cents=5,
)

FUSE = Kind(
    symbol="Polyfuse",
    value="0.5 A",
    maker="Littelfuse",
    mpn="1206L050YR",
    footprint="Fuse:Fuse_1206_3216Metric",
    pins=_TWO,
    cents=24,
    note="resettable; holds 0.5 A, trips at 1 A",
)

CLAMP = Kind(
    symbol="TVS",
    value="SMF5.0A",
    maker="Littelfuse",
    mpn="SMF5.0A",
    footprint="Diode_SMD:D_SMF",
    pins=(Pin("1", "K"), Pin("2", "A")),
    cents=16,
)

BUTTON = Kind(
    symbol="Button",
    value="6 x 6 x 4.3",
    maker="Omron",
    mpn="B3F-1000",
    footprint="Button_Switch_THT:SW_PUSH_6mm_H4.3mm",
    pins=_TWO,
    cents=26,
    mount=Mount.HAND,
)

TEST_POINT = Kind(
    symbol="TestPoint",
    value="TP",
    maker="",
    mpn="",
    footprint="TestPoint:TestPoint_Pad_D1.5mm",
    pins=(Pin("1", "1"),),
    cents=0,
    mount=Mount.COPPER,
)

HOLE = Kind(
    symbol="Hole",
    value="M3",
    maker="",
    mpn="",
    footprint="MountingHole:MountingHole_3.2mm_M3",
    pins=(),
    cents=0,
    mount=Mount.COPPER,
)


@dataclass(frozen=True)
class Extra:
    """Something that belongs to the reader but stands on no footprint."""

    reference: str
    quantity: int
    value: str
    maker: str
    mpn: str
    cents: int
    note: str = ""


EXTRAS = (
    Extra(
        "M1",
        1,
        "PN532 NFC module",
        "Elechouse",
        "PN532 NFC RFID module V3",
        680,
        "or one like it, 43 x 41 mm, switches on HSU; it lies over the antenna mark",
    ),
    Extra("W1", 1, "cable 6 x PH, bare ends, 10 cm", "JST", "PHR-6 with SPH-002T-P0.5S", 90),
    Extra("T1", 1, "foam tape 3.2 mm, 4 x 1 cm", "3M", "4008", 40, "under the module; no metal"),
    Extra("W2", 1, "USB cable A to micro-B, with data wires", "Adafruit", "592", 280),
)
