"""The reader's USB side: a device of the kernel's, with two serial functions (panel, then hsu).

Written through configfs (Documentation/usb/gadget_configfs.rst). Numbers and names are those that
the firmware gives to the real board.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reader import pins

PANEL: Final = "/dev/ttyGS0"
HSU: Final = "/dev/ttyGS1"
_GADGETS = Path("/sys/kernel/config/usb_gadget")
_ENGLISH = "0x409"
_COMPOSITE = {"bDeviceClass": "0xEF", "bDeviceSubClass": "2", "bDeviceProtocol": "1"}
"""Two functions in one device, as `hal_pico` says."""


class Gadget:
    """One USB device, not plugged in yet."""

    def __init__(self, serial: str) -> None:
        self._at = _GADGETS / "reader"
        words = {"serialnumber": serial, "manufacturer": pins.USB_MAKER, "product": pins.USB_NAME}
        strings = self._at / "strings" / _ENGLISH
        configuration = self._at / "configs" / "c.1"
        for folder in (self._at, strings, configuration):
            folder.mkdir()
        for name, value in {
            "idVendor": f"{pins.USB_VENDOR:#06x}",
            "idProduct": f"{pins.USB_PRODUCT:#06x}",
            **_COMPOSITE,
        }.items():
            (self._at / name).write_text(value)
        for name, value in words.items():
            (strings / name).write_text(value)
        for name in ("acm.panel", "acm.hsu"):
            (self._at / "functions" / name).mkdir()
            (configuration / name).symlink_to(self._at / "functions" / name)

    def plug(self) -> None:
        """The cable goes in: the host's side enumerates it."""
        (controller,) = Path("/sys/class/udc").iterdir()
        (self._at / "UDC").write_text(controller.name)

    def unplug(self) -> None:
        """The cable comes out."""
        (self._at / "UDC").write_text("\n")
