"""The connection that writes, and the batches that go through it. Only a leader comes here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from host.clock import Clock
from host.store.driver import sqlite3
from host.store.errors import StoreClosed, StoreError, explain
from host.store.turns import Job
from host.store.tx import Told, Tx


class Writer:
    """Turns a batch of jobs into one transaction."""

    def __init__(
        self, conn: sqlite3.Connection, clock: Clock, committed: Callable[[Sequence[Told]], None]
    ) -> None:
        self._conn = conn
        self._clock = clock
        self._committed = committed
        self.closing = False
        """Set from outside: the next batch closes the connection instead of working."""

    def work(self, jobs: Iterator[Job[Any]]) -> None:
        """Run every job in one transaction; settle them after its COMMIT has returned.

        A job that raises is undone and settled alone. Whatever is raised here concerns the whole
        batch: `turns` gives it to every job that was drawn and not settled.
        """
        kept: list[tuple[Job[Any], Any]] = []
        told: list[Told] = []
        try:
            if self.closing:
                self._conn.close()
                raise StoreClosed("The database is closed")
            for job in jobs:
                told += self._attempt(job, kept)
            if kept:
                self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            # Those still queued would wait as long again and meet the same: tell them now.
            for _ in jobs:
                pass
            raise
        for job, value in kept:
            job.succeed(value)
        if told:
            self._committed(told)

    def _attempt(self, job: Job[Any], kept: list[tuple[Job[Any], Any]]) -> Sequence[Told]:
        """Run one job into `kept`, or undo it alone; the events that are kept.

        Raises when the whole batch is lost.
        """
        # The first that succeeds needs no savepoint: the transaction itself is one.
        self._execute("SAVEPOINT job" if kept else "BEGIN IMMEDIATE")
        tx = Tx(self._conn, self._clock.now())
        try:
            value = job.fn(tx)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller and goes there
            self._still_open(tx)
            self._execute("ROLLBACK TO job" if kept else "ROLLBACK")
            if kept:
                self._execute("RELEASE job")
            job.fail(error)
            return ()
        else:
            self._still_open(tx)
            if kept:
                self._execute("RELEASE job")
            kept.append((job, value))
            return tx.told
        finally:
            tx.over()

    def _still_open(self, tx: Tx) -> None:
        """Refuse to go on when SQLite, or the function, has ended the transaction."""
        if tx.lost is not None:
            raise tx.lost
        if not self._conn.in_transaction:
            raise StoreError("a function ended the transaction it was given")

    def _roll_back(self) -> None:
        try:
            if not self.closing and self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        except sqlite3.Error:
            # The first error is the one to tell; without a COMMIT nothing is kept anyway.
            pass

    def _execute(self, sql: str) -> None:
        try:
            self._conn.execute(sql)
        except sqlite3.Error as error:
            raise explain(error) from error
