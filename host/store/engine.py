"""The one place that writes: immediate transactions, committed in groups, read in snapshots.

Many threads call `transaction` at once; `turns` lets one of them run the queued functions, each
undone by itself when it raises, and `writer` commits once for all. Only after that COMMIT has
returned does any caller see a value; when it fails, nobody does (THREATS 32).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from host.clock import Clock
from host.closing import Closing
from host.store.driver import sqlite3
from host.store.errors import StoreClosed, StoreReadOnly, explain
from host.store.events import EventLog
from host.store.migrations import migrate, refuse_foreign
from host.store.params import Params
from host.store.readers import Readers
from host.store.sqlite import BUSY_MS, connect, use_journal, wal_is_safe
from host.store.turns import Turns
from host.store.tx import Row, Tx
from host.store.writer import Writer

T = TypeVar("T")


class _Inside(threading.local):
    """Whether this thread is inside a transaction or a read of this engine."""

    now = False


class Engine(Closing):
    """A database that is open: one connection that writes, a few that read.

    Not to be carried through `fork`; every process opens its own.
    """

    def __init__(
        self, path: Path, clock: Clock, writer: sqlite3.Connection | None, busy_ms: int
    ) -> None:
        self.path = path
        self.clock = clock
        self._busy_ms = busy_ms
        self._readers = Readers(path, clock, busy_ms, read_only=writer is None)
        self.events = EventLog(self.read, self._readers.connect)
        self._inside = _Inside()
        self._writer = Writer(writer, clock, self.events.committed) if writer else None
        self._turns = Turns(self._writer.work if self._writer else _never)

    @classmethod
    def open(
        cls, path: Path, clock: Clock, *, read_only: bool = False, busy_ms: int = BUSY_MS
    ) -> Self:
        """Open the database; create or migrate it where needed.

        Raises `StoreTooNew` for one from the future, `StoreDamaged` for a file that is not ours,
        `StoreReadOnly` where it cannot be written, `StoreBusy` when others do not let go of it.
        """
        writer = None if read_only else _open_writer(path, busy_ms)
        engine = cls(path, clock, writer, busy_ms)
        if read_only:
            try:
                engine._readers.use(lambda conn: refuse_foreign(conn, read_only=True))
            except BaseException:
                engine.close()
                raise
        return engine

    def transaction(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` under the write lock; return its value once it is durable on the disk.

        `fn` may run on another thread of this process (see `turns`). When it raises, its writes
        are undone and the error is raised here. A `StoreError` means: nothing was kept, as far
        as the disk tells the truth. A call from inside a transaction or a read is a mistake and
        is refused; use the `Tx` you were given, it takes the same calls.
        """
        self._refuse_reentrance()
        if self._writer is None:
            raise StoreReadOnly("The database was opened for reading only")

        def marked(tx: Tx) -> T:
            self._inside.now = True
            try:
                return fn(tx)
            finally:
                self._inside.now = False

        return self._turns.take(marked)

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot, in this thread; in WAL mode it never waits for a writer."""
        self._refuse_reentrance()
        self._inside.now = True
        try:
            return self._readers.snapshot(fn)
        finally:
            self._inside.now = False

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row of one SELECT, or None: what `read` does, without BEGIN and ROLLBACK."""
        self._refuse_reentrance()
        return self._readers.one(sql, params)

    @property
    def now(self) -> int:
        """UTC epoch milliseconds."""
        return self.clock.now()

    def backup(self, target: Path) -> None:
        """Copy the whole database, as of now, into one new file that stands alone.

        Raises `FileExistsError` when there is something at `target`.
        """
        target.touch(0o600, exist_ok=False)
        conn = connect(self.path, "ro", busy_ms=self._busy_ms)
        try:
            conn.execute("VACUUM INTO :target", {"target": str(target)})
        except sqlite3.Error as error:
            target.unlink()
            raise explain(error) from error
        finally:
            conn.close()
        with target.open("rb") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """Let running transactions end, then close every connection; again does nothing."""
        self.events.close()
        if self._writer is not None:
            self._writer.closing = True
            with contextlib.suppress(StoreClosed):
                self._turns.take(lambda _: None)
        self._readers.close()

    def _refuse_reentrance(self) -> None:
        if self._inside.now:
            raise RuntimeError("already inside a transaction or a read: use its Tx")


def _never(_: object) -> None:
    raise StoreReadOnly("The database was opened for reading only")


def _open_writer(path: Path, busy_ms: int) -> sqlite3.Connection:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
    conn = connect(path, "rw", busy_ms=busy_ms)
    try:
        refuse_foreign(conn)
        use_journal(conn, safe=wal_is_safe(), busy_ms=busy_ms)
        conn.execute("PRAGMA journal_size_limit = 67108864")
        migrate(conn)
    except sqlite3.Error as error:
        conn.close()
        raise explain(error) from error
    except BaseException:
        conn.close()
        raise
    return conn
