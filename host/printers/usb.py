"""A printer on USB, by libusb: its end points are asked for, and every transfer has its time."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from host.printers.errors import PrinterMissing, PrinterTrouble
from host.printers.wire import CANNOT_TAKE, SEND_S, Wire

PRINTER_CLASS: Final = 7
_IN: Final = 0x80
_BULK: Final = 2


class UsbWire(Wire):
    """The first printer with this vendor and product; the kernel's own driver has it back after."""

    def __init__(self, place: str) -> None:
        try:
            import usb1
        except (ImportError, OSError) as error:  # the module, or the library beneath it
            raise PrinterMissing(f"libusb is not installed ({error})") from error
        self._usb1 = usb1
        vendor, product = (int(part, 16) for part in place.split(":"))
        self._context = usb1.USBContext()
        self._handle: Any = None
        try:
            self._open(vendor, product, place)
        except usb1.USBError as error:
            self.close()
            raise PrinterTrouble(f"{place} on USB cannot be opened ({error})") from error
        except PrinterTrouble:
            self.close()
            raise

    def _open(self, vendor: int, product: int, place: str) -> None:
        device = self._context.getByVendorIDAndProductID(vendor, product, skip_on_error=True)
        if device is None:
            raise PrinterTrouble(f"no printer {place} is on USB")
        interface, self._out, self._in = _end_points(device)
        self.two_way = self._in is not None
        self._handle = device.open()
        with contextlib.suppress(self._usb1.USBErrorNotSupported):
            self._handle.setAutoDetachKernelDriver(True)
        self._handle.claimInterface(interface)
        self._interface = interface

    def send(self, data: bytes) -> None:
        try:
            sent = self._handle.bulkWrite(self._out, data, int(SEND_S * 1000))
        except self._usb1.USBErrorTimeout as error:
            raise PrinterTrouble(CANNOT_TAKE) from error
        except self._usb1.USBError as error:
            raise PrinterTrouble(f"USB broke ({error})") from error
        if sent != len(data):
            raise PrinterTrouble(CANNOT_TAKE)

    def receive(self, timeout_s: float) -> bytes:
        try:
            return bytes(self._handle.bulkRead(self._in, 64, max(1, int(timeout_s * 1000))))
        except self._usb1.USBErrorTimeout:
            return b""
        except self._usb1.USBError as error:
            raise PrinterTrouble(f"USB broke ({error})") from error

    def close(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(self._usb1.USBError):
                self._handle.releaseInterface(self._interface)
            self._handle.close()
        self._context.close()


def _end_points(device: Any) -> tuple[int, int, int | None]:
    """The printer's interface, where bytes go in, and where answers come out, if any do."""
    for setting in device.iterSettings():
        if setting.getClass() != PRINTER_CLASS:
            continue
        bulk = [
            one.getAddress() for one in setting.iterEndpoints() if one.getAttributes() & 3 == _BULK
        ]
        to_it = [address for address in bulk if not address & _IN]
        from_it = [address for address in bulk if address & _IN]
        if to_it:
            return setting.getNumber(), to_it[0], from_it[0] if from_it else None
    raise PrinterTrouble("what is on USB there is no printer")
