"""Opening a reader by what the configuration calls it, and finding those there are."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from host.readers.base import Reader, ReaderGone

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """How to open a reader, beyond which one."""

    gpio_lights: bool = False
    """A PN532's spare pins drive lamps and a buzzer (`host.readers.gpio`)."""
    run_dir: Path | None = None
    """Where the owner's lock is kept; None: where every program of this machine looks."""


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader that may be opened by `spec`."""

    spec: str
    driver: str
    detail: str = ""


def open_reader(spec: str, options: ReaderOptions | None = None) -> Reader:
    """Own the reader that `spec` names.

    `panel` the first reader of our own, `panel:TT-E66…` the one with that serial number,
    `panel:/dev/ttyACM0` the one on that path; `pcsc` the first PC/SC reader that is free,
    `pcsc:ACR1252` the first with that in its name;
    `nfc:/dev/ttyUSB0` a PN532 on that serial path, `nfc:usb` or `nfc:usb:072f:2200` nfcpy on USB.

    Raises `ReaderGone` with words a person can act on; `ValueError` when `spec` names no driver.
    """
    driver, _, where = spec.partition(":")
    opener = _OPENERS.get(driver)
    if opener is None:
        raise ValueError(f"“{spec}” names no reader driver; there are {', '.join(_OPENERS)}")
    try:
        return opener(where, options or ReaderOptions())
    except ImportError as error:
        raise ReaderGone(f"the {driver} driver cannot be loaded: {error}") from error


def list_readers() -> Iterator[FoundReader]:
    """Every reader that could be opened; a driver that fails is left out (`probe` says why)."""
    for driver, find in _FINDERS.items():
        try:
            yield from find()
        except Exception as error:  # noqa: BLE001 - one broken driver never hides the others
            _log.info("no %s readers listed: %s", driver, error)


def _open_panel(where: str, options: ReaderOptions) -> Reader:
    from host.readers.panel import open_panel

    return open_panel(where, run_dir=options.run_dir)


def _open_pcsc(where: str, options: ReaderOptions) -> Reader:
    from host.readers.pcsc import open_pcsc

    return open_pcsc(where, run_dir=options.run_dir)


def _open_nfc(where: str, options: ReaderOptions) -> Reader:
    from host.readers.nfc import open_nfc

    return open_nfc(where, gpio_lights=options.gpio_lights, run_dir=options.run_dir)


def _find_panel() -> Iterator[FoundReader]:
    from host.readers.panel_find import panel_ports

    for port in panel_ports():
        yield FoundReader(f"panel:{port.serial}", "panel", f"our reader at {port.device}")


def _find_pcsc() -> Iterator[FoundReader]:
    from host.readers.pcsc_api import Context

    with contextlib.closing(Context()) as context:
        names = context.readers()
    for name in names:
        yield FoundReader(f"pcsc:{name}", "pcsc")


def _find_serial() -> Iterator[FoundReader]:
    from serial.tools.list_ports import comports

    for port in comports():
        yield FoundReader(f"nfc:{port.device}", "nfc", f"serial port, maybe a PN532: {port}")


def _find_usb() -> Iterator[FoundReader]:
    from host.readers.nfc_open import usb_readers

    for vendor, product in usb_readers():
        yield FoundReader(f"nfc:usb:{vendor:04x}:{product:04x}", "nfc", "USB")


_OPENERS: dict[str, Callable[[str, ReaderOptions], Reader]] = {
    "panel": _open_panel,
    "pcsc": _open_pcsc,
    "nfc": _open_nfc,
}
_FINDERS: dict[str, Callable[[], Iterator[FoundReader]]] = {
    "panel": _find_panel,
    "pcsc": _find_pcsc,
    "serial": _find_serial,
    "usb": _find_usb,
}
