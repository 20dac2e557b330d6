"""Disks that fill, files that are locked, foreign, too new, read-only; processes that are killed.

THREATS 31 and 32: whatever happens, nothing is told to be done that is not, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.store import engine as engine_module
from host.store import migrations
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    explain,
)
from host.store.sqlite import connect, wal_is_safe
from host.store.tx import Tx
from tests.host.store.test_engine import _until_queued, parts, put
from tests.support.threads import DEADLINE_S, Later, together

BIG = "INSERT INTO health (part, state, detail, at) VALUES (:part, 'ok', :text, 0)"


def big(tx: Tx, part: str) -> None:
    tx.run(BIG, {"part": part, "text": "x" * 200_000})


def fill_the_disk(db: Engine) -> None:
    """From now on the file cannot grow."""
    conn = db._writer._conn  # type: ignore[union-attr]
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    conn.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_keeps_nothing_and_says_so(db: Engine) -> None:
    db.transaction(lambda tx: put(tx, "before"))
    fill_the_disk(db)
    with pytest.raises(StoreFull, match="disk is full"):
        db.transaction(lambda tx: (put(tx, "half"), big(tx, "big")))
    assert parts(db) == ["before"]
    db._writer._conn.execute("PRAGMA max_page_count = 1000000")  # type: ignore[union-attr]
    db.transaction(lambda tx: big(tx, "after"))
    assert parts(db) == ["after", "before"]


def test_a_full_disk_fails_everyone_who_shared_the_commit(db: Engine) -> None:
    fill_the_disk(db)
    inside, go = threading.Event(), threading.Event()

    def first(tx: Tx) -> str:
        inside.set()
        assert go.wait(DEADLINE_S)
        return put(tx, "first")

    leader = Later(lambda: db.transaction(first))
    assert inside.wait(DEADLINE_S)
    other = Later(lambda: db.transaction(lambda tx: big(tx, "big")))
    _until_queued(db, 1)
    go.set()
    results = [_outcome(leader), _outcome(other)]
    # SQLite may undo the statement alone or the whole transaction: told is what was kept.
    assert isinstance(results[1], StoreFull)
    assert parts(db) == (["first"] if results[0] == "first" else [])


def test_swallowing_the_error_of_a_lost_transaction_does_not_go_on_outside_it(db: Engine) -> None:
    def stubborn(tx: Tx) -> str:
        conn = db._writer._conn  # type: ignore[union-attr]
        conn.execute("ROLLBACK")  # as SQLite does by itself on some I/O errors
        with contextlib.suppress(StoreError):
            tx.run("INSERT INTO nowhere VALUES (1)")
        try:
            return put(tx, "outside")
        except StoreError:
            return "swallowed"

    with pytest.raises(StoreError):
        db.transaction(stubborn)
    assert parts(db) == []


class FailingCommit:
    """The write connection of a disk that fails when it matters."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.failing = True

    @property
    def in_transaction(self) -> bool:
        return self._conn.in_transaction

    def execute(self, sql: str, *params: object) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.failing:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = 10
            raise error
        return self._conn.execute(sql, *params)  # type: ignore[arg-type]

    def close(self) -> None:
        self._conn.close()


def test_a_commit_that_fails_fails_for_everybody_in_it(db: Engine) -> None:
    disk = FailingCommit(db._writer._conn)  # type: ignore[union-attr]
    db._writer._conn = disk  # type: ignore[union-attr,assignment]
    inside, go = threading.Event(), threading.Event()

    def first(tx: Tx) -> str:
        inside.set()
        assert go.wait(DEADLINE_S)
        return put(tx, "first")

    laters = [Later(lambda: db.transaction(first))]
    assert inside.wait(DEADLINE_S)
    laters += [
        Later(lambda n=n: db.transaction(lambda tx: put(tx, f"other {n}"))) for n in range(3)
    ]
    _until_queued(db, 3)
    go.set()
    errors = [_outcome(later) for later in laters]
    assert all(isinstance(error, StoreDamaged) for error in errors)
    assert len(set(map(id, errors))) == 4
    assert parts(db) == []
    disk.failing = False
    assert db.transaction(lambda tx: put(tx, "after")) == "after"


def test_a_database_locked_by_another_process_is_busy_for_all_who_wait(db: Engine) -> None:
    other = connect(db.path, "rw", busy_ms=0)
    try:
        other.execute("BEGIN IMMEDIATE")
        outcomes = together([lambda n=n: _try(db, str(n)) for n in range(4)])
        assert all(isinstance(error, StoreBusy) for error in outcomes)
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert _try(db, "after") == "after"
    assert parts(db) == ["after"]


def test_reading_goes_on_while_another_process_writes(db: Engine) -> None:
    other = connect(db.path, "rw", busy_ms=0)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert parts(db) == []
    finally:
        other.close()


def test_a_file_that_cannot_be_written_says_so() -> None:
    script = (
        "import os, sys; from pathlib import Path; from host.clock import ManualClock\n"
        "from host.store.engine import Engine; from host.store.errors import StoreReadOnly\n"
        "path = Path(sys.argv[1]); path.as_uri()\n"  # imported while we may still read it
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: Engine.open(path, ManualClock())\n"
        "except StoreReadOnly as error: print('read-only:', error)\n"
    )
    # Not in pytest's own folder: nobody but its owner may look into that one.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "taptill.db"
        Engine.open(path, ManualClock()).close()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        told = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
        )
        path.parent.chmod(0o755)
    assert told.stdout.startswith("read-only: The database cannot be"), told.stderr


def test_a_database_from_the_future_is_refused_by_its_version(path: Path) -> None:
    Engine.open(path, ManualClock()).close()
    _meddle(path, f"PRAGMA user_version = {len(migrations.STEPS) + 1}")
    for read_only in (False, True):
        with pytest.raises(StoreTooNew, match="of version"):
            Engine.open(path, ManualClock(), read_only=read_only)


def test_a_database_from_the_future_is_refused_by_a_step_we_do_not_know(path: Path) -> None:
    Engine.open(path, ManualClock()).close()
    _meddle(
        path,
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('taptill', '999_tomorrow', '')",
    )
    with pytest.raises(StoreTooNew, match="999_tomorrow"):
        Engine.open(path, ManualClock())


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE theirs (x)")
    conn.close()
    with pytest.raises(StoreDamaged, match="not a Taptill database"):
        Engine.open(path, ManualClock())


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("a letter to my aunt, longer than the header of a database " * 20)
    with pytest.raises(StoreDamaged, match="not a Taptill database"):
        Engine.open(path, ManualClock())
    assert path.read_text().startswith("a letter")


def test_a_missing_file_is_not_made_for_a_reader(path: Path) -> None:
    with pytest.raises(StoreReadOnly):
        Engine.open(path, ManualClock(), read_only=True)
    assert not path.exists()


def test_an_empty_file_is_not_complete_for_a_reader(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match="older version"):
        Engine.open(path, ManualClock(), read_only=True)


def test_a_process_killed_inside_a_transaction_leaves_what_was_committed(path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from host.clock import ManualClock\n"
        "from host.store.engine import Engine; from tests.host.store.test_engine import put\n"
        "db = Engine.open(Path(sys.argv[1]), ManualClock())\n"
        "db.transaction(lambda tx: put(tx, 'committed'))\n"
        "db.transaction(lambda tx: (put(tx, 'half'), os._exit(9)))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    ended = subprocess.run([sys.executable, "-c", script, str(path)], env=env, check=False)
    assert ended.returncode == 9
    with Engine.open(path, ManualClock()) as db:
        assert parts(db) == ["committed"]
        assert db.transaction(lambda tx: put(tx, "after")) == "after"


def test_processes_that_open_a_new_database_at_once_all_get_it(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from host.clock import ManualClock\n"
        "from host.store.engine import Engine; from tests.host.store.test_engine import put\n"
        "sys.stdin.read()\n"
        "with Engine.open(Path(sys.argv[1]), ManualClock()) as db:\n"
        "    db.transaction(lambda tx: put(tx, sys.argv[2]))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), name], env=env, stdin=subprocess.PIPE
        )
        for name in "abc"
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(DEADLINE_S) for process in started] == [0, 0, 0]
    with Engine.open(path, ManualClock()) as db:
        assert parts(db) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 6, 23), True),
        ((3, 7, 0), False),
        ((3, 40, 1), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
    ],
)
def test_threat_31_wal_is_used_only_where_it_cannot_corrupt_the_file(
    version: tuple[int, ...], safe: bool
) -> None:
    assert wal_is_safe(version) is safe


def test_an_unsafe_sqlite_works_with_the_slower_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine.open(path, ManualClock()).close()  # a WAL file, from a better SQLite
    monkeypatch.setattr(engine_module, "wal_is_safe", lambda: False)
    with Engine.open(path, ManualClock()) as db:
        mode = db._writer._conn.execute("PRAGMA journal_mode").fetchone()[0]  # type: ignore[union-attr]
        assert mode == "truncate"
        assert db.transaction(lambda tx: put(tx, "a")) == "a"
        assert together([lambda n=n: _try(db, str(n)) for n in range(4)]) == list("0123")
        assert len(parts(db)) == 5


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(migrations._set, "apply", broken)
    with pytest.raises(StoreError, match="no"):
        Engine.open(path, ManualClock())
    monkeypatch.undo()
    with Engine.open(path, ManualClock()) as db:
        assert parts(db) == []


def test_an_error_we_do_not_know_is_still_one_of_ours() -> None:
    assert type(explain(sqlite3.OperationalError("odd"))) is StoreError


def _try(db: Engine, name: str) -> object:
    try:
        return db.transaction(lambda tx: put(tx, name))
    except StoreError as error:
        return error


def _outcome(later: Later[object]) -> object:
    try:
        return later.result()
    except StoreError as error:
        return error


def _meddle(path: Path, sql: str) -> None:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute(sql)
    conn.close()
