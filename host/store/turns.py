"""Leader and followers: many threads hand in work, one of them does all that waits.

A thread that finds nobody at work becomes the leader and works in its own thread, without a
hop. Threads that come meanwhile queue up and sleep. The leader takes what is queued into its
batch, ends the batch (one COMMIT for all), wakes its followers, and hands the lead to the first
thread that queued after the batch was closed.

What holds, and is tested:
- at any time at most one thread leads; a queued job is taken by exactly one leader;
- every taken job is settled before its thread is woken: a value or an error, never neither;
- the lead is always handed on, also when the work raises or the leader is interrupted.

So a follower's function runs on the leader's thread: it must not rely on thread-local state.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from host.store.errors import StoreClosed

T = TypeVar("T")


class Job(Generic[T]):
    """One caller's function, and what became of it."""

    __slots__ = ("_error", "_value", "fn", "heir", "settled", "woken")

    def __init__(self, fn: Callable[[Any], T]) -> None:
        self.fn = fn
        self.settled = False
        self.heir = False
        self.woken: threading.Lock | None = None
        self._value: T | None = None
        self._error: BaseException | None = None

    def succeed(self, value: T) -> None:
        """Settle with a value; only after the batch is durable."""
        self._value, self.settled = value, True

    def fail(self, error: BaseException) -> None:
        """Settle with the error its caller will see."""
        self._error, self.settled = error, True

    def result(self) -> T:
        """The value, or raise the error in the thread of the caller."""
        error = self._error
        if error is not None:
            try:
                raise error
            finally:
                # An error and its traceback point at each other: let both go with the caller.
                self._error = error = None
        return self._value  # type: ignore[return-value]  # settled: `succeed` was called


class Turns:
    """The queue. `work` gets the jobs of one batch and settles every job it takes.

    `work` draws jobs until it has enough; jobs it did not draw stay for the next leader.
    """

    def __init__(self, work: Callable[[Iterator[Job[Any]]], None], *, batch_size: int = 64) -> None:
        self._work = work
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._queue: deque[Job[Any]] = deque()
        self._led = False

    def take(self, fn: Callable[[Any], T]) -> T:
        """Have `fn` done, by this thread or by the one that leads; its value or its error."""
        job = Job(fn)
        if self._enter(job) or self._wait(job):
            self._lead(job)
        return job.result()

    def _enter(self, job: Job[Any]) -> bool:
        """True when nobody leads and this thread does now; else the job is queued."""
        with self._lock:
            if not self._led:
                self._led = True
                return True
            job.woken = threading.Lock()
            job.woken.acquire()
            self._queue.append(job)
            return False

    def _wait(self, job: Job[Any]) -> bool:
        """Sleep until woken; True when this thread was handed the lead instead of a result."""
        assert job.woken is not None  # noqa: S101 - `_enter` queued it
        try:
            job.woken.acquire()
        except BaseException:
            self._abandon(job)
            raise
        return job.heir

    def _abandon(self, job: Job[Any]) -> None:
        """A waiting thread was interrupted: leave the queue, or hand on the lead it was given."""
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
                return
        if job.heir:
            self._hand_over()

    def _lead(self, own: Job[Any]) -> None:
        drawn: list[Job[Any]] = []
        failure: Exception = RuntimeError("the leader left a job unsettled")
        try:
            self._work(self._draw(own, drawn))
        except Exception as error:  # noqa: BLE001 - it concerns all that were drawn
            failure = error
        except BaseException:
            failure = StoreClosed("The thread that wrote for this one was interrupted; look again")
            raise
        finally:
            for job in (own, *drawn):
                if not job.settled:
                    # One each: an error that is raised in several threads mixes their traces.
                    mine = copy.copy(failure)
                    mine.__cause__ = failure.__cause__
                    job.fail(mine)
            self._hand_over()
            for job in drawn:
                if job.woken is not None and job is not own:
                    job.woken.release()

    def _draw(self, own: Job[Any], drawn: list[Job[Any]]) -> Iterator[Job[Any]]:
        """The leader's own job, then what is queued by the time it is asked for."""
        drawn.append(own)
        yield own
        while len(drawn) < self._batch_size:
            with self._lock:
                if not self._queue:
                    return
                job = self._queue.popleft()
                drawn.append(job)
            yield job

    def _hand_over(self) -> None:
        """Nominate the first that waits, or let the next comer lead."""
        with self._lock:
            if not self._queue:
                self._led = False
                return
            heir = self._queue.popleft()
            heir.heir = True
        assert heir.woken is not None  # noqa: S101 - only queued jobs are in the queue
        heir.woken.release()
