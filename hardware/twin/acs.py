"""The lamps, buzzers and habits of bought ACS readers, as their escape commands see them. Pure.

ACR122U API 2.04 §6; ACR1252U, ACR1251U and ACR1255U-J1 reference manuals, "Peripherals Control".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from hardware.twin.bench import Lights


class Manners(ABC):
    """What one model does with an escape command."""

    def __init__(self, show: Callable[[Lights], None]) -> None:
        self._show = show

    @abstractmethod
    def escape(self, command: bytes) -> bytes | None:
        """The answer; None for a command it does not know."""

    def _lit(self, *, green: bool, red: bool, buzzer: bool) -> None:
        self._show(Lights((green, False, False, False), declined=red, buzzer=buzzer))


class Acr122u(Manners):
    """Pseudo-APDUs of class FF; its beep at a card can be set, but not asked for."""

    RED, GREEN, RED_TOO, GREEN_TOO = 1, 2, 4, 8

    def __init__(self, show: Callable[[Lights], None]) -> None:
        super().__init__(show)
        self._leds = 0
        self.beeps_at_cards = True

    def escape(self, command: bytes) -> bytes | None:
        if command[:3] == b"\xff\x00\x40" and len(command) == 9:
            return self._control(command[3], buzzer=bool(command[8]))
        if command[:3] == b"\xff\x00\x52" and len(command) == 5:
            self.beeps_at_cards = command[3] != 0
            return b"\x90\x00"
        return b"\x63\x00"

    def _control(self, control: int, *, buzzer: bool) -> bytes:
        """Bits 0 and 1 are the lamps' new state, bits 2 and 3 say which are set at all."""
        touched = control >> 2 & 3
        self._leds = self._leds & ~touched | control & touched
        for sounding in (buzzer, False):  # its answer comes when the sound is over
            self._lit(
                green=bool(self._leds & self.GREEN),
                red=bool(self._leds & self.RED),
                buzzer=sounding,
            )
        return bytes((0x90, self._leds))


class Acr1252u(Manners):
    """Commands E0 00 00 xx, answered by E1 00 00 00 01 and one byte."""

    RED, GREEN = 1, 2
    BEEPS_AT_CARDS = 0x08

    def __init__(self, show: Callable[[Lights], None]) -> None:
        super().__init__(show)
        self._kept = {0x21: 0x7F, 0x28: 0, 0x29: 0}

    def escape(self, command: bytes) -> bytes | None:
        if command[:3] != b"\xe0\x00\x00" or len(command) < 5 or command[3] not in self._kept:
            return None
        what = command[3]
        if command[4] == 1 and len(command) == 6:
            self._kept[what] = command[5]
            leds = self._kept[0x29]
            green, red = bool(leds & self.GREEN), bool(leds & self.RED)
            self._lit(green=green, red=red, buzzer=self._kept[0x28] > 0)
        return b"\xe1\x00\x00\x00\x01" + bytes((self._kept[what],))


class Acr1255u(Acr1252u):
    """Its first lamp is green in bit 0 and red in bit 1."""

    GREEN, RED = 1, 2

    def __init__(self, show: Callable[[Lights], None]) -> None:
        super().__init__(show)
        self._kept[0x21] = 0x8F


MODELS: Final[dict[str, type[Manners]]] = {
    "ACR122U": Acr122u,
    "ACR1252U": Acr1252u,
    "ACR1251U": Acr1252u,
    "ACR1255U": Acr1255u,
}
