"""A cable between a host and one of our reader's interfaces: as slow, and as bad, as one likes."""

from __future__ import annotations

import os
import random
import select
import threading
import time
import tty
from collections.abc import Iterator

Way = tuple[int, int]
_RESPITE = 2


class Cable:
    """A terminal beside another one; what is sent on either arrives at the other after a while."""

    def __init__(self, far: str, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._ours, self._hosts = os.openpty()
        self._far = os.open(far, os.O_RDWR | os.O_NOCTTY)
        self._stopped, self._stop = os.pipe()
        for end in (self._hosts, self._far):
            tty.setraw(end)
        self.path = os.ttyname(self._hosts)
        ways: tuple[Way, Way] = ((self._ours, self._far), (self._far, self._ours))
        self._threads = [threading.Thread(target=self._carry, args=way) for way in ways]
        for thread in self._threads:
            thread.start()

    def _carry(self, here: int, there: int) -> None:
        while self._stopped not in select.select([here, self._stopped], [], [])[0]:
            data = os.read(here, 4096)
            if self._seconds:
                time.sleep(self._seconds)
            for part in self.spoil(here, data):
                os.write(there, part)

    def spoil(self, way: int, data: bytes) -> Iterator[bytes]:
        """What arrives of it."""
        yield data

    def close(self) -> None:
        """Pull it; both ends hear nothing any more."""
        os.write(self._stop, b"x")
        for thread in self._threads:
            thread.join()
        for end in (self._ours, self._hosts, self._far, self._stopped, self._stop):
            os.close(end)


class BadCable(Cable):
    """Frames are lost, doubled, kept back behind the next one, or changed, each as often.

    After each fault two frames pass, so that no test fails by four faults in a row.
    """

    def __init__(self, far: str, seed: int, faults_in_a_hundred: int) -> None:
        self._chance = random.Random(seed)
        self._faults = faults_in_a_hundred
        self._clean = 0
        self._lock = threading.Lock()
        self._begun: dict[int, bytes] = {}
        self._kept: dict[int, bytes] = {}
        self.done = dict.fromkeys(("lost", "doubled", "late", "changed"), 0)
        super().__init__(far)

    def spoil(self, way: int, data: bytes) -> Iterator[bytes]:
        """Whole frames: they end with a zero byte, and one may stand before them."""
        *frames, rest = (self._begun.pop(way, b"") + data).split(b"\0")
        self._begun[way] = rest
        for frame in filter(None, frames):
            yield from self._frame(way, b"\0" + frame + b"\0")

    def _frame(self, way: int, frame: bytes) -> Iterator[bytes]:
        fault = self._fault()
        kept = self._kept.pop(way, b"")
        if fault == "changed":
            changed = bytearray(frame)
            changed[self._chance.randrange(1, len(frame) - 1)] ^= 1 << self._chance.randrange(8)
            frame = bytes(changed)
        if fault == "late":
            self._kept[way] = frame
        elif fault != "lost":
            yield frame * (2 if fault == "doubled" else 1)
        if kept:
            yield kept

    def _fault(self) -> str | None:
        with self._lock:  # both ways have a thread
            self._clean += 1
            if self._clean <= _RESPITE or self._chance.randrange(100) >= self._faults:
                return None
            self._clean = 0
            fault = self._chance.choice(list(self.done))
            self.done[fault] += 1
            return fault
