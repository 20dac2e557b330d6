"""The bench as the page shows it, and a way to wait for its next change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from hardware.twin.bench import Bench, BenchCard, Lights
from hardware.twin.store import DrawerError

TAP_S: Final = 0.8
"""How long a tapped card lies when nobody reads it."""
LIFT_S: Final = 0.25
"""A hand needs a moment to take a card away after it was read."""
LOOK_S: Final = 0.04
HEARTBEAT_S: Final = 1.0


class Scene:
    """What is on the counter now, and every change of it. Any thread."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._over = False
        self._version = 0
        self._driven = False
        self._changed = threading.Condition()
        bench.on_change(self._tell)

    def view(self) -> dict[str, Any]:
        """Everything on the counter, for the page's script.

        The version is read first: a view is never older than it says.
        """
        version = self._version
        lights = self._bench.lights()
        # Until a light was lit, nobody knows whether the host drives them at all (PC/SC does not).
        self._driven = self._driven or lights != Lights()
        return {
            "version": version,
            "reader": {
                "row": list(lights.row),
                "approved": lights.approved,
                "declined": lights.declined,
                "buzzer": lights.buzzer,
                "driven": self._driven,
            },
            "display": self._bench.picture(),
            "cards": [self._card(card) for card in self._bench.cards()],
        }

    def lay(self, name: str) -> None:
        """Lay a card on the reader. Raises `DrawerError`."""
        self._bench.lay(name)

    def lift(self, name: str) -> None:
        """Take a card away; nothing happens when it does not lie there."""
        self._bench.lift(name)

    def hold(self, button: str) -> None:
        """Hold a button of the reader down; no name lets go. Raises `DrawerError`."""
        if button not in ("", "confirm", "cancel"):
            raise DrawerError(f"there is no button {button}")
        self._bench.hold(*filter(None, [button]))

    def tap(self, name: str) -> None:
        """Lay a card down, wait until it was read or `TAP_S` is over, and take it away."""
        before = self._reads(name)
        self._bench.lay(name)
        try:
            deadline = time.monotonic() + TAP_S
            while self._reads(name) == before and time.monotonic() < deadline:
                self._pause(LOOK_S)
            self._pause(LIFT_S)
        finally:
            self._bench.lift(name)

    def changes(self) -> Iterator[dict[str, Any] | None]:
        """A view after each change; None once a second, so that a closed page is noticed."""
        seen = -1
        while not self._over:
            version = self._next(seen)
            yield self.view() if version != seen else None
            seen = version

    def close(self) -> None:
        """End every wait."""
        self._over = True
        self._tell()

    def _next(self, seen: int) -> int:
        """The version after the next change, or the same one after a heartbeat."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._version != seen, HEARTBEAT_S)
            return self._version

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over, seconds)

    def _reads(self, name: str) -> int:
        return self._bench.state(name).read_counter

    def _card(self, card: BenchCard) -> dict[str, Any]:
        reads = self._reads(card.name)
        uid = card.uid.hex().upper()
        state = f"read {reads} ×" if reads else "never read"
        return {
            "name": card.name,
            "title": card.label or card.name,
            "label": f"•••• {uid[-4:-2]} {uid[-2:]}",
            "laid": card.laid,
            "state": "on the reader" if card.laid else state,
        }

    def _tell(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()
