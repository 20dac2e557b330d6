"""Lamps on a PN532's pins, and the thread that plays them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from host.readers.base import Look, ReaderGone
from host.readers.gpio import LampThread, write_gpio
from host.readers.lights import Lamps, lamps_at

VALID, P34 = 0x80, 0x10


class Board:
    """Takes what the thread writes; `fail` makes it a board that was unplugged."""

    def __init__(self) -> None:
        self.written: list[Lamps] = []
        self.fail = False
        self._changed = threading.Condition()

    def write(self, lamps: Lamps) -> None:
        if self.fail:
            raise ReaderGone("unplugged")
        with self._changed:
            self.written.append(lamps)
            self._changed.notify_all()

    def wait_for(self, lamps: Lamps) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: lamps in self.written, 30)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def thread(board: Board) -> Iterator[LampThread]:
    thread = LampThread(board.write)
    yield thread
    thread.close()


@pytest.mark.parametrize(
    ("lamps", "port3", "port7"),
    [
        (Lamps(), 0x00, 0x00),
        (Lamps(row=(True, False, False, False)), 0x01, 0x00),
        (Lamps(row=(False, False, False, True)), 0x08, 0x00),
        (Lamps(buzzer=True), 0x20, 0x00),
        (Lamps(approved=True), 0x00, 0x02),
        (Lamps(declined=True), 0x00, 0x04),
    ],
)
def test_each_lamp_has_its_pin(lamps: Lamps, port3: int, port7: int) -> None:
    assert write_gpio(lamps) == bytes((VALID | P34 | port3, VALID | port7))


def test_a_look_is_played_to_its_end(board: Board, thread: LampThread) -> None:
    thread.show(Look.READ)
    assert board.wait_for(lamps_at(Look.READ, 0)[0])
    assert board.wait_for(lamps_at(Look.READ, 60)[0])


def test_a_new_look_does_not_wait_for_the_old_one(board: Board, thread: LampThread) -> None:
    thread.show(Look.IDLE)  # its dark time alone would be 1.7 s
    thread.show(Look.APPROVED)
    assert board.wait_for(lamps_at(Look.APPROVED, 0)[0])


def test_nothing_is_written_twice(board: Board, thread: LampThread) -> None:
    thread.show(Look.READY)
    thread.show(Look.READY)
    assert board.wait_for(lamps_at(Look.READY, 0)[0])
    thread.show(Look.DECLINED)
    assert board.wait_for(lamps_at(Look.DECLINED, 0)[0])
    assert all(a != b for a, b in zip(board.written, board.written[1:], strict=False))


def test_closing_puts_the_lamps_out(board: Board) -> None:
    thread = LampThread(board.write)
    thread.show(Look.READY)
    assert board.wait_for(lamps_at(Look.READY, 0)[0])
    thread.close()
    assert board.written[-1] == Lamps()


def test_showing_on_a_board_that_is_gone_neither_raises_nor_hangs(board: Board) -> None:
    board.fail = True
    thread = LampThread(board.write)
    thread.show(Look.APPROVED)
    thread.close()
    thread.show(Look.READY)
