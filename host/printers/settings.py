"""How a receipt printer is configured (`[[printers]]` in `taptill.toml`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from host.ledger.errors import LedgerError
from host.ledger.stores import check_name

DEVICES: Final = "usb:VENDOR:PRODUCT, tcp:HOST:PORT, serial:/dev/ttyUSB0 or file:PATH"
COLUMNS: Final = range(24, 65)
BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
DRAWER_PINS: Final = (0, 2, 5)

_USB: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class PrinterConfig:
    """One receipt printer and the terminals that it serves."""

    name: str
    """What people call it, on screens and in commands."""
    device: str
    """`usb:04b8:0e15`, `tcp:192.168.1.50:9100`, `serial:/dev/ttyUSB0` or `file:PATH`."""
    terminals: tuple[str, ...] = ("till-1",)
    columns: int = 42
    """Characters of a line: 32 on 58 mm paper, 42 or 48 on 80 mm."""
    cut: bool = True
    drawer_pin: int = 0
    """The pin of the cash drawer on this printer, 2 or 5; 0 is no drawer."""
    profile: str = "default"
    """The printer's make, as python-escpos calls it: `TM-T88V`, `TM-T20II`, `POS-5890`, …"""
    baud: int = 9600
    """For `serial:` alone."""

    @property
    def kind(self) -> str:
        """What it hangs on: `usb`, `tcp`, `serial` or `file`."""
        return self.device.partition(":")[0]

    @property
    def place(self) -> str:
        """Where it is, after its kind."""
        return self.device.partition(":")[2]


def host_and_port(place: str) -> tuple[str, int]:
    """`192.168.1.50:9100`, `printer.local:9100` or `[fe80::1]:9100`; raises `ValueError`."""
    host, _, port = place.rpartition(":")
    number = int(port)
    if not host.strip("[]") or not 0 < number <= 65535:
        raise ValueError(place)
    return host.strip("[]"), number


def problem(printers: Sequence[PrinterConfig]) -> str | None:
    """Words that name the field that cannot be right; None when all can."""
    for number, printer in enumerate(printers):
        earlier = printers[:number]
        wrong = _problem(printer) or _twice(printer, earlier)
        if wrong is not None:
            return f"printers[{number}].{wrong}"
    return None


def _problem(printer: PrinterConfig) -> str | None:
    try:
        check_name(printer.name)
    except LedgerError as error:
        return str(error)
    rules = (
        (_device_is_one(printer), f"device: write {DEVICES}"),
        (bool(printer.terminals), "terminals: name at least one"),
        (
            printer.columns in COLUMNS,
            f"columns: must be between {COLUMNS.start} and {COLUMNS.stop - 1}",
        ),
        (printer.drawer_pin in DRAWER_PINS, "drawer_pin: must be 2 or 5, or 0 for no drawer"),
        (printer.baud in BAUDS, f"baud: must be one of {', '.join(map(str, BAUDS))}"),
        (bool(printer.profile), "profile: must be a name, such as default"),
    )
    return next((words for good, words in rules if not good), None)


def _device_is_one(printer: PrinterConfig) -> bool:
    if printer.kind == "usb":
        return _USB.fullmatch(printer.place) is not None
    if printer.kind == "tcp":
        try:
            host_and_port(printer.place)
        except ValueError:
            return False
        return True
    return printer.kind in ("serial", "file") and bool(printer.place)


def _twice(printer: PrinterConfig, earlier: Sequence[PrinterConfig]) -> str | None:
    if any(one.name == printer.name for one in earlier):
        return f"name: {printer.name} is named twice"
    if any(one.device == printer.device for one in earlier):
        return f"device: {printer.device} is named twice"
    for terminal in printer.terminals:
        if printer.terminals.count(terminal) > 1:
            return f"terminals: {terminal} is named twice"
        if any(terminal in one.terminals for one in earlier):
            return f"terminals: {terminal} has a printer already"
    return None
