"""The Pico's hal against stand-ins of its modules: names and arguments, not electricity."""

import sys

from reader import words as w


class _Anything:
    """Takes every call; remembers attributes that were set."""

    def __init__(self, *arguments, **named) -> None:
        self.arguments = arguments
        self.named = named
        self.set = {}
        self.calls = []

    def __setitem__(self, key, value) -> None:
        self.set[key] = value

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments, **named):
            self.calls.append((name, arguments, named))
            return 1 if name in ("value", "any", "readinto", "write", "reset_cause") else None

        return call


class _Pin(_Anything):
    IN, OUT, PULL_UP = 0, 1, 2


class _Machine(_Anything):
    Pin, I2C, PWM, UART, WDT = _Pin, _Anything, _Anything, _Anything, _Anything
    WDT_RESET = 3

    def __init__(self) -> None:
        super().__init__()
        self.mem32 = {0x4005800C: 0}
        self.cause = 1

    def reset_cause(self) -> int:
        return self.cause

    def unique_id(self) -> bytes:
        return b"\xe6\x60\x12\x34\x56\x78\x9a\xbc"


class _Module:
    """A bare module."""


STAND_INS = ("machine", "neopixel", "usb", "usb.device", "usb.device.cdc", "framebuf")
OURS = ("reader.display", "reader.hal_pico")


def _board():
    """A Pico on stand-ins, and those; the real modules are put back by `_tidy`."""
    machine, usb, device, cdc = _Machine(), _Module(), _Module(), _Module()
    usb.device, device.cdc, cdc.CDCInterface = device, cdc, _Anything
    usb_device = _Anything()
    device.get = lambda: usb_device
    pixels = _Module()
    pixels.NeoPixel = _Anything
    frame = _Module()
    frame.FrameBuffer, frame.MONO_VLSB = _Anything, 0
    stand_ins = (machine, pixels, usb, device, cdc, frame)
    for i in range(len(STAND_INS)):
        sys.modules[STAND_INS[i]] = stand_ins[i]
    return machine, usb_device


def _tidy() -> None:
    for name in STAND_INS + OURS:
        sys.modules.pop(name, None)


def _with_board(story) -> None:
    machine, usb_device = _board()
    try:
        __import__("reader.hal_pico")
        hal_pico = sys.modules["reader.hal_pico"]
        hal_pico.os = _Module()
        hal_pico.os.uname = lambda: _Named("Raspberry Pi Pico with RP2040")
        hal_pico.gc = _Anything()
        story(hal_pico, machine, usb_device)
    finally:
        _tidy()


class _Named:
    def __init__(self, machine: str) -> None:
        self.machine = machine


def test_the_board_says_who_it_is_on_usb():
    def story(hal_pico, machine, usb_device):
        pico = hal_pico.Pico()
        name, arguments, named = usb_device.calls[0]
        assert name == "init"
        assert len(arguments) == 2
        assert named["serial_str"] == pico.serial_number() == "TT-E660123456789ABC"
        assert not named["builtin_driver"]
        assert pico.boot_reason() == w.BOOT_POWER

    _with_board(story)


def test_every_part_of_the_board_takes_what_the_firmware_says():
    def story(hal_pico, machine, usb_device):
        pico = hal_pico.Pico()
        pico.lights(bytes(48))
        pico.tone(1900, 60)
        pico.tone(0, 60)
        pico.draw((("2 500", 24, 20, 2), ("tick", 0, 14), ("cross", 0, 14), ("sats", 0, 0, 1)))
        assert pico.buttons() == 0
        assert pico.chip.readinto(bytearray(8)) == 1
        assert pico.chip.write(b"x") == 1
        assert pico.panel.readinto(bytearray(8)) == 1
        assert pico.hsu.write(b"x") == 1
        pico.chip_reset(True)
        pico.feed()
        pico.feed()
        assert pico.can() == 15

    _with_board(story)


def test_three_watchdog_resets_in_a_row_start_the_safe_mode():
    def story(hal_pico, machine, usb_device):
        machine.cause = machine.WDT_RESET
        reasons = [hal_pico.Pico().boot_reason() for _ in range(4)]
        assert reasons == [w.BOOT_WATCHDOG, w.BOOT_WATCHDOG, w.BOOT_SAFE, w.BOOT_WATCHDOG]

    _with_board(story)


def test_the_host_may_ask_for_a_normal_and_for_a_safe_start():
    def story(hal_pico, machine, usb_device):
        hal_pico.Pico().reboot(w.REBOOT_SAFE)
        assert hal_pico.Pico().boot_reason() == w.BOOT_SAFE
        hal_pico.Pico().reboot(w.REBOOT_NORMAL)
        assert hal_pico.Pico().boot_reason() == w.BOOT_HOST
        assert hal_pico.Pico().boot_reason() == w.BOOT_POWER

    _with_board(story)
