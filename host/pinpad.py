"""Taps that wait for their holder's PIN: one a terminal, in memory alone (THREATS 19).

A card that needs a PIN declines its sale with `pin_required`; the tap itself stays usable, so the
holder types the PIN and does not tap again. Another card takes its place. A PIN is handed straight
to whoever asked for it: it is in no row, no event, no log and no URL of ours.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from host.ledger.codes import Code, Refused

Entered = Callable[[str], Refused | None]
"""Go on with this PIN; what comes of it is in the sale. A refusal is for whoever typed it."""

_PIN: Final = re.compile(r"[0-9]{4,12}", re.ASCII)


class PinPad:
    """Who waits for a PIN, on which terminal and for which sale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[str, Entered]] = {}

    def wait(self, terminal_id: str, sale_id: str, entered: Entered) -> None:
        """Let this tap wait for a PIN, and no other one on this terminal."""
        with self._lock:
            self._waiting[terminal_id] = (sale_id, entered)

    def forget(self, terminal_id: str) -> None:
        """Another card lies on the terminal: nobody waits any more."""
        with self._lock:
            self._waiting.pop(terminal_id, None)

    def enter(self, terminal_id: str, sale_id: str, pin: str) -> Refused | None:
        """A PIN was typed for this sale: the tap that waits goes on with it, once."""
        if not _PIN.fullmatch(pin):
            return Refused(Code.REQUEST_INVALID, {"field": "pin"})
        with self._lock:
            sale, entered = self._waiting.get(terminal_id, ("", None))
            if entered is None or sale != sale_id:
                return Refused(Code.K1_EXPIRED)  # another card, or a restart: tap again
            del self._waiting[terminal_id]
        try:
            return entered(pin)
        except BaseException:  # the ledger did not take it: the tap waits on
            with self._lock:
                self._waiting.setdefault(terminal_id, (sale_id, entered))
            raise
