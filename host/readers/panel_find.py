"""Our readers among the serial ports: by vendor, product, serial number and interface.

Never by the port's number: replugged while an old descriptor is open, ttyACM0 becomes ttyACM2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from serial.tools.list_ports import comports

from host.readers.base import ReaderGone

VENDOR, PRODUCT = 0x1209, 0x0001
NAME = "Taptill Reader"
_INTERFACE = re.compile(r":\d+\.(\d+)$")  # of a USB location: 1-1.4:1.2 is interface 2


class Port(Protocol):
    """What pyserial knows of a serial port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    product: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class PanelPort:
    """The panel interface of one reader."""

    device: str
    serial: str


def panel_ports(ports: Iterable[Port] | None = None) -> Iterator[PanelPort]:
    """Every reader of ours that is plugged in; of its interfaces the first is the panel."""
    readers: dict[str, list[tuple[int, str]]] = {}
    for port in comports() if ports is None else ports:
        # The number is shared by everyone who tries things out, so the name has to fit as well.
        named = port.product is None or port.product == NAME
        if (port.vid, port.pid) == (VENDOR, PRODUCT) and named and port.serial_number:
            interface = _INTERFACE.search(port.location or "")
            number = int(interface[1]) if interface else 0
            readers.setdefault(port.serial_number, []).append((number, port.device))
    for serial, interfaces in sorted(readers.items()):
        yield PanelPort(min(interfaces)[1], serial)


def find_panel(where: str, ports: Iterable[Port] | None = None) -> str:
    """The path of the panel: `where` is a path itself, a serial number, or empty for the first.

    Raises `ReaderGone` with words a person can act on.
    """
    if where.startswith("/"):
        return where
    found = list(panel_ports(ports))
    for port in found:
        if where in ("", port.serial):
            return port.device
    if not found:
        raise ReaderGone("no reader of ours is plugged in")
    names = ", ".join(port.serial for port in found)
    raise ReaderGone(f"the reader {where} is not plugged in; there are: {names}")
