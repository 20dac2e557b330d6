"""Threads are looked after: one that breaks is started again, after growing pauses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from host.supervise import PAUSES_S, Worker

DEADLINE_S = 60.0


class Waits(threading.Event):
    """A stop event that notes how long it was waited for, and never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout)
        return self.is_set()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.CRITICAL, "host.supervise"):
        yield


def broken(times: int) -> tuple[list[int], object]:
    """A body that breaks so many times, then returns."""
    runs: list[int] = []

    def body(_stop: threading.Event) -> None:
        runs.append(len(runs))
        if len(runs) <= times:
            raise RuntimeError(f"fault {len(runs)}")

    return runs, body


def test_a_body_that_returns_is_over() -> None:
    runs, body = broken(0)
    worker = Worker("one", body)  # type: ignore[arg-type]
    worker.start()
    assert worker.join(DEADLINE_S)
    assert (runs, worker.faults, worker.alive) == ([0], 0, False)


def test_a_body_that_breaks_is_started_again_with_a_growing_pause() -> None:
    runs, body = broken(6)
    worker = Worker("one", body)  # type: ignore[arg-type]
    waits = worker._stop = Waits()
    worker.start()
    assert worker.join(DEADLINE_S)
    assert len(runs) == 7
    assert worker.faults == 6
    assert waits.asked == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]


def test_a_fault_is_told_and_logged_with_the_name_of_the_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[BaseException] = []
    _, body = broken(1)
    worker = Worker("reader bar", body, pauses=(0.0,), on_fault=told.append)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR, "host.supervise"):
        worker.start()
        assert worker.join(DEADLINE_S)
    assert [str(fault) for fault in told] == ["fault 1"]
    assert "reader bar failed" in caplog.text


def test_stop_ends_a_body_that_listens_and_one_that_pauses_after_a_fault() -> None:
    began = threading.Event()

    def patient(stop: threading.Event) -> None:
        began.set()
        stop.wait()

    def hopeless(_stop: threading.Event) -> None:
        began.set()
        raise RuntimeError("again")

    for body in (patient, hopeless):
        began.clear()
        worker = Worker("one", body, pauses=(3_600.0,))
        worker.start()
        assert began.wait(DEADLINE_S)
        assert worker.alive
        worker.stop()
        assert worker.join(DEADLINE_S)


def test_join_tells_when_a_body_does_not_end() -> None:
    release = threading.Event()

    def deaf(_stop: threading.Event) -> None:
        release.wait(DEADLINE_S)

    worker = Worker("stubborn", deaf)
    worker.start()
    worker.stop()
    assert not worker.join(0.01)
    release.set()
    assert worker.join(DEADLINE_S)


def test_a_worker_that_never_started_is_joined_too() -> None:
    assert Worker("one", lambda _stop: None).join(0)
