"""The four dots: reader, ledger, Lightning and clock, each with a word (UX rule 5).

The daemon reports; every screen reads. Reports are rows, so a dashboard in another process sees
them too; the daemon's heartbeat makes old rows worthless when it is gone.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final

from host.clock import SECOND, Clock
from host.ledger import health
from host.store.engine import Engine
from host.store.errors import StoreError

log = logging.getLogger(__name__)

BEAT_MS: Final = 5 * SECOND
STALE_MS: Final = 3 * BEAT_MS

DAEMON = "daemon"
READER = "reader"
LEDGER = "ledger"
LIGHTNING = "lightning"
CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Part:
    """One dot: its name, whether it is good, and words for the person who sees it."""

    name: str
    ok: bool
    detail: str


class Board:
    """Where the daemon says how its parts are, and where others look."""

    def __init__(self, db: Engine, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._mine: dict[str, Part] = {}
        self._changed = threading.Condition()

    def report(self, part: str, ok: bool, detail: str) -> None:
        """Say how a part is; written only when it changed. A full disk does not stop the daemon."""
        now = Part(part, ok, detail)
        if self._mine.get(part) == now:
            return
        with self._changed:
            self._mine[part] = now
            self._changed.notify_all()
        self._write(now)

    def wait_change(self, timeout_ms: int) -> None:
        """Wait until a part of this process says something new, or the time is over."""
        with self._changed:
            self._changed.wait(timeout_ms / 1000)

    def beat(self) -> None:
        """Say that the daemon is alive, and that the ledger can be written."""
        written = self._write(Part(DAEMON, True, "running"))
        self._mine[LEDGER] = Part(LEDGER, written, "ready" if written else "cannot be written")

    def gone(self) -> None:
        """Say that the daemon has stopped."""
        self._write(Part(DAEMON, False, "stopped"))

    def parts(self, terminal_id: str) -> list[Part]:
        """The four dots of a terminal, in the order they are shown."""
        rows = self._rows()
        daemon = rows.get(DAEMON)
        if daemon is None or not daemon.ok:
            words = "the Taptill service is not running"
            return [Part(name, False, words) for name in (READER, LEDGER, LIGHTNING, CLOCK)]
        keys = (f"{READER}:{terminal_id}", LEDGER, LIGHTNING, CLOCK)
        return [self._part(key, rows.get(key)) for key in keys]

    @staticmethod
    def _part(key: str, said: Part | None) -> Part:
        name = key.partition(":")[0]
        if said is not None:
            return Part(name, said.ok, said.detail)
        return Part(name, False, "no reader serves this till" if name == READER else "starting")

    def _rows(self) -> dict[str, Part]:
        """All reports; our own memory wins over rows, and a silent daemon's rows do not count."""
        now = self._clock.now()
        try:
            rows = health.all_rows(self._db)
        except StoreError:
            rows = []
        found = {
            row.part: Part(row.part, row.ok, row.detail)
            for row in rows
            if row.part != DAEMON or abs(now - row.at) <= STALE_MS
        }
        if self._mine:  # we are the daemon, so it runs
            found[DAEMON] = Part(DAEMON, True, "running")
        return found | self._mine

    def _write(self, part: Part) -> bool:
        try:
            health.put(self._db, part.name, part.ok, part.detail)
        except StoreError as error:
            log.warning("health of %s not written: %s", part.name, error)
            return False
        return True
