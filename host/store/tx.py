"""What a function sees inside a transaction: rows in, rows out, and the time it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from host.store.driver import sqlite3
from host.store.errors import StoreClosed, StoreError, explain
from host.store.params import Params, positional

T = TypeVar("T")
Told = tuple[int, str]
"""The number and the kind of an event."""

_JSON = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` would make a new encoder for every event."""

_EVENT = """
    INSERT INTO events (at, kind, store_id, subject, data)
    VALUES (:at, :kind, :store_id, :subject, :data)
"""


class Row(Protocol):
    """One row: by column name or position, and iterable in the order of the SELECT."""

    def __getitem__(self, key: str | int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[str]: ...


class Place(Protocol):
    """Where a ledger function can run: an `Engine`, or a `Tx` to be part of its transaction."""

    def transaction(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` so that all it writes is kept, durably, or nothing is."""
        ...

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on one consistent picture of the data."""
        ...

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row of one SELECT, or None; a picture by itself, so it costs no more."""
        ...

    @property
    def now(self) -> int:
        """UTC epoch milliseconds; in a transaction, the same for the whole function."""
        ...


class Tx:
    """An open transaction. Valid only while its function runs."""

    __slots__ = ("_conn", "_now", "lost", "told")

    def __init__(self, conn: sqlite3.Connection, now: int) -> None:
        self._conn = conn
        self._now = now
        self.lost: StoreError | None = None
        """Set when SQLite took back the whole transaction (for example: disk full)."""
        self.told: list[Told] = []
        """The events of this function, in order."""

    @property
    def now(self) -> int:
        """UTC epoch milliseconds, the same for the whole function."""
        return self._now

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row, or None."""
        return self._execute(sql, params).fetchone()  # type: ignore[no-any-return]

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        """Every row."""
        return self._execute(sql, params).fetchall()

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Row by row, for what does not fit in memory; only inside the function."""
        cursor = self._execute(sql, params)
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._failed(error) from error
        finally:
            cursor.close()

    def run(self, sql: str, params: Params | None = None) -> int:
        """Write, and return how many rows were touched."""
        return self._execute(sql, params).rowcount

    def insert(self, sql: str, params: Params | None = None) -> int:
        """Write one row, and return its number."""
        return self._execute(sql, params).lastrowid or 0

    def event(
        self,
        kind: str,
        *,
        store_id: str | None = None,
        subject: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell the outbox; waiters wake when the transaction is durable."""
        number = self.insert(
            _EVENT,
            {
                "at": self._now,
                "kind": kind,
                "store_id": store_id,
                "subject": subject,
                "data": _JSON(data) if data else "{}",
            },
        )
        self.told.append((number, kind))

    def transaction(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` as part of this transaction, so that ledger functions compose."""
        return fn(self)

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` as part of this transaction: it sees what was written so far."""
        return fn(self)

    def _execute(self, sql: str, params: Params | None) -> sqlite3.Cursor:
        if self.lost is not None:
            # A statement now would be a transaction of its own: never.
            raise self.lost
        try:
            text, values = positional(sql)
            return self._conn.execute(text, values(params or {}))
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> StoreError:
        explained = explain(error)
        if not self._conn.in_transaction:
            self.lost = explained
        return explained

    def over(self) -> None:
        """The function has returned: whoever kept this object cannot use it any more."""
        self.lost = self.lost or StoreClosed("this transaction is over")
