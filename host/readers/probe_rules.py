"""Whether this machine lets its readers work: rules that are missing, escapes that are refused."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from pathlib import Path

from host.readers.manners import Model, of_usb
from host.readers.rule_files import MODULES, POLKIT, UDEV, Rule

_CCID_OPTIONS = (
    "etc/libccid_Info.plist",
    "usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist",
    "usr/lib64/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist",
)
_ESCAPES_ALLOWED = 0x0001
_PCSC_ASKS_POLKIT = "usr/share/polkit-1/actions/org.debian.pcsc-lite.policy"
_SERIAL = ("ttyUSB*", "ttyACM*")

Told = tuple[str, bool, str, str]
"""Part, whether it is well, words, and the line that mends it."""


def look(root: Path) -> Iterator[Told]:
    """Everything that has to be allowed for readers; `root` is where `/sys` and `/etc` are."""
    models = list(plugged_in(root))
    yield _escapes(root, models)
    serial = any(any((root / "dev").glob(pattern)) for pattern in _SERIAL)
    on_usb = any(model.driver == "nfc" for model in models)
    yield _rule(root, UDEV, "udev rule", needed=serial or on_usb)
    yield _rule(root, POLKIT, "polkit rule", needed=(root / _PCSC_ASKS_POLKIT).exists())
    grabbed = any("pn533" in quirk for model in models for quirk in model.quirks)
    yield _rule(root, MODULES, "modules rule", needed=grabbed)


def plugged_in(root: Path) -> Iterator[Model]:
    """The readers on USB whose model is known."""
    for vendor in sorted((root / "sys/bus/usb/devices").glob("*/idVendor")):
        try:
            numbers = [int(vendor.with_name(name).read_text(), 16) for name in _USB_NUMBERS]
        except (OSError, ValueError):
            continue  # it was unplugged while we looked
        if model := of_usb(*numbers):
            yield model


_USB_NUMBERS = ("idVendor", "idProduct")


def _rule(root: Path, rule: Rule, part: str, *, needed: bool) -> Told:
    try:
        there = rule.is_installed(root)
    except PermissionError:
        return (part, True, f"may not look whether {rule.target} is there", "")
    if there:
        return (part, True, f"{rule.name} is installed", "")
    if not needed:
        return (part, True, f"{rule.name} is not installed, and not needed now", "")
    return (part, False, f"{rule.target} is missing ({rule.purpose})", rule.line)


def _escapes(root: Path, models: list[Model]) -> Told:
    """Without the driver's permission a bought reader's lamps and beeps stay its own."""
    driven = [model.name for model in models if model.escapes]
    part = "reader lamps"
    if not driven:
        return (part, True, "no reader that needs escape commands is plugged in", "")
    path = next((name for name in _CCID_OPTIONS if (root / name).exists()), None)
    if path is None:
        return (part, False, f"{driven[0]}: libccid is missing", "sudo apt-get install libccid")
    options = _driver_options(root / path)
    if options & _ESCAPES_ALLOWED:
        return (part, True, f"{', '.join(driven)}: escape commands are allowed in /{path}", "")
    old, new = f"0x{options:04X}", f"0x{options | _ESCAPES_ALLOWED:04X}"
    words = (
        f"{', '.join(driven)}: lamps and beeps cannot be driven; the line after ifdDriverOptions"
        f" in /{path} has to be <string>{new}</string>"
    )
    edit = f"sudo sed -i '/<key>ifdDriverOptions/{{n;s/{old}/{new}/I}}' /{path}"
    return (part, False, words, f"{edit} && sudo systemctl restart pcscd")


def _driver_options(path: Path) -> int:
    with path.open("rb") as file:
        return int(plistlib.load(file).get("ifdDriverOptions", "0"), 16)
