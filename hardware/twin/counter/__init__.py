"""The virtual counter: a page on which a person lays simulated cards on the simulated reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hardware.twin.bench import Bench


@contextmanager
def serve(bench: Bench, port: int = 0, *, till_url: str | None = None) -> Iterator[str]:
    """Serve the counter on loopback for as long as the context lasts; its link is the value.

    Raises `OSError` when the port is taken.
    """
    from hardware.twin.counter.server import Counter

    with Counter(bench, port=port, till_url=till_url) as counter:
        yield counter.url
