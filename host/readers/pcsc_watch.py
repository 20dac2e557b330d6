"""The status thread of PC/SC: which readers there are, and whether a card lies on them.

It outlives the service. When pcscd goes away its readers vanish from the picture; the thread
then tries again, after 0.5 s at first and every 5 s at most, until a service answers.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from smartcard import scard

from host.readers.base import ReaderGone
from host.readers.pcsc_api import NEW_READER, Context, PcscError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
# A reader plugged in between listing and waiting raises no notification: look again now and then.
_RELIST_MS = 5_000
_STOP_S = 10.0  # a service that hangs must not hang us: its thread is left to the process's end
_NO_CARD = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One reader, just now."""

    card: int = _NO_CARD
    """The number of the card's presentation, never used twice; 0 while no card lies there."""
    seen_ns: int = 0
    """`time.monotonic_ns()` when that card was first seen."""
    state: int = 0
    """The service's own words (`SCARD_STATE_*` and, in the upper half, its event counter)."""


class PcscWatcher:
    """A thread that keeps `slots` true. Waiting and stopping from any thread."""

    def __init__(self) -> None:
        self._slots: Mapping[str, Slot] = {}
        self._trouble: str | None = None
        self._looked = False
        self._cards = 0
        self._context: Context | None = None
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pcsc-status", daemon=True)
        self._thread.start()

    def readers(self, timeout_s: float) -> list[str]:
        """The readers there are, once the service has been asked. Raises `ReaderGone`."""
        with self._changed:
            self._changed.wait_for(lambda: self._looked, timeout_s)
            if self._trouble or not self._looked:
                raise ReaderGone(self._trouble or "the PC/SC service pcscd does not answer")
            return list(self._slots)

    def wait(self, reader: str, done: Callable[[Slot], bool], timeout_s: float) -> Slot | None:
        """The reader's slot as soon as it is `done`; None when the time is over.

        Raises `ReaderGone` while that reader is not there, and after `stop`.
        """

        def settled() -> bool:
            slot = self._slots.get(reader)
            return slot is None or done(slot) or self._stopping.is_set()

        with self._changed:
            in_time = self._changed.wait_for(settled, timeout_s)
            if self._stopping.is_set():
                raise ReaderGone("the reader was closed")
            if reader not in self._slots:
                raise ReaderGone(self._trouble or f"the reader {reader} was unplugged")
            return self._slots[reader] if in_time else None

    def pause(self, seconds: float) -> None:
        """Do nothing for a while, unless stopped."""
        self._stopping.wait(seconds)

    def stop(self) -> None:
        """End the thread; who waits hears `ReaderGone`. A second call does nothing."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + _STOP_S
        while self._thread.is_alive() and time.monotonic() < deadline:
            # A cancel that comes before the wait it should end is lost, so it is repeated.
            if context := self._context:
                context.cancel()
            self._thread.join(0.02)

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                with contextlib.closing(Context()) as context:
                    pause_s = _FIRST_PAUSE_S
                    self._watch(context)
            except PcscError as error:
                self._publish({}, str(error))
            except Exception as error:  # noqa: BLE001 - the thread's one: it must not end
                _log.exception("PC/SC status thread")
                self._publish({}, f"PC/SC: {error}")
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _watch(self, context: Context) -> None:
        """Follow one context until it fails (`PcscError`) or we are stopped."""
        self._context = context
        slots: dict[str, Slot] = {}
        while not self._stopping.is_set():
            names = context.readers()
            slots = {name: slots.get(name, Slot()) for name in names}
            self._follow(context, slots)

    def _follow(self, context: Context, slots: dict[str, Slot]) -> None:
        """Keep `slots` true until the set of readers may have changed."""
        timeout_ms = 0  # at first: how are they now?
        while not self._stopping.is_set():
            known = [(name, slot.state) for name, slot in slots.items()]
            try:
                changes = context.wait_change([*known, (NEW_READER, 0)], timeout_ms)
            except PcscError as error:
                if error.code in (scard.SCARD_E_UNKNOWN_READER, scard.SCARD_E_CANCELLED):
                    return
                raise
            relist = self._take(slots, changes or ())
            if changes or timeout_ms == 0:
                self._publish(slots, None)
            if relist or (changes is None and timeout_ms):
                return
            timeout_ms = _RELIST_MS

    def _take(self, slots: dict[str, Slot], changes: Iterable[tuple[str, int]]) -> bool:
        """Bring `slots` up to date; whether readers came or went."""
        relist = False
        for name, state in changes:
            if not state & scard.SCARD_STATE_CHANGED:
                continue
            if name == NEW_READER or state & (
                scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE
            ):
                relist = True
            else:
                slots[name] = self._slot_after(slots[name], state & ~scard.SCARD_STATE_CHANGED)
        return relist

    def _slot_after(self, before: Slot, state: int) -> Slot:
        if not state & scard.SCARD_STATE_PRESENT:
            return Slot(state=state)
        # The service counts insertions and removals: a card swapped between two looks shows there.
        if before.card != _NO_CARD and state >> 16 == before.state >> 16:
            return Slot(before.card, before.seen_ns, state)
        self._cards += 1
        return Slot(self._cards, time.monotonic_ns(), state)

    def _publish(self, slots: Mapping[str, Slot], trouble: str | None) -> None:
        with self._changed:
            self._slots = dict(slots)
            self._trouble = trouble
            self._looked = True
            self._changed.notify_all()
