"""Threads for tests: what they return or raise comes back, and none is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

DEADLINE_S = 60.0


class Later(Generic[T]):
    """A function that runs in a thread of its own from now on."""

    def __init__(self, fn: Callable[[], T]) -> None:
        self._fn = fn
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._fn()
        except BaseException as error:  # noqa: BLE001 - it is raised in `result`
            self._error = error

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for the end; its value, or its error raised here."""
        self._thread.join(DEADLINE_S)
        assert self.over, "the thread did not end in time"
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


def together(fns: list[Callable[[], T]]) -> list[T]:
    """Run functions at the same time, all starting at once; their values in order."""
    start = threading.Barrier(len(fns))

    def begin(fn: Callable[[], T]) -> Callable[[], T]:
        def run() -> T:
            start.wait(DEADLINE_S)
            return fn()

        return run

    return [later.result() for later in [Later(begin(fn)) for fn in fns]]


def until(condition: Callable[[], bool], changed: threading.Condition) -> None:
    """Wait for a condition that somebody announces."""
    with changed:
        assert changed.wait_for(condition, DEADLINE_S), "it did not happen in time"
