"""The virtual slot as pcscd's driver sees it, one message at a time; pcscd itself is elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.twin import vpcd
from hardware.twin.bench import Bench
from hardware.twin.store import Drawer
from hardware.twin.vpcd import ATR, VpcdSlot
from tests.hardware.twin.cards import SELECT

DEADLINE_S = 10.0
POWER_OFF, POWER_ON, RESET, LOOK = b"\x00", b"\x01", b"\x02", b"\x04"
GONE = b""


class Service:
    """The driver's end: whoever connects is a card, and one that hangs up is none."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._server.settimeout(DEADLINE_S)
        self.port: int = self._server.getsockname()[1]
        self._slot: socket.socket | None = None

    def send(self, message: bytes) -> None:
        if self._slot is None:
            self._slot, _ = self._server.accept()
            self._slot.settimeout(DEADLINE_S)
        self._slot.sendall(len(message).to_bytes(2, "big") + message)

    def receive(self) -> bytes:
        assert self._slot is not None
        try:
            length = self._slot.recv(2)
            answer = self._slot.recv(int.from_bytes(length, "big")) if length else GONE
        except ConnectionError:
            answer = GONE
        if not answer:
            self._slot.close()
            self._slot = None
        return answer

    def ask(self, message: bytes) -> bytes:
        """The answer, or `GONE` when the other side hung up."""
        self.send(message)
        return self.receive()

    def connect(self) -> None:
        """As pcscd does for a program that wants the card."""
        assert self.ask(LOOK) == ATR
        self.send(POWER_ON)
        assert self.ask(LOOK) == ATR
        assert self.ask(bytes.fromhex(SELECT)) == b"\x90\x00"

    def disconnect(self) -> None:
        assert self.ask(LOOK) == ATR
        self.send(RESET)
        assert self.ask(LOOK) == ATR

    def close(self) -> None:
        if self._slot is not None:
            self._slot.close()
        self._server.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann")
        bench.create("bob")
        yield bench


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@dataclass
class Clock:
    """The slot's clock, which this test moves."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(vpcd, "time", clock)
    return clock


@pytest.fixture
def slot(bench: Bench, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[VpcdSlot]:
    monkeypatch.setattr(vpcd, "_LEAVE_SECONDS", 0.0)  # here nobody looks again at the end
    slot = VpcdSlot(bench, service.port)
    yield slot
    slot.close()


@pytest.mark.usefixtures("slot")
class TestSlot:
    def test_a_look_at_the_empty_slot_is_answered_when_a_card_is_laid(
        self, bench: Bench, service: Service
    ) -> None:
        service.send(LOOK)
        bench.lay("ann")
        assert service.receive() == ATR

    def test_a_look_is_not_held_for_ever(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vpcd, "_HOLD_SECONDS", 0.01)
        assert service.ask(LOOK) == GONE
        assert service.ask(LOOK) == GONE

    def test_a_service_that_stops_in_the_middle_of_a_look_is_met_again_at_once(
        self, bench: Bench, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vpcd, "_HOLD_SECONDS", 2 * DEADLINE_S)
        service.send(LOOK)
        assert service._slot is not None
        service._slot.close()
        service._slot = None
        service.send(LOOK)
        bench.lay("ann")
        assert service.receive() == ATR

    def test_looking_at_a_card_does_not_touch_it(self, bench: Bench, service: Service) -> None:
        bench.lay("ann")
        service.connect()
        for _ in range(3):
            assert service.ask(LOOK) == ATR
        assert service.ask(bytes.fromhex("90F50000010200")).endswith(b"\x91\x00")

    @pytest.mark.parametrize("other", ["ann", "bob"])
    def test_a_card_laid_down_before_the_next_look_is_another_presentation(
        self, bench: Bench, service: Service, clock: Clock, other: str
    ) -> None:
        bench.lay("ann")
        service.connect()
        bench.lift()
        bench.lay(other)
        assert service.ask(LOOK) == GONE
        clock.now += 0.4
        assert service.ask(LOOK) == GONE
        service.connect()

    def test_what_a_program_asks_at_once_is_no_look(
        self, bench: Bench, service: Service, clock: Clock
    ) -> None:
        """Letting go of a card that has left, and connecting to the next one."""
        bench.lay("ann")
        service.connect()
        bench.lift()
        bench.lay("bob")
        for _ in range(3):
            assert service.ask(LOOK) == GONE
        clock.now += 0.2
        assert service.ask(LOOK) == GONE
        assert service.ask(LOOK) == ATR

    def test_the_end_of_a_reset_is_answered_and_one_that_finds_no_card_is_not(
        self, bench: Bench, service: Service
    ) -> None:
        bench.lay("ann")
        service.connect()
        service.disconnect()
        assert service.ask(LOOK) == ATR
        bench.lift()
        assert service.ask(RESET) == GONE

    def test_a_card_that_has_left_answers_no_command(self, bench: Bench, service: Service) -> None:
        bench.lay("ann")
        service.connect()
        bench.lift()
        assert service.ask(bytes.fromhex(SELECT)) == GONE


def test_a_slot_that_is_left_is_seen_empty(bench: Bench, service: Service, clock: Clock) -> None:
    bench.lay("ann")
    slot = VpcdSlot(bench, service.port)
    service.connect()
    service.disconnect()
    leaving = threading.Thread(target=slot.close)
    leaving.start()
    assert service.ask(LOOK) == GONE
    clock.now += 0.4
    assert service.ask(LOOK) == GONE
    leaving.join()
    slot.close()


def test_an_empty_slot_is_left_at_once_though_a_look_is_held(
    bench: Bench, service: Service
) -> None:
    slot = VpcdSlot(bench, service.port)
    service.send(LOOK)
    began = time.monotonic()
    slot.close()
    assert time.monotonic() - began < vpcd._HOLD_SECONDS
    assert service.receive() == GONE


def test_a_slot_waits_for_a_service_that_is_not_there(bench: Bench, service: Service) -> None:
    service.close()
    slot = VpcdSlot(bench, service.port)
    bench.lay("ann")
    slot.close()
