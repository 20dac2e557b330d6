"""What may keep a reader from working on this machine, in words a person can act on."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from host.readers.rule_files import MODULES, UDEV

_SERIAL_PORTS = ("ttyUSB*", "ttyACM*")
# Kernel drivers that take an ACR122U or a PN533 before pcscd or nfcpy can.
_GRABBERS = ("pn533_usb", "pn533")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    part: str
    ok: bool
    words: str
    """What was found and, where it is not well, what to do."""
    mend: str = ""
    """The line that mends it, where there is one."""


def probe(root: Path = Path("/")) -> Iterator[Finding]:
    """Look at everything readers depend on; `root` is where `/sys`, `/dev` and `/proc` are."""
    checks: tuple[Callable[[Path], Iterator[Finding]], ...] = (
        _pcsc,
        _nfcpy,
        _kernel_drivers,
        _serial_ports,
        _modem_manager,
        _rules,
    )
    for check in checks:
        try:
            yield from check(root)
        except Exception as error:  # noqa: BLE001 - one broken check never hides the others
            yield Finding(check.__name__.strip("_"), False, f"could not be checked: {error}")


def _pcsc(_root: Path) -> Iterator[Finding]:
    try:
        importlib.import_module("smartcard.scard")
    except ImportError as error:
        yield Finding("pyscard", False, f"cannot be loaded ({error}): install libpcsclite1")
        return
    from host.readers.pcsc_api import Context, PcscError

    try:
        with contextlib.closing(Context()) as context:
            names = context.readers()
    except PcscError as error:
        yield Finding(
            "pcscd",
            False,
            f"{error}: install pcscd; where it is, `systemctl start pcscd` or `pcscd --foreground`",
        )
        return
    yield Finding("pcscd", True, f"answers; readers: {', '.join(names) or 'none'}")


def _nfcpy(_root: Path) -> Iterator[Finding]:
    try:
        importlib.import_module("nfc.clf")
    except (ImportError, OSError) as error:
        yield Finding("nfcpy", False, f"cannot be loaded ({error}): install libusb-1.0-0")
        return
    yield Finding("nfcpy", True, "loads")


def _kernel_drivers(root: Path) -> Iterator[Finding]:
    found = [name for name in _GRABBERS if (root / "sys/module" / name).exists()]
    if not found:
        yield Finding("kernel drivers", True, "none that takes readers for itself")
        return
    lines = " and ".join(f"“blacklist {name}”" for name in found)
    yield Finding(
        "kernel drivers",
        False,
        f"{found[0]} takes readers before pcscd can: write {lines} into "
        f"/etc/modprobe.d/taptill-pn533.conf, then run: modprobe -r {found[0]}",
        MODULES.line,
    )


def _serial_ports(root: Path) -> Iterator[Finding]:
    for pattern in _SERIAL_PORTS:
        for port in sorted((root / "dev").glob(pattern)):
            if os.access(port, os.R_OK | os.W_OK):
                yield Finding(f"/dev/{port.name}", True, "may be opened")
            else:
                words = f"may not be opened: add this user to the group of {port} (dialout)"
                yield Finding(f"/dev/{port.name}", False, words)


def _rules(root: Path) -> Iterator[Finding]:
    from host.readers.probe_rules import look

    for part, ok, words, mend in look(root):
        yield Finding(part, ok, words, mend)


def _modem_manager(root: Path) -> Iterator[Finding]:
    for process in (root / "proc").glob("[0-9]*/comm"):
        try:
            name = process.read_text().strip()
        except OSError:
            continue  # it ended while we looked
        if name == "ModemManager" and not UDEV.is_installed(root):
            yield Finding(
                "ModemManager",
                False,
                "probes serial readers for 10 s after they are plugged in: give the reader "
                'ENV{ID_MM_DEVICE_IGNORE}="1" in a udev rule, or remove ModemManager',
                UDEV.line,
            )
            return
