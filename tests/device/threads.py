"""Work that goes on while a hand is at the cable."""

from __future__ import annotations

import threading
from collections.abc import Callable


def in_background(work: Callable[[], object]) -> Callable[[], object]:
    """Start it; the function returned waits for its result, or for the error that it ended in."""
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(work())
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> object:
        thread.join(30)
        assert ended, "it never ended"
        return ended[0]

    return result
