"""The hardware of a Raspberry Pi Pico (RP2040) or Pico 2 (RP2350). Thin; never run yet on a board.

It needs `usb-device-cdc` of micropython-lib beside it.
"""

import gc
import os

import machine
import neopixel
import usb.device
from usb.device.cdc import CDCInterface

from reader import pins
from reader import words as w
from reader.compat import Monotonic, sleep_ms
from reader.display import Display

SETTINGS = "/settings.txt"
WATCHDOG_MS = 8_000  # the chip's longest is 8388
# Words that outlive every reset but a power cut: WATCHDOG_SCRATCH0 (RP2040 and RP2350 data sheets).
_SCRATCH = {"RP2040": 0x4005800C, "RP2350": 0x400D800C}
_SAFE_NEXT = 0x5AFE0000  # high half: a mark of ours; low half: watchdog resets in a row
_RESETS_TO_SAFE = 3


class Port:
    """One CDC interface. It never waits: what its buffer does not take, the caller has to keep."""

    def __init__(self) -> None:
        self.cdc = CDCInterface(timeout=0, txbuf=1024, rxbuf=1024)

    def readinto(self, buf) -> int:
        return self.cdc.readinto(buf) or 0

    def write(self, data) -> int:
        return self.cdc.write(data) or 0


class Pico:
    """One board."""

    def __init__(self, keep_repl: bool = False) -> None:
        self._clock = Monotonic()
        self._boot = self._find_boot_reason()
        self.panel = Port()
        self.hsu = Port()
        self.chip = _Uart()
        self._reset = machine.Pin(pins.CHIP_RESET, machine.Pin.OUT, value=1)
        self._confirm = machine.Pin(pins.CONFIRM, machine.Pin.IN, machine.Pin.PULL_UP)
        self._cancel = machine.Pin(pins.CANCEL, machine.Pin.IN, machine.Pin.PULL_UP)
        self._pixels = neopixel.NeoPixel(machine.Pin(pins.LIGHTS), 16)
        self._piezo = machine.PWM(machine.Pin(pins.PIEZO))
        self._piezo.duty_u16(0)
        self._display = Display(_display_bus())
        self._watchdog = None
        self._start_usb(keep_repl)

    def _start_usb(self, keep_repl: bool) -> None:
        usb.device.get().init(
            self.panel.cdc,
            self.hsu.cdc,
            builtin_driver=keep_repl,
            manufacturer_str=pins.USB_MAKER,
            product_str=pins.USB_NAME,
            serial_str=self.serial_number(),
            id_vendor=pins.USB_VENDOR,
            id_product=pins.USB_PRODUCT,
            # Two functions in one device: hosts want the class that says so.
            device_class=0xEF,
            device_subclass=2,
            device_protocol=1,
        )

    # -- starting ------------------------------------------------------------------------------

    def _find_boot_reason(self) -> int:
        """Three watchdog resets in a row, or the host's wish, start the safe mode."""
        scratch = _scratch_address()
        mark = machine.mem32[scratch] & 0xFFFFFFFF
        ours = mark & 0xFFFF0000 == _SAFE_NEXT
        count = mark & 0xFFFF if ours else 0
        machine.mem32[scratch] = _SAFE_NEXT
        if count == 0xFFFF:
            return w.BOOT_SAFE
        if count == 0xFFFE:
            return w.BOOT_HOST
        if machine.reset_cause() != machine.WDT_RESET:
            return w.BOOT_POWER
        if count + 1 >= _RESETS_TO_SAFE:
            return w.BOOT_SAFE
        machine.mem32[scratch] = _SAFE_NEXT | (count + 1)
        return w.BOOT_WATCHDOG

    def boot_reason(self) -> int:
        return self._boot

    def reboot(self, kind: int) -> None:
        if kind == w.REBOOT_BOOTSEL:
            machine.bootloader()
        mark = 0xFFFF if kind == w.REBOOT_SAFE else 0xFFFE
        machine.mem32[_scratch_address()] = _SAFE_NEXT | mark
        machine.reset()

    def feed(self) -> None:
        """The first call starts the watchdog; it cannot be stopped again."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()
        if self._clock.now() > 60_000:  # a minute without a fault: forget earlier resets
            machine.mem32[_scratch_address()] = _SAFE_NEXT

    # -- time ----------------------------------------------------------------------------------

    def now(self) -> int:
        return self._clock.now()

    async def sleep(self, ms: int) -> None:
        await sleep_ms(ms)

    async def wait(self, ms: int) -> None:
        """The USB and UART buffers fill by interrupt; they are looked at every millisecond."""
        await sleep_ms(1)

    # -- parts ---------------------------------------------------------------------------------

    def chip_reset(self, held: bool) -> None:
        self._reset.value(0 if held else 1)

    def lights(self, pixels: bytes) -> None:
        for i in range(len(pixels) // 3):
            self._pixels[i] = (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])
        self._pixels.write()

    def tone(self, hertz: int, volume: int) -> None:
        """A piezo's loudness goes by the duty cycle, up to a half."""
        if hertz:
            self._piezo.freq(hertz)
        self._piezo.duty_u16(32_768 * volume * volume // 10_000 if hertz else 0)

    def draw(self, picture: tuple) -> None:
        self._display.draw(picture)

    def buttons(self) -> int:
        confirm = 0 if self._confirm.value() else w.CONFIRM
        return confirm | (0 if self._cancel.value() else w.CANCEL)

    def serial_number(self) -> str:
        """From the flash chip's own number: the same for ever."""
        return "TT-" + machine.unique_id().hex().upper()

    def board(self) -> str:
        return os.uname().machine

    def can(self) -> int:
        shows = w.CAN_DISPLAY if self._display.there else 0
        return w.CAN_LIGHTS | w.CAN_TONES | w.CAN_BUTTONS | shows

    def free_memory(self) -> int:
        gc.collect()
        return gc.mem_free()

    def load(self) -> str:
        try:
            with open(SETTINGS) as file:
                return file.read()
        except OSError:
            return ""

    def save(self, text: str) -> None:
        """A new file takes the old one's place: a power cut leaves one of them whole."""
        with open(SETTINGS + ".new", "w") as file:
            file.write(text)
        os.rename(SETTINGS + ".new", SETTINGS)


class _Uart:
    """The chip's serial line; bytes arrive by interrupt into the UART's buffer."""

    def __init__(self) -> None:
        self._uart = machine.UART(
            pins.CHIP_UART,
            baudrate=pins.CHIP_BAUD,
            tx=machine.Pin(pins.CHIP_TX),
            rx=machine.Pin(pins.CHIP_RX),
            txbuf=600,
            rxbuf=600,
            timeout=0,
        )

    def readinto(self, buf) -> int:
        return self._uart.readinto(buf) or 0 if self._uart.any() else 0

    def write(self, data) -> int:
        return self._uart.write(data) or 0


def _display_bus():
    return machine.I2C(
        pins.DISPLAY_I2C,
        sda=machine.Pin(pins.DISPLAY_SDA),
        scl=machine.Pin(pins.DISPLAY_SCL),
        freq=400_000,
    )


def _scratch_address() -> int:
    for chip, address in _SCRATCH.items():
        if chip in os.uname().machine:
            return address
    return _SCRATCH["RP2040"]
