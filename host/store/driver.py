"""The SQLite driver: `pysqlite3` where it is there (it brings a SQLite of its own), else Python's.

sqlite-utils makes that choice; everything here takes what it took, so that there is one SQLite
in the process. Two would break the locks of a file they both open (sqlite.org/howtocorrupt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    from sqlite_utils.utils import sqlite3

__all__ = ["sqlite3"]
