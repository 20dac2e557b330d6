"""The outbox: what happened, in the order it became durable, and a way to wait for more."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from host.store.driver import sqlite3
from host.store.errors import StoreBusy, explain
from host.store.tx import Row, Told, Tx

T = TypeVar("T")

POLL_S = 0.1
"""How often one waiter looks for commits of other processes. The look costs 7 µs, but waking a
thread for it 0.1 ms: ten a second are a thousandth of a core."""


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


class _Waiter:
    """One thread that waits, and for which kinds of events; None is all."""

    __slots__ = ("kinds", "woken")

    def __init__(self, lock: threading.Lock, kinds: Collection[str] | None) -> None:
        self.woken = threading.Condition(lock)
        self.kinds = kinds

    def wants(self, told: Sequence[Told]) -> bool:
        return self.kinds is None or any(kind in self.kinds for _, kind in told)


class EventLog:
    """Reads the outbox and wakes those who wait for it.

    Commits of this process wake at once whoever waits for their kinds, and nobody else: on a
    busy ledger most commits concern no waiter. For other processes one of the waiters, and only
    while there are any, looks at `PRAGMA data_version` on behalf of all.
    """

    def __init__(self, read: Read, connect: Callable[[], sqlite3.Connection]) -> None:
        self._read = read
        self._connect = connect
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._looks: _Waiter | None = None
        self._newest = 0
        self._newest_of: dict[str, int] = {}
        self._newest_of_others = 0
        """Committed by another process, so of a kind that is not known here."""
        self._closed = False
        self._eye: sqlite3.Connection | None = None
        self._version: int | None = None

    @property
    def known_id(self) -> int:
        """The newest event that waiters were told of: never newer than what a read sees, so
        what a read did not see comes after it."""
        return self._newest

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

    def wait(self, after_id: int, timeout_ms: int, kinds: Collection[str] | None = None) -> bool:
        """True as soon as there is an event after `after_id`; False when the time is over.

        With `kinds` only these wake; a commit of another process may wake for nothing. Also
        False, at once, when the database is closed.
        """
        deadline = time.monotonic() + timeout_ms / 1000
        waiter = _Waiter(self._lock, kinds)
        with self._lock:
            self._waiters.append(waiter)
            try:
                return self._wait(waiter, after_id, deadline)
            finally:
                self._waiters.remove(waiter)
                if self._looks is waiter:
                    self._looks = None
                    if self._waiters:
                        self._waiters[0].woken.notify()

    def committed(self, told: Sequence[Told]) -> None:
        """Called by the writer of this process when these events, in order, are durable."""
        with self._lock:
            (oldest, _), (newest, _) = told[0], told[-1]
            if oldest > self._newest + 1:  # another process committed in between
                self._newest_of_others = oldest - 1
                self._wake_all()
            self._newest_of.update((kind, event_id) for event_id, kind in told)
            self._newest = max(self._newest, newest)
            for waiter in self._waiters:
                if waiter.wants(told):
                    waiter.woken.notify()

    def close(self) -> None:
        """Send every waiter home."""
        with self._lock:
            self._closed = True
            if self._eye is not None:
                self._eye.close()
                self._eye = None
            self._wake_all()

    def _wait(self, waiter: _Waiter, after_id: int, deadline: float) -> bool:
        while not self._closed:
            if self._looks is None:
                self._looks = waiter
            if self._looks is waiter:
                self._look()
            left = deadline - time.monotonic()
            if self._newest_for(waiter) > after_id or left <= 0:
                return self._newest_for(waiter) > after_id
            waiter.woken.wait(min(left, POLL_S) if self._looks is waiter else left)
        return False

    def _newest_for(self, waiter: _Waiter) -> int:
        if waiter.kinds is None:
            return self._newest
        ours = (self._newest_of.get(kind, 0) for kind in waiter.kinds)
        return max((self._newest_of_others, *ours))

    def _look(self) -> None:
        """Has anybody committed since the last look? Under the lock."""
        try:
            if self._eye is None:
                self._eye = self._connect()
            (version,) = self._eye.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                (newest,) = self._eye.execute(_LAST).fetchone()
                self._version = version
                if newest > self._newest:
                    self._newest = self._newest_of_others = newest
                    self._wake_all()
        except sqlite3.Error as error:
            explained = explain(error)
            if not isinstance(explained, StoreBusy):  # busy: the next look is soon
                raise explained from error

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            waiter.woken.notify()


_LAST = "SELECT coalesce(max(event_id), 0) AS newest FROM events"


def _last_id(tx: Tx) -> int:
    row = tx.one(_LAST)
    return int(row[0]) if row else 0


def _event(row: Row) -> Event:
    event_id, at, kind, store_id, subject, data = row
    return Event(event_id, at, kind, store_id, subject, json.loads(data))
