"""The engine: all or nothing, durable or not told, one picture to those who read."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.errors import StoreClosed, StoreConflict, StoreError, StoreReadOnly
from host.store.sqlite import connect, wal_is_safe
from host.store.tx import Tx
from tests.support.threads import DEADLINE_S, Later, together

PUT = "INSERT INTO health (part, state, detail, at) VALUES (:part, 'ok', '', :at)"


def put(tx: Tx, part: str) -> str:
    tx.run(PUT, {"part": part, "at": tx.now})
    return part


def parts(db: Engine) -> list[str]:
    return [row["part"] for row in db.read(lambda tx: tx.all("SELECT part FROM health"))]


def test_a_transaction_gives_its_value_and_the_time(db: Engine) -> None:
    assert db.transaction(lambda tx: (put(tx, "a"), tx.now)) == ("a", db.clock.now())
    assert parts(db) == ["a"]


def test_a_transaction_that_raises_keeps_nothing(db: Engine) -> None:
    def half(tx: Tx) -> None:
        put(tx, "a")
        raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        db.transaction(half)
    assert parts(db) == []


def test_of_a_shared_commit_only_the_one_that_raises_is_undone(db: Engine) -> None:
    inside, go = threading.Event(), threading.Event()

    def first(tx: Tx) -> str:
        inside.set()
        assert go.wait(DEADLINE_S)
        return put(tx, "first")

    def bad(tx: Tx) -> None:
        put(tx, "bad")
        raise KeyError("mine alone")

    leader = Later(lambda: db.transaction(first))
    assert inside.wait(DEADLINE_S)
    others = [
        Later(lambda: db.transaction(lambda tx: put(tx, "second"))),
        Later(lambda: db.transaction(bad)),
        Later(lambda: db.transaction(lambda tx: put(tx, "third"))),
    ]
    _until_queued(db, 3)
    go.set()
    assert leader.result() == "first"
    assert others[0].result() == "second"
    with pytest.raises(KeyError, match="mine alone"):
        others[1].result()
    assert others[2].result() == "third"
    assert sorted(parts(db)) == ["first", "second", "third"]


def test_when_the_first_of_a_shared_commit_raises_the_others_are_still_kept(db: Engine) -> None:
    inside, go = threading.Event(), threading.Event()

    def first(tx: Tx) -> None:
        put(tx, "first")
        inside.set()
        assert go.wait(DEADLINE_S)
        raise KeyError("first")

    leader = Later(lambda: db.transaction(first))
    assert inside.wait(DEADLINE_S)
    other = Later(lambda: db.transaction(lambda tx: put(tx, "second")))
    _until_queued(db, 1)
    go.set()
    with pytest.raises(KeyError):
        leader.result()
    assert other.result() == "second"
    assert parts(db) == ["second"]


def test_many_threads_share_commits_and_lose_nothing(db: Engine) -> None:
    names = [[f"{thread}.{n}" for n in range(20)] for thread in range(16)]

    def work(mine: list[str]) -> list[str]:
        return [db.transaction(lambda tx, name=name: put(tx, name)) for name in mine]

    assert together([lambda mine=mine: work(mine) for mine in names]) == names
    assert sorted(parts(db)) == sorted(name for mine in names for name in mine)


def test_a_call_from_inside_is_refused_and_the_tx_takes_its_place(db: Engine) -> None:
    inner = {
        "transaction in transaction": lambda: db.transaction(lambda _: db.transaction(len)),  # type: ignore[arg-type]
        "read in transaction": lambda: db.transaction(lambda _: db.read(len)),  # type: ignore[arg-type]
        "transaction in read": lambda: db.read(lambda _: db.transaction(len)),  # type: ignore[arg-type]
        "read in read": lambda: db.read(lambda _: db.read(len)),  # type: ignore[arg-type]
        "events in transaction": lambda: db.transaction(lambda _: db.events.last_id()),
    }
    for name, call in inner.items():
        with pytest.raises(RuntimeError, match="already inside"):
            call()
        assert name
    assert db.transaction(lambda tx: tx.transaction(lambda same: put(same, "a"))) == "a"
    assert db.transaction(lambda tx: tx.read(lambda same: same is tx))


def test_a_kept_tx_cannot_be_used_afterwards(db: Engine) -> None:
    kept = db.transaction(lambda tx: tx)
    with pytest.raises(StoreClosed):
        put(kept, "a")
    kept = db.read(lambda tx: tx)
    with pytest.raises(StoreClosed):
        kept.one("SELECT 1")
    assert parts(db) == []


def test_a_function_that_commits_by_itself_is_an_error(db: Engine) -> None:
    def meddler(tx: Tx) -> None:
        tx.run("COMMIT")

    with pytest.raises(StoreError, match="ended the transaction"):
        db.transaction(meddler)
    assert db.transaction(lambda tx: put(tx, "after")) == "after"


@pytest.mark.skipif(not wal_is_safe(), reason="without WAL a reader holds writers up")
def test_a_read_is_one_picture_while_others_write(db: Engine) -> None:
    def look(tx: Tx) -> tuple[int, int]:
        before = len(tx.all("SELECT part FROM health"))
        Later(lambda: db.transaction(lambda other: put(other, "meanwhile"))).result()
        return before, len(tx.all("SELECT part FROM health"))

    assert db.read(look) == (0, 0)
    assert parts(db) == ["meanwhile"]


def test_a_read_cannot_write(db: Engine) -> None:
    with pytest.raises(StoreReadOnly):
        db.read(lambda tx: put(tx, "a"))


def test_a_constraint_of_the_schema_is_a_conflict_that_names_it(db: Engine) -> None:
    db.transaction(lambda tx: put(tx, "a"))
    with pytest.raises(StoreConflict, match=r"health\.part"):
        db.transaction(lambda tx: put(tx, "a"))


def test_a_caught_conflict_leaves_the_rest_of_the_transaction(db: Engine) -> None:
    def twice(tx: Tx) -> str:
        put(tx, "a")
        with pytest.raises(StoreConflict):
            put(tx, "a")
        return put(tx, "b")

    assert db.transaction(twice) == "b"
    assert parts(db) == ["a", "b"]


def test_values_of_the_wrong_type_are_refused(db: Engine) -> None:
    with pytest.raises(StoreConflict):
        db.transaction(lambda tx: tx.run(PUT, {"part": "a", "at": "yesterday"}))


def test_a_row_that_names_no_other_is_refused(db: Engine) -> None:
    sql = "INSERT INTO terminals VALUES ('t', 'no such store', 't', NULL, 0)"
    with pytest.raises(StoreConflict, match="FOREIGN KEY"):
        db.transaction(lambda tx: tx.run(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entries SET at = 1",
        "DELETE FROM entries",
        "REPLACE INTO entries SELECT * FROM entries",
        "UPDATE audit SET at = 1",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT * FROM audit",
        "UPDATE events SET at = 1",
    ],
)
def test_entries_audit_and_events_are_never_changed(db: Engine, sql: str) -> None:
    def fill(tx: Tx) -> None:
        tx.run("INSERT INTO stores VALUES ('s', 's', 'SATS', 'UTC', 0, 0)")
        tx.run(
            "INSERT INTO pull_payments (pull_payment_id, store_id, name, state, balance_msat,"
            " held_msat, paid_msat, created_at) VALUES ('a', 's', 'a', 'running', 0, 0, 0, 0)"
        )
        tx.run("INSERT INTO entries VALUES ('e', 0, 'a', NULL, NULL, 'fund', 1, 0, '', NULL)")
        tx.run("INSERT INTO audit VALUES (1, 0, NULL, 'x', NULL, '{}', zeroblob(32))")
        tx.event("a.b")

    db.transaction(fill)
    with pytest.raises(StoreConflict, match="never"):
        db.transaction(lambda tx: tx.run(sql))


def test_the_file_belongs_to_its_owner_alone(db: Engine) -> None:
    assert stat.S_IMODE(db.path.stat().st_mode) == 0o600


def test_the_settings_that_keep_money_safe_are_on_every_connection(db: Engine) -> None:
    for conn in (db._writer._conn, db._readers.connect()):  # type: ignore[union-attr]
        assert conn.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert conn.execute("PRAGMA recursive_triggers").fetchone()[0] == 1
        if conn is not db._writer._conn:  # type: ignore[union-attr]
            conn.close()


def test_a_closed_engine_says_so(path: Path) -> None:
    db = Engine.open(path, ManualClock())
    db.close()
    db.close()
    with pytest.raises(StoreClosed):
        db.transaction(lambda tx: put(tx, "a"))
    with pytest.raises(StoreClosed):
        db.read(lambda tx: tx.one("SELECT 1"))


def test_closing_waits_for_the_transaction_that_runs(path: Path) -> None:
    db = Engine.open(path, ManualClock())
    inside, go = threading.Event(), threading.Event()

    def slow(tx: Tx) -> str:
        inside.set()
        assert go.wait(DEADLINE_S)
        return put(tx, "kept")

    writing = Later(lambda: db.transaction(slow))
    assert inside.wait(DEADLINE_S)
    closing = Later(db.close)
    assert not closing.over
    go.set()
    closing.result()
    assert writing.result() == "kept"
    with Engine.open(path, ManualClock()) as again:
        assert parts(again) == ["kept"]


def test_a_backup_stands_alone_and_never_overwrites(db: Engine, tmp_path: Path) -> None:
    db.transaction(lambda tx: put(tx, "a"))
    target = tmp_path / "backup.db"
    db.backup(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with Engine.open(target, ManualClock(), read_only=True) as copy:
        assert parts(copy) == ["a"]
    with pytest.raises(FileExistsError):
        db.backup(target)


def test_opened_for_reading_nothing_is_written(db: Engine) -> None:
    db.transaction(lambda tx: put(tx, "a"))
    with Engine.open(db.path, ManualClock(), read_only=True) as reader:
        assert parts(reader) == ["a"]
        with pytest.raises(StoreReadOnly):
            reader.transaction(lambda tx: put(tx, "b"))
        assert reader.events.wait(0, 0) is False


def test_rows_can_be_taken_one_at_a_time(db: Engine) -> None:
    for name in "abc":
        db.transaction(lambda tx, name=name: put(tx, name))
    names = db.read(lambda tx: [row["part"] for row in tx.each("SELECT part FROM health")])
    assert names == ["a", "b", "c"]


def test_an_older_connection_sees_what_a_newer_one_wrote(db: Engine) -> None:
    other = connect(db.path, "rw")
    try:
        other.execute(PUT, {"part": "elsewhere", "at": 0})
    finally:
        other.close()
    assert parts(db) == ["elsewhere"]
    assert isinstance(other, sqlite3.Connection)


def _until_queued(db: Engine, number: int) -> None:
    pause = threading.Event()
    for _ in range(int(DEADLINE_S * 1000)):
        if len(db._turns._queue) == number:
            return
        pause.wait(0.001)
    raise AssertionError("nobody queued")
