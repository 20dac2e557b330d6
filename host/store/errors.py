"""What can go wrong where things are kept, in words for the person who must act.

StoreError                  anything below; nothing of the transaction was kept
├── StoreBusy               another process held the file too long: try again
├── StoreFull               the disk, or the file's own limit, is full: make room
├── StoreReadOnly           the file or its folder cannot be written: check its owner
├── StoreTooNew             a newer Taptill wrote the file: use that one
├── StoreDamaged            not our file, or the disk returned errors: restore a backup
├── StoreConflict           a rule of the schema refused the row: the caller names the outcome
└── StoreClosed             the engine is closed; or Ctrl-C came: look whether it was kept
"""

from __future__ import annotations

from host.store.driver import sqlite3


class StoreError(Exception):
    """The store could not do it, and nothing of the transaction was kept."""


class StoreBusy(StoreError):
    """Another process held the database longer than we wait; the same call may be repeated."""


class StoreFull(StoreError):
    """There is no room left; nothing was kept. Make room, then repeat."""


class StoreReadOnly(StoreError):
    """The database, or the folder around it, cannot be written."""


class StoreTooNew(StoreError):
    """The database was written by a newer Taptill than this one."""


class StoreDamaged(StoreError):
    """The file is not a Taptill database, or the disk returns errors for it."""


class StoreConflict(StoreError):
    """A constraint of the schema refused a row: the last line of defence did its work."""


class StoreClosed(StoreError):
    """The engine was closed before this could be done, or Ctrl-C ended the thread that did it.

    The one error after which something may have been kept: the interrupt can come just after the
    COMMIT. Whoever asks again joins the first result, as after a lost answer.
    """


_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL = 5, 6, 8, 10, 11, 13
_PERM, _CANTOPEN, _CONSTRAINT, _NOTADB = 3, 14, 19, 26

_BY_CODE: dict[int, tuple[type[StoreError], str]] = {
    _BUSY: (StoreBusy, "Another program is using the database; try again"),
    _LOCKED: (StoreBusy, "Another program is using the database; try again"),
    _FULL: (StoreFull, "The disk is full; make room, then try again"),
    _READONLY: (StoreReadOnly, "The database cannot be written; check its owner and its folder"),
    _PERM: (StoreReadOnly, "The database cannot be written; check its owner and its folder"),
    _CANTOPEN: (StoreReadOnly, "The database cannot be opened; check its owner and its folder"),
    _IOERR: (StoreDamaged, "The disk reports an error; check the disk and restore a backup"),
    _CORRUPT: (StoreDamaged, "The database is damaged; restore a backup"),
    _NOTADB: (StoreDamaged, "This file is not a Taptill database"),
    _CONSTRAINT: (StoreConflict, "A rule of the database refused the row"),
}


def explain(error: sqlite3.Error) -> StoreError:
    """The error of our tree for one of SQLite's, by its primary result code (sqlite.org/rescode).

    The driver's own words follow ours, because a constraint's name is in them.
    """
    code = getattr(error, "sqlite_errorcode", 1) & 0xFF
    kind, words = _BY_CODE.get(code, (StoreError, "The database refused"))
    return kind(f"{words} ({error})")
