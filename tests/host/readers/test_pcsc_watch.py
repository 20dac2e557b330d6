"""The status thread of PC/SC, against a service whose readers come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

pytest.importorskip("smartcard", reason="pyscard is not installed: it needs a compiler")

from smartcard import scard

from host.readers import pcsc_watch
from host.readers.base import ReaderGone
from host.readers.pcsc_api import NEW_READER, PcscError
from host.readers.pcsc_watch import PcscWatcher, Slot

LONG = 30.0
CHANGED = scard.SCARD_STATE_CHANGED


class Service:
    """pcscd as its clients see it: readers, event counters, notifications; and its own death."""

    def __init__(self) -> None:
        self.states: dict[str, int] = {}
        self.running = True
        self.contexts = 0
        self._plugged = 0
        self._changed = threading.Condition()

    def set(self, reader: str, state: int | None) -> None:
        """Plug a reader in, change its state, or (None) pull it out."""
        with self._changed:
            if (state is None) or reader not in self.states:
                self._plugged += 1
            if state is None:
                del self.states[reader]
            else:
                self.states[reader] = state
            self._changed.notify_all()

    def run(self, running: bool) -> None:
        with self._changed:
            self.running = running
            self._changed.notify_all()

    def context(self) -> Context:
        return Context(self)


class Context:
    """Stands in for `pcsc_api.Context`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._cancelled = False
        service.contexts += 1
        self._require()

    def readers(self) -> list[str]:
        self._require()
        return list(self._service.states)

    def wait_change(
        self, known: Sequence[tuple[str, int]], timeout_ms: int
    ) -> list[tuple[str, int]] | None:
        service = self._service
        with service._changed:
            plugged = service._plugged
            if not {name for name, _ in known} <= {*service.states, NEW_READER}:
                raise PcscError(scard.SCARD_E_UNKNOWN_READER)

            def new() -> list[tuple[str, int]]:
                now = [
                    (name, service.states.get(name, scard.SCARD_STATE_UNKNOWN))
                    for name, _ in known[:-1]
                ]
                changes = [
                    (name, state | CHANGED if state != before else state)
                    for (name, state), (_, before) in zip(now, known, strict=False)
                ]
                changes.append((NEW_READER, CHANGED if service._plugged != plugged else 0))
                return changes

            def awake() -> bool:
                return (
                    not service.running
                    or self._cancelled
                    or any(state & CHANGED for _, state in new())
                )

            if not service._changed.wait_for(awake, timeout_ms / 1000):
                return None
            self._require()
            if self._cancelled:
                raise PcscError(scard.SCARD_E_CANCELLED)
            return new()

    def cancel(self) -> None:
        with self._service._changed:
            self._cancelled = True
            self._service._changed.notify_all()

    def close(self) -> None:
        pass

    def _require(self) -> None:
        if not self._service.running:
            raise PcscError(scard.SCARD_E_NO_SERVICE)


EMPTY = 0x0_0010
CARD, NO_CARD, NEXT_CARD = 0x1_0020, 0x2_0010, 0x3_0020
IN_USE = 0x0100


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(pcsc_watch, "Context", service.context)
    monkeypatch.setattr(pcsc_watch, "_FIRST_PAUSE_S", 0.01)
    return service


@pytest.fixture
def watcher(service: Service) -> Iterator[PcscWatcher]:
    service.set("left", EMPTY)
    service.set("right", EMPTY)
    watcher = PcscWatcher()
    assert watcher.readers(LONG) == ["left", "right"]
    yield watcher
    watcher.stop()


def card_in(watcher: PcscWatcher, reader: str, not_number: int = 0) -> Slot:
    slot = watcher.wait(reader, lambda slot: slot.card not in (0, not_number), LONG)
    assert slot is not None
    return slot


def test_a_card_is_seen_once_and_keeps_its_number_while_it_lies(
    service: Service, watcher: PcscWatcher
) -> None:
    service.set("left", CARD)
    slot = card_in(watcher, "left")
    service.set("left", CARD | IN_USE)
    used = watcher.wait("left", lambda slot: bool(slot.state & IN_USE), LONG)
    assert used is not None
    assert (used.card, used.seen_ns) == (slot.card, slot.seen_ns)


def test_a_card_swapped_between_two_looks_is_another_presentation(
    service: Service, watcher: PcscWatcher
) -> None:
    service.set("left", CARD)
    first = card_in(watcher, "left")
    service.set("left", NEXT_CARD)
    assert card_in(watcher, "left", first.card).card != first.card


def test_a_card_on_one_reader_is_not_on_the_other(service: Service, watcher: PcscWatcher) -> None:
    service.set("left", CARD)
    card_in(watcher, "left")
    assert watcher.wait("right", lambda slot: slot.card != 0, 0) is None


def test_a_reader_pulled_out_is_gone_alone(service: Service, watcher: PcscWatcher) -> None:
    service.set("left", None)
    with pytest.raises(ReaderGone, match="left was unplugged"):
        watcher.wait("left", lambda slot: False, LONG)
    service.set("right", CARD)
    card_in(watcher, "right")


def test_a_reader_plugged_in_is_found(service: Service, watcher: PcscWatcher) -> None:
    service.set("left", None)
    with pytest.raises(ReaderGone):
        watcher.wait("left", lambda slot: False, LONG)
    service.set("left", CARD)
    service.set("right", CARD)
    card_in(watcher, "right")  # by now the thread has looked
    card_in(watcher, "left")


def test_a_service_that_stops_is_named_and_one_that_comes_back_is_found(
    service: Service, watcher: PcscWatcher
) -> None:
    service.run(False)
    with pytest.raises(ReaderGone, match="pcscd does not answer"):
        watcher.wait("left", lambda slot: False, LONG)
    before = service.contexts
    service.run(True)
    while True:
        try:
            watcher.wait("left", lambda slot: True, LONG)
            break
        except ReaderGone:
            watcher.pause(0.01)
    assert service.contexts > before
    service.set("left", CARD)
    card_in(watcher, "left")


def test_a_service_that_is_not_there_at_the_start_says_so_at_once(service: Service) -> None:
    service.run(False)
    watcher = PcscWatcher()
    with pytest.raises(ReaderGone, match="pcscd does not answer"):
        watcher.readers(LONG)
    watcher.stop()


def test_a_mistake_in_the_thread_does_not_end_it(
    service: Service, watcher: PcscWatcher, caplog: pytest.LogCaptureFixture
) -> None:
    service.states["left"] = "no state"  # type: ignore[assignment]
    service.set("right", CARD)
    with pytest.raises(ReaderGone):
        watcher.wait("left", lambda slot: False, LONG)
    assert "PC/SC status thread" in caplog.text
    service.set("left", CARD)
    while True:
        try:
            card_in(watcher, "left")
            break
        except ReaderGone:
            watcher.pause(0.01)


def test_stopping_wakes_who_waits(watcher: PcscWatcher) -> None:
    stopper = threading.Timer(0.05, watcher.stop)
    stopper.start()
    with pytest.raises(ReaderGone, match="closed"):
        watcher.wait("left", lambda slot: False, 60)
    stopper.join()
    watcher.stop()
