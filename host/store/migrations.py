"""How the database came to look as it does: numbered steps of SQL, applied once, in order."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Final

from sqlite_utils import Database, Migrations

from host.store.driver import sqlite3
from host.store.errors import StoreDamaged, StoreError, StoreTooNew, explain

APPLICATION_ID = 0x54415054
"""`TAPT`, in the header of the file (sqlite.org/pragma, application_id)."""

STEPS = (
    "001_ledger",
    "002_loans",
    "003_foreign",
    "004_topups",
    "005_sales",
    "006_btcpay",
    "007_history",
    "008_devices",
    "009_shifts",
    "010_receipts",
    "011_till",
    "012_other_sales",
    "013_rollups",
    "014_wallets",
    "015_attempts",
    "016_few_sales",
)

_set = Migrations("taptill")


def _step(name: str) -> Callable[[Database], None]:
    def apply(db: Database) -> None:
        text = resources.files("host.store").joinpath("schema", f"{name}.sql").read_text("utf-8")
        # A blank line ends a statement; SQLite's own splitter would commit before it begins.
        for statement in text.split("\n\n"):
            db.execute(statement)

    return apply


for _name in STEPS:
    _set(name=_name)(_step(_name))

_NEWER: Final = "The database was written by a newer Taptill than this one; use that one"


def refuse_foreign(conn: sqlite3.Connection, *, read_only: bool = False) -> None:
    """Raise unless the file is empty or ours, and not from the future.

    Opened for reading only, it must also be complete: nothing can be added to it then.
    """
    try:
        (application,) = conn.execute("PRAGMA application_id").fetchone()
        (version,) = conn.execute("PRAGMA user_version").fetchone()
        (tables,) = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise explain(error) from error
    if tables and application != APPLICATION_ID:
        raise StoreDamaged("This file is not a Taptill database")
    if version > len(STEPS):
        raise StoreTooNew(f"{_NEWER} (it is of version {version}, this one knows {len(STEPS)})")
    if tables:
        db = Database(conn, execute_plugins=False)
        strange = {step.name for step in _set.applied(db)} - set(STEPS)
        if strange:
            raise StoreTooNew(f"{_NEWER} (it has a step unknown here: {min(strange)})")
    if read_only and version < len(STEPS):
        raise StoreError("The database is of an older version; open it for writing once")


def migrate(conn: sqlite3.Connection) -> None:
    """Apply what is missing, all of it or none, with every other process kept out."""
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    if version == len(STEPS):
        return
    conn.execute("BEGIN IMMEDIATE")
    try:
        refuse_foreign(conn)
        _set.apply(Database(conn, execute_plugins=False))
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {len(STEPS)}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
