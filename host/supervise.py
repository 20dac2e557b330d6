"""Threads that are looked after: one broad `except` each, restarted with a growing pause."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

PAUSES_S = (0.5, 1.0, 2.0, 5.0)
"""How long to wait before the first, second, … restart; the last one repeats."""


class Worker:
    """A thread that runs `body(stop)` and runs it again when it breaks.

    A body that returns by itself is over. `stop` asks it to end; `join` waits for it.
    """

    def __init__(
        self,
        name: str,
        body: Callable[[threading.Event], None],
        *,
        pauses: Sequence[float] = PAUSES_S,
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self.faults = 0
        self._body = body
        self._pauses = pauses
        self._on_fault = on_fault
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the body to end; returns at once."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """True when the thread is over."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        failed = 0
        while not self._stop.is_set():
            try:
                self._body(self._stop)
                return
            except Exception as error:
                self.faults += 1
                log.exception("%s failed and is started again", self.name)
                if self._on_fault is not None:
                    self._on_fault(error)
            self._stop.wait(self._pauses[min(failed, len(self._pauses) - 1)])
            failed += 1
