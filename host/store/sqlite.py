"""One way to open SQLite: the settings that keep money safe, the same on every connection."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from host.store.driver import sqlite3
from host.store.errors import StoreBusy, StoreError, explain

BUSY_MS = 4_000
"""How long a writer waits for another process; a terminal gives up after about 12 s."""

Mode = Literal["rwc", "rw", "ro"]


SQLITE_VERSION = sqlite3.sqlite_version


def wal_is_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether SQLite is free of the WAL-reset defect of 3.7.0 to 3.51.2 (THREATS 31)."""
    return not (3, 7, 0) <= version <= (3, 51, 2)


def connect(path: Path, mode: Mode, *, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time; transactions are begun by hand."""
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=busy_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
    except sqlite3.Error as error:
        raise explain(error) from error
    try:
        conn.row_factory = sqlite3.Row
        conn.execute("PRAGMA foreign_keys = ON")
        # REPLACE must not slip past the triggers that keep entries and audit append-only.
        conn.execute("PRAGMA recursive_triggers = ON")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA cache_size = -16384")
    except sqlite3.Error as error:
        conn.close()
        raise explain(error) from error
    return conn


def use_journal(conn: sqlite3.Connection, *, safe: bool, busy_ms: int = BUSY_MS) -> str:
    """Put the file into WAL mode where that is safe, else into TRUNCATE; return which.

    The change needs the file for itself and SQLite does not wait for it, so we do.
    """
    wanted = "wal" if safe else "truncate"
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            (mode,) = conn.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        except sqlite3.Error as error:
            failure: StoreError = explain(error)
        else:
            if mode == wanted:
                return str(mode)
            failure = StoreBusy(f"The database stays in journal mode {mode}; close other programs")
        if not isinstance(failure, StoreBusy) or time.monotonic() > deadline:
            raise failure
        time.sleep(0.01)
