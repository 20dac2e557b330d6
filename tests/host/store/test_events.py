"""The outbox: told in order, after the commit, to this process and to others."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from host.clock import ManualClock
from host.store.engine import Engine
from host.store.tx import Tx
from tests.support.threads import DEADLINE_S, Later, together

LONG = int(DEADLINE_S * 1000)


def tell(db: Engine, kind: str) -> None:
    db.transaction(lambda tx: tx.event(kind, store_id="s", subject="x", data={"n": 1}))


def test_events_come_in_order_with_what_they_tell(db: Engine) -> None:
    assert db.events.last_id() == 0
    tell(db, "a.b")
    tell(db, "c.d")
    first, second = db.events.after(0)
    assert (first.kind, first.store_id, first.subject, first.data) == ("a.b", "s", "x", {"n": 1})
    assert first.at == db.clock.now()
    assert db.events.after(first.event_id) == [second]
    assert db.events.after(0, kinds=["c.d", "e.f"]) == [second]
    assert db.events.after(0, limit=1) == [first]
    assert db.events.after(0, kinds=[]) == []
    assert db.events.last_id() == second.event_id


def test_waiting_ends_at_once_when_there_is_something_already(db: Engine) -> None:
    tell(db, "a.b")
    assert db.events.wait(0, 0)
    assert not db.events.wait(db.events.last_id(), 0)


def test_waiters_wake_when_a_transaction_is_durable(db: Engine) -> None:
    waiters = [Later(lambda: db.events.wait(0, LONG)) for _ in range(4)]
    tell(db, "a.b")
    assert [waiter.result() for waiter in waiters] == [True] * 4


def test_only_the_kinds_waited_for_wake(db: Engine) -> None:
    tell(db, "a.b")
    seen = db.events.known_id
    assert seen == db.events.last_id()
    tell(db, "a.b")
    assert not db.events.wait(seen, 0, {"c.d"})
    waiter = Later(lambda: db.events.wait(seen, LONG, {"c.d", "e.f"}))
    tell(db, "c.d")
    assert waiter.result()


def test_what_another_process_tells_may_be_of_any_kind(db: Engine) -> None:
    other = Engine.open(db.path, ManualClock())
    try:
        tell(db, "a.b")
        seen = db.events.known_id
        tell(other, "c.d")
        tell(db, "a.b")  # told here first, and it must not hide the one before it
        assert db.events.wait(seen, 0, {"c.d"})
    finally:
        other.close()


def test_a_transaction_that_was_undone_tells_nobody(db: Engine) -> None:
    def undone(tx: Tx) -> None:
        tx.event("a.b")
        raise KeyError

    with contextlib.suppress(KeyError):
        db.transaction(undone)
    assert not db.events.wait(0, 0)
    assert db.events.after(0) == []


def test_waiters_wake_for_another_process(db: Engine) -> None:
    script = (
        "import sys; from pathlib import Path; from host.clock import ManualClock\n"
        "from host.store.engine import Engine\n"
        "with Engine.open(Path(sys.argv[1]), ManualClock()) as db:\n"
        "    db.transaction(lambda tx: tx.event('from.afar'))\n"
    )
    waiters = [Later(lambda: db.events.wait(0, LONG)) for _ in range(3)]
    subprocess.run(
        [sys.executable, "-c", script, str(db.path)],
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert [waiter.result() for waiter in waiters] == [True] * 3
    assert [event.kind for event in db.events.after(0)] == ["from.afar"]


def test_when_the_one_who_looks_goes_home_another_takes_over(db: Engine) -> None:
    other = Engine.open(db.path, ManualClock())
    try:
        patient = Later(lambda: db.events.wait(0, LONG))
        assert db.events.wait(0, 60) is False
        tell(other, "a.b")
        assert patient.result()
    finally:
        other.close()


def test_closing_sends_waiters_home(path: Path) -> None:
    db = Engine.open(path, ManualClock())
    waiters = [Later(lambda: db.events.wait(0, LONG)) for _ in range(3)]
    db.close()
    assert [waiter.result() for waiter in waiters] == [False] * 3
    assert db.events.wait(0, LONG) is False


def test_nobody_misses_an_event_however_many_tell_and_listen(db: Engine) -> None:
    total = 60

    def listen() -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            assert db.events.wait(seen[-1] if seen else 0, LONG)
            seen += [event.event_id for event in db.events.after(seen[-1] if seen else 0)]
        return seen

    listeners = [Later(listen) for _ in range(3)]
    together([lambda: [tell(db, "a.b") for _ in range(total // 4)] for _ in range(4)])
    assert [listener.result() for listener in listeners] == [list(range(1, total + 1))] * 3
