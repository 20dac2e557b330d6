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
        self._unsaved: set[str] = set()
        self._changed = threading.Condition()
        self._saving = threading.Lock()

    def begin(self) -> None:
        """Be the daemon's board: what an earlier daemon said of its parts is forgotten.

        One that was killed left "ready" behind for readers that nobody serves now.
        """
        health.clear(self._db)
        self.beat()

    def report(self, part: str, ok: bool, detail: str) -> None:
        """Say how a part is; written only when it changed. A full disk does not stop the daemon."""
        if self._say(Part(part, ok, detail)):
            self._save()

    def wait_change(self, timeout_ms: int) -> None:
        """Wait until a part of this process says something new, or the time is over."""
        with self._changed:
            self._changed.wait(timeout_ms / 1000)

    def beat(self, trouble: str = "") -> None:
        """Say that the daemon is alive, and whether the ledger can be written.

        `trouble` is what else keeps the ledger from being used. What could not be written before
        is written now, else other processes would go on believing it.
        """
        self._say(Part(DAEMON, True, "running"), always=True)
        words = self._save() or trouble
        if self._say(Part(LEDGER, not words, words or "ready")):
            self._save()

    def gone(self) -> None:
        """Say that the daemon has stopped."""
        self._say(Part(DAEMON, False, "stopped"))
        self._save()

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
        return found | self._mine

    def _say(self, part: Part, *, always: bool = False) -> bool:
        """Keep what a part says now; True when there is something to be written."""
        with self._changed:
            if self._mine.get(part.name) == part and not always:
                return False
            self._mine[part.name] = part
            self._unsaved.add(part.name)
            self._changed.notify_all()
            return True

    def _save(self) -> str:
        """Write what the rows do not say yet; words when that cannot be done now."""
        with self._saving:  # one after the other, so that the newest word is the last one written
            with self._changed:
                todo = [self._mine[name] for name in self._unsaved]
            for part in todo:
                try:
                    health.put(self._db, part.name, part.ok, part.detail)
                except StoreError as error:
                    log.warning("health of %s not written: %s", part.name, error)
                    return str(error)
                with self._changed:
                    if self._mine[part.name] == part:
                        self._unsaved.discard(part.name)
        return ""
