"""Leader and followers: one works for all, nobody is lost, errors go home."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.store.errors import StoreClosed
from host.store.turns import Job, Turns
from tests.support.threads import DEADLINE_S, Later, together


class Record:
    """Work that remembers its batches and can be held up."""

    def __init__(self, batch_size: int = 64) -> None:
        self.batches: list[list[Any]] = []
        self.inside = 0
        self.most_inside = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.turns = Turns(self.work, batch_size=batch_size)

    def work(self, jobs: Iterator[Job[Any]]) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        done = []
        for job in jobs:
            if not done:
                self.entered.release()
                assert self.gate.wait(DEADLINE_S)
            try:
                done.append((job, job.fn(None)))
            except Exception as error:  # noqa: BLE001
                job.fail(error)
        self.batches.append([value for _, value in done])
        self.inside -= 1
        for job, value in done:
            job.succeed(value)

    def queue(self, fns: list[Any]) -> list[Later[Any]]:
        """Let one leader be held up inside, and others queue behind it in this order."""
        self.gate.clear()
        laters = [Later(lambda: self.turns.take(lambda _: "leader"))]
        assert self.entered.acquire(timeout=DEADLINE_S)
        for number, fn in enumerate(fns, start=1):
            laters.append(Later(lambda fn=fn: self.turns.take(fn)))
            self._until_queued(number)
        return laters

    def _until_queued(self, number: int) -> None:
        deadline = threading.Event()
        for _ in range(int(DEADLINE_S * 1000)):
            if len(self.turns._queue) == number:
                return
            deadline.wait(0.001)
        raise AssertionError("nobody queued")


def test_alone_the_work_is_done_in_the_callers_own_thread() -> None:
    record = Record()
    assert record.turns.take(lambda _: threading.get_ident()) == threading.get_ident()


def test_what_queues_behind_a_leader_goes_into_its_batch() -> None:
    record = Record()
    laters = record.queue([lambda _, n=n: n for n in range(5)])
    record.gate.set()
    assert [later.result() for later in laters] == ["leader", 0, 1, 2, 3, 4]
    assert record.batches == [["leader", 0, 1, 2, 3, 4]]


def test_a_full_batch_leaves_the_rest_to_the_next_leader() -> None:
    record = Record(batch_size=3)
    laters = record.queue([lambda _, n=n: n for n in range(5)])
    record.gate.set()
    assert [later.result() for later in laters] == ["leader", 0, 1, 2, 3, 4]
    assert record.batches == [["leader", 0, 1], [2, 3, 4]]


def test_an_error_goes_to_its_own_caller_and_nobody_else() -> None:
    record = Record()

    def bad(_: object) -> None:
        raise KeyError("mine")

    laters = record.queue([lambda _: "before", bad, lambda _: "after"])
    record.gate.set()
    assert laters[1].result() == "before"
    with pytest.raises(KeyError, match="mine"):
        laters[2].result()
    assert laters[3].result() == "after"


def test_a_leader_that_breaks_down_fails_its_batch_and_hands_on_the_lead() -> None:
    class Broken(Record):
        def work(self, jobs: Iterator[Job[Any]]) -> None:
            super().work(jobs) if self.batches else self.break_down(jobs)

        def break_down(self, jobs: Iterator[Job[Any]]) -> None:
            next(jobs)
            self.batches.append(["broken"])
            self.entered.release()
            assert self.gate.wait(DEADLINE_S)
            next(jobs)
            raise OSError("the disk is gone")

    record = Broken()
    laters = record.queue([lambda _: 1, lambda _: 2])
    record.gate.set()
    for later in laters[:2]:
        with pytest.raises(OSError, match="the disk is gone"):
            later.result()
    assert laters[2].result() == 2


def test_an_interrupted_leader_settles_everybody_before_it_goes() -> None:
    interrupts = [KeyboardInterrupt()]

    def work(jobs: Iterator[Job[Any]]) -> None:
        for job in jobs:
            if interrupts:
                raise interrupts.pop()
            job.succeed(job.fn(None))

    turns = Turns(work)
    with pytest.raises(KeyboardInterrupt):
        turns.take(lambda _: 1)
    assert turns.take(lambda _: 2) == 2


def test_those_behind_an_interrupted_leader_learn_it_as_an_error_of_the_store() -> None:
    class Interrupted(Record):
        def work(self, jobs: Iterator[Job[Any]]) -> None:
            if self.batches:
                super().work(jobs)
                return
            next(jobs)
            self.batches.append([])
            self.entered.release()
            assert self.gate.wait(DEADLINE_S)
            next(jobs)
            raise KeyboardInterrupt

    record = Interrupted()
    laters = record.queue([lambda _: 1, lambda _: 2])
    record.gate.set()
    with pytest.raises(KeyboardInterrupt):
        laters[0].result()
    with pytest.raises(StoreClosed, match="look again"):
        laters[1].result()
    assert laters[2].result() == 2


def test_work_that_leaves_a_job_unsettled_is_an_error_and_not_a_silence() -> None:
    turns = Turns(lambda jobs: None)
    with pytest.raises(RuntimeError, match="unsettled"):
        turns.take(lambda _: 1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.booleans(), max_size=6), min_size=1, max_size=6), st.integers(1, 8))
def test_every_job_is_done_once_and_answered_in_its_own_thread(
    plans: list[list[bool]], batch_size: int
) -> None:
    record = Record(batch_size)
    done: list[tuple[int, int]] = []

    def caller(me: int, plan: list[bool]) -> list[str]:
        answers = []
        for number, good in enumerate(plan):

            def fn(_: object, number: int = number, good: bool = good) -> str:
                done.append((me, number))
                if not good:
                    raise ValueError(f"{me}.{number}")
                return f"{me}.{number}"

            try:
                answers.append(record.turns.take(fn))
            except ValueError as error:
                answers.append(f"error {error}")
        return answers

    told = together([lambda me=me, plan=plan: caller(me, plan) for me, plan in enumerate(plans)])
    assert sorted(done) == [(me, n) for me, plan in enumerate(plans) for n in range(len(plan))]
    assert told == [
        [f"{me}.{n}" if good else f"error {me}.{n}" for n, good in enumerate(plan)]
        for me, plan in enumerate(plans)
    ]
    assert record.most_inside <= 1
    assert max(map(len, record.batches), default=0) <= batch_size
