"""The outbox: what happened, in the order it became durable, and a way to wait for more."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from host.store.driver import sqlite3
from host.store.errors import explain
from host.store.tx import Row, Tx

T = TypeVar("T")

POLL_S = 0.05
"""How often one waiter looks for commits of other processes; a look costs about 7 µs."""


class Read(Protocol):
    """`Engine.read`."""

    def __call__(self, fn: Callable[[Tx], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `data` never holds a key, a PIN or a preimage."""

    event_id: int
    at: int
    kind: str
    store_id: str | None
    subject: str | None
    data: dict[str, Any]


class EventLog:
    """Reads the outbox and wakes those who wait for it.

    Commits of this process wake waiters at once. For other processes one of the waiters, and
    only while there are any, looks at `PRAGMA data_version` on behalf of all.
    """

    def __init__(self, read: Read, connect: Callable[[], sqlite3.Connection]) -> None:
        self._read = read
        self._connect = connect
        self._changed = threading.Condition()
        self._newest = 0
        self._somebody_looks = False
        self._closed = False
        self._eye: sqlite3.Connection | None = None
        self._version: int | None = None

    def last_id(self) -> int:
        """The id of the newest event, 0 when there is none."""
        return self._read(_last_id)

    def after(
        self, event_id: int, limit: int = 500, kinds: Collection[str] | None = None
    ) -> list[Event]:
        """The events that follow `event_id`, oldest first; of these kinds only when given."""
        sql = "SELECT * FROM events WHERE event_id > :after {} ORDER BY event_id LIMIT :limit"
        params: dict[str, Any] = {"after": event_id, "limit": limit}
        chosen = ""
        if kinds is not None:
            names = {f"kind{i}": kind for i, kind in enumerate(kinds)}
            chosen = f"AND kind IN ({', '.join(':' + name for name in names)})"
            params |= names
        rows = self._read(lambda tx: tx.all(sql.format(chosen), params))
        return [_event(row) for row in rows]

    def wait(self, after_id: int, timeout_ms: int) -> bool:
        """True as soon as there is an event after `after_id`; False when the time is over.

        Also False, at once, when the database is closed.
        """
        deadline = time.monotonic() + timeout_ms / 1000
        looks = False
        with self._changed:
            try:
                while not self._closed:
                    if not self._somebody_looks:
                        looks = self._somebody_looks = True
                    if looks:
                        self._look()
                    left = deadline - time.monotonic()
                    if self._newest > after_id or left <= 0:
                        return self._newest > after_id
                    self._changed.wait(min(left, POLL_S) if looks else left)
                return False
            finally:
                if looks:
                    self._somebody_looks = False
                    self._changed.notify()

    def committed(self, newest: int) -> None:
        """Called by the writer of this process when events up to `newest` are durable."""
        with self._changed:
            self._newest = max(self._newest, newest)
            self._changed.notify_all()

    def close(self) -> None:
        """Send every waiter home."""
        with self._changed:
            self._closed = True
            if self._eye is not None:
                self._eye.close()
                self._eye = None
            self._changed.notify_all()

    def _look(self) -> None:
        """Has anybody committed since the last look? Under the condition's lock."""
        try:
            if self._eye is None:
                self._eye = self._connect()
            (version,) = self._eye.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                (newest,) = self._eye.execute(_LAST).fetchone()
                self._version = version
                if newest > self._newest:
                    self._newest = newest
                    self._changed.notify_all()
        except sqlite3.Error as error:
            raise explain(error) from error


_LAST = "SELECT coalesce(max(event_id), 0) AS newest FROM events"


def _last_id(tx: Tx) -> int:
    row = tx.one(_LAST)
    return int(row[0]) if row else 0


def _event(row: Row) -> Event:
    event_id, at, kind, store_id, subject, data = row
    return Event(event_id, at, kind, store_id, subject, json.loads(data))
