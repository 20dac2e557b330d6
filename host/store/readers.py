"""Connections that only read, lent out one to a caller and given back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from host.clock import Clock
from host.store.driver import sqlite3
from host.store.errors import StoreClosed, explain
from host.store.params import Params
from host.store.sqlite import connect
from host.store.tx import Row, Tx

T = TypeVar("T")

KEEP = 8
"""Connections kept open between reads; more are opened when more read at once."""


class Readers:
    """A pool, and not one connection a thread: threads end without saying so."""

    def __init__(self, path: Path, clock: Clock, busy_ms: int, *, read_only: bool) -> None:
        self._path = path
        self._clock = clock
        self._busy_ms = busy_ms
        self._read_only = read_only
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def connect(self) -> sqlite3.Connection:
        """A connection of the caller's own that cannot write."""
        conn = connect(self._path, "ro" if self._read_only else "rw", busy_ms=self._busy_ms)
        conn.execute("PRAGMA query_only = ON")
        return conn

    def use(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Lend a connection to `fn`."""
        with self._lock:
            if self._closed:
                raise StoreClosed("The database is closed")
            conn = self._idle.pop() if self._idle else None
        conn = conn or self.connect()
        try:
            return fn(conn)
        finally:
            with self._lock:
                keep = not self._closed and len(self._idle) < KEEP
                if keep:
                    self._idle.append(conn)
            if not keep:
                conn.close()

    def snapshot(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction that only reads: one picture from beginning to end."""

        def in_transaction(conn: sqlite3.Connection) -> T:
            tx = Tx(conn, self._clock.now())
            try:
                conn.execute("BEGIN")
                try:
                    return fn(tx)
                finally:
                    tx.over()
                    if conn.in_transaction:
                        conn.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise explain(error) from error

        return self.use(in_transaction)

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row of one SELECT."""

        def first(conn: sqlite3.Connection) -> Row | None:
            return Tx(conn, self._clock.now()).one(sql, params)

        return self.use(first)

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()
