"""One reader on a bench, and the hand that lays cards on it, presses, and looks at its lights.

What a page, a test or a control channel sees of a twin; the attachments (`vpcd`, `pn532`) are the
other side of it. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from hardware.twin.card import Tear, TwinCard
from hardware.twin.state import CardState
from hardware.twin.store import Drawer, DrawerError
from host.ntag424.values import Uid


@dataclass(frozen=True, slots=True)
class Lights:
    """What the reader shows: four lights in a row, two lamps, and whether it buzzes."""

    row: tuple[bool, bool, bool, bool] = (False, False, False, False)
    approved: bool = False
    declined: bool = False
    buzzer: bool = False


Picture = tuple[tuple[str | int, ...], ...]
"""What stands on a display of 128 x 64 points: (text, x, y, scale), and signs as (name, x, y)."""


@dataclass(frozen=True, slots=True)
class BenchCard:
    """A card in the drawer or on the reader."""

    name: str
    uid: Uid
    laid: bool
    label: str = ""
    """What is written on it."""


@dataclass(frozen=True, slots=True)
class _Laid:
    name: str
    card: TwinCard
    back: ExitStack


class Bench:
    """A drawer of cards and one reader. Lays nothing by itself; `close` puts all cards back."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self._laid: tuple[_Laid, ...] = ()
        self._lights = Lights()
        self._picture: Picture | None = None
        self._held: frozenset[str] = frozenset()
        self._labels: dict[str, str] = {}
        self._watchers: tuple[Callable[[], None], ...] = ()
        self._changed = threading.Condition()

    def cards(self) -> list[BenchCard]:
        """All cards, in order of their names. Raises `DrawerError` for a damaged state file."""
        lying = {laid.name for laid in self._laid}
        return [
            BenchCard(name, self._drawer.read(name).uid, name in lying, self._labels.get(name, ""))
            for name in self._drawer.names()
        ]

    def create(self, name: str, uid: Uid | None = None) -> None:
        """Put a new card, as NXP delivers it, into the drawer. Raises `DrawerError`."""
        self._drawer.create(name, uid)
        self._tell()

    def label(self, name: str, text: str) -> None:
        """Write on a card what people call it; an empty text takes it off."""
        self._labels[name] = text
        self._tell()

    def state(self, name: str) -> CardState:
        """What a card remembers. Raises `DrawerError`."""
        return self._drawer.read(name)

    def lay(self, name: str) -> None:
        """Lay a card on the reader, beside what lies there. Raises `DrawerError`."""
        with self._changed:
            if any(laid.name == name for laid in self._laid):
                raise DrawerError(f"the card {name} lies there already")
            back = ExitStack()
            card = back.enter_context(self._drawer.take(name))
            self._laid += (_Laid(name, card, back),)
        self._tell()

    def lift(self, name: str | None = None) -> None:
        """Take one card, or all, off the reader; nothing happens where none lies."""
        with self._changed:
            lifted = tuple(laid for laid in self._laid if name in (None, laid.name))
            self._laid = tuple(laid for laid in self._laid if laid not in lifted)
        for laid in lifted:
            laid.back.close()
        if lifted:
            self._tell()

    def tear(self, tear: Tear | None, *, latency: float = 0.0) -> None:
        """Arm a tear on every card that lies there, and make its answers take `latency` seconds."""
        for laid in self._laid:
            laid.card.tear(tear)
            laid.card.latency = latency

    def lights(self) -> Lights:
        """What the reader shows now."""
        return self._lights

    def picture(self) -> Picture | None:
        """What stands on the reader's display; None for a reader without one."""
        return self._picture

    def hold(self, *buttons: str) -> None:
        """Hold these buttons of the reader down, and no others; hold none to let go."""
        self._held = frozenset(buttons)
        self._tell()

    def wait_lights(self, lights: Lights, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the reader to show exactly this."""
        with self._changed:
            return self._changed.wait_for(lambda: self._lights == lights, timeout)

    def wait_drawn(self, text: str, timeout: float) -> bool:
        """Wait at most `timeout` seconds for this text or sign on the display."""

        def stands_there() -> bool:
            return any(part[0] == text for part in self._picture or ())

        with self._changed:
            return self._changed.wait_for(stands_there, timeout)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every change, in the thread that made it. It must not block."""
        self._watchers += (callback,)

    def close(self) -> None:
        """Lift everything."""
        self.lift()

    # --- the attachment's side -----------------------------------------------------------------

    def field(self) -> tuple[TwinCard, ...]:
        """The cards on the reader, in the order in which they were laid."""
        return tuple(laid.card for laid in self._laid)

    def lost(self, card: TwinCard) -> None:
        """A card stopped answering: it was torn away, so it lies there no more."""
        for laid in self._laid:
            if laid.card is card:
                self.lift(laid.name)

    def show(self, lights: Lights) -> None:
        """The reader's lights, as whoever drives it set them."""
        with self._changed:
            same, self._lights = self._lights == lights, lights
        if not same:
            self._tell()

    def draw(self, picture: Picture) -> None:
        """What the reader has put on its display."""
        with self._changed:
            same, self._picture = self._picture == picture, picture
        if not same:
            self._tell()

    def held(self) -> frozenset[str]:
        """The buttons that are held down."""
        return self._held

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for callback in self._watchers:
            callback()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
