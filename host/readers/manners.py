"""The manners of readers that can be bought: how each is recognised, lit, silenced, and its quirks.

A table of data. What is sent comes from the vendors' manuals and has been answered by twins only,
through the real pcscd and libccid; no line of it has met the reader itself yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Escapes:
    """A model's escape commands, as its manual writes them; `..` is the byte that is filled in.

    Every answer begins with `good`, and ends with the byte that was asked for or set.
    """

    good: str
    lamps_now: str
    lamps: str
    green: int
    red: int
    beep: str
    beep_end: str | None
    """None where a sound cannot be ended: it has a length of its own, and is short."""
    habits: str
    habits_now: str | None
    """None where the habits cannot be asked for: then they are `habits_default`."""
    beeps_at_cards: int
    """The bits of the habits that make it beep when a card comes or goes."""
    habits_default: int = 0
    lamps_always: int = 0
    """Bits of the lamps' byte that are no lamps, and always sent."""

    def is_good(self, answer: bytes) -> bool:
        """Whether an answer says yes."""
        return answer.startswith(bytes.fromhex(self.good))


def command(text: str, value: int = 0) -> bytes:
    """A command of the table with its open byte filled in."""
    return bytes.fromhex(text.replace("..", f"{value:02X}"))


@dataclass(frozen=True, slots=True)
class Model:
    """One model of reader."""

    name: str
    driver: str
    usb: tuple[tuple[int, int], ...] = ()
    """Vendor and product, of every variant."""
    pcsc: str = ""
    """What its PC/SC name contains."""
    escapes: Escapes | None = None
    """None: nothing of it is driven, and its lamps are its firmware's own."""
    quirks: tuple[str, ...] = ()
    source: str = ""


_ACR122: Final = Escapes(
    good="90",
    lamps_now="FF 00 40 00 04 00 00 00 00",
    lamps="FF 00 40 .. 04 00 00 00 00",
    green=0x02,
    red=0x01,
    lamps_always=0x0C,
    beep="FF 00 40 00 04 01 00 01 01",
    beep_end=None,
    habits="FF 00 52 .. 00",
    habits_now=None,
    habits_default=0xFF,
    beeps_at_cards=0xFF,
)
_ACR1252: Final = Escapes(
    good="E1 00 00 00 01",
    lamps_now="E0 00 00 29 00",
    lamps="E0 00 00 29 01 ..",
    green=0x02,
    red=0x01,
    beep="E0 00 00 28 01 40",  # 640 ms, should nobody end it
    beep_end="E0 00 00 28 01 00",
    habits="E0 00 00 21 01 ..",
    habits_now="E0 00 00 21 00",
    beeps_at_cards=0x08,
)
_ACR1255: Final = Escapes(
    good="E1 00 00 00 01",
    lamps_now="E0 00 00 29 00",
    lamps="E0 00 00 29 01 ..",
    green=0x01,
    red=0x02,
    beep="E0 00 00 28 01 40",
    beep_end="E0 00 00 28 01 00",
    habits="E0 00 00 21 01 ..",
    habits_now="E0 00 00 21 00",
    beeps_at_cards=0x08,
)
_HABITS_STAY = "its beep setting survives being unplugged: after a crash it stays silent"
_OWN_LAMPS = "its firmware lights its lamps too when a card comes or goes; the next look wins"
_GRABBED = "the kernel's pn533_usb takes it before pcscd or nfcpy: taptill-pn533.conf keeps it away"

MODELS: Final = (
    Model(
        "ACS ACR122U",
        "pcsc",
        usb=((0x072F, 0x2200),),
        pcsc="ACR122U",
        escapes=_ACR122,
        quirks=(
            _GRABBED,
            "a sound is answered only when it is over, so it gets short ones (100 ms) alone",
            "whether it beeps at cards cannot be asked: at the end it does, as from the factory",
            _OWN_LAMPS,
        ),
        source="ACS, ACR122U API 2.04, §6.2, §6.7",
    ),
    Model(
        "ACS ACR1252U",
        "pcsc",
        usb=((0x072F, 0x223B), (0x072F, 0x223E), (0x072F, 0x2259)),
        pcsc="ACR1252",
        escapes=_ACR1252,
        quirks=("it has a second slot, for a SAM, with a name alike", _HABITS_STAY, _OWN_LAMPS),
        source="ACS, ACM1252U-Y3 reference manual 1.03, §5.3 (same firmware family)",
    ),
    Model(
        "ACS ACR1251U",
        "pcsc",
        usb=((0x072F, 0x221A),),
        pcsc="ACR1251",
        escapes=_ACR1252,
        quirks=("it has a second slot, for a SAM, with a name alike", _HABITS_STAY, _OWN_LAMPS),
        source="taken to be as the ACR1252U; its own manual was not at hand",
    ),
    Model(
        "ACS ACR1255U-J1",
        "pcsc",
        usb=((0x072F, 0x223F),),
        pcsc="ACR1255U",
        escapes=_ACR1255,
        quirks=("its lamps obey over USB only, not over Bluetooth", _HABITS_STAY, _OWN_LAMPS),
        source="ACS, ACR1255U-J1 reference manual 1.01 §6.6 and 1.07 §6.8",
    ),
    Model(
        "HID OMNIKEY 5022",
        "pcsc",
        usb=((0x076B, 0x5022),),
        pcsc="OMNIKEY 5022",
        quirks=("it has no buzzer; its lamp is its own",),
    ),
    Model(
        "Identiv uTrust 3700 F",
        "pcsc",
        usb=((0x04E6, 0x5790),),
        pcsc="uTrust 3700",
        quirks=("its lamp is left to its firmware (escape B2 00, as it comes)",),
        source="Identiv, CLOUD 370x F reference manual 1.0, §6.3.3.6",
    ),
    Model(
        "Identiv SCL3711",
        "nfc",
        usb=((0x04E6, 0x5591),),
        quirks=(_GRABBED, "it is no CCID reader: open it as nfc:usb:04e6:5591", "it has no lamps"),
    ),
    Model(
        "PN532 on a UART",
        "nfc",
        quirks=(
            "it tells nobody what it is: name its path, for example nfc:/dev/ttyUSB0",
            "a crashed owner may leave it at another speed: opening it brings it back",
            "lamps and a buzzer may be wired to its spare pins: gpio_lights = true",
            "ModemManager talks to it for 10 s after it is plugged in, unless a udev rule says no",
        ),
        source="NXP, UM0701-02 §7.2.5, §7.2.8",
    ),
)


def of_pcsc(name: str) -> Model | None:
    """The model behind a PC/SC reader's name."""
    return next((one for one in MODELS if one.pcsc and one.pcsc.lower() in name.lower()), None)


def of_usb(vendor: int, product: int) -> Model | None:
    """The model behind a USB device."""
    return next((one for one in MODELS if (vendor, product) in one.usb), None)
