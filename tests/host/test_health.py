"""The four dots: what the daemon says of its parts, and what another process makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.clock import ManualClock
from host.health import BEAT_MS, CLOCK, LIGHTNING, READER, STALE_MS, Board, Part
from host.ledger import health, stores
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale
from host.money import sats
from host.store.engine import Engine
from host.store.errors import StoreBusy, StoreFull
from host.till import Terminal, arm

TILL = Terminal("till-1", "main")
NAMES = ["reader", "ledger", "lightning", "clock"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def db(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    with Engine.open(tmp_path / "taptill.db", clock) as opened:
        stores.create(opened, "Shop", store_id="main")
        stores.ensure_terminal(opened, "till-1", "main")
        yield opened


@pytest.fixture
def board(db: Engine, clock: ManualClock) -> Board:
    """The daemon's board, everything green."""
    made = Board(db, clock)
    made.begin()
    made.report(f"{READER}:till-1", True, "twin ready")
    made.report(LIGHTNING, True, "embedded (simulation)")
    made.report(CLOCK, True, "steady")
    return made


@pytest.fixture
def elsewhere(db: Engine, clock: ManualClock) -> Iterator[Board]:
    """The board as another process sees it: only by the rows of the same ledger."""
    with Engine.open(db.path, clock) as other:
        yield Board(other, clock)


def lights(board: Board) -> dict[str, bool]:
    return {part.name: part.ok for part in board.parts("till-1")}


def words(board: Board) -> dict[str, str]:
    return {part.name: part.detail for part in board.parts("till-1")}


def test_a_daemon_whose_parts_are_good_shows_four_green_dots_everywhere(
    board: Board, elsewhere: Board
) -> None:
    assert lights(board) == lights(elsewhere) == dict.fromkeys(NAMES, True)
    assert words(board) == words(elsewhere)


def test_another_process_may_arm_when_all_four_are_good(board: Board, elsewhere: Board) -> None:
    sale = arm(elsewhere._db, elsewhere, TILL, sats(10))
    assert isinstance(sale, Sale)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (f"{READER}:till-1", Code.READER_DOWN),
        ("ledger", Code.STORE_OFFLINE),
        (LIGHTNING, Code.STORE_OFFLINE),
        (CLOCK, Code.STORE_OFFLINE),
    ],
)
def test_each_part_that_is_down_blocks_arming_with_its_words_in_every_process(
    board: Board, elsewhere: Board, part: str, code: Code
) -> None:
    board.report(part, False, "it broke")
    for one in (board, elsewhere):
        assert arm(one._db, one, TILL, sats(10)) == Refused(
            code, {"part": part.partition(":")[0], "detail": "it broke"}
        )
    board.report(part, True, "mended")
    assert isinstance(arm(elsewhere._db, elsewhere, TILL, sats(10)), Sale)


def test_before_the_daemon_runs_no_dot_is_green_and_the_words_say_why(elsewhere: Board) -> None:
    assert lights(elsewhere) == dict.fromkeys(NAMES, False)
    assert set(words(elsewhere).values()) == {"the Taptill service is not running"}


def test_parts_that_said_nothing_yet_are_starting(db: Engine, clock: ManualClock) -> None:
    board = Board(db, clock)
    board.begin()
    assert lights(board) == {"reader": False, "ledger": True, "lightning": False, "clock": False}
    assert words(board)["reader"] == "no reader serves this till"
    assert words(board)["lightning"] == words(board)["clock"] == "starting"


def test_a_daemon_that_went_silent_is_not_believed_by_others(
    board: Board, elsewhere: Board, clock: ManualClock
) -> None:
    clock.advance(STALE_MS)
    assert lights(elsewhere) == dict.fromkeys(NAMES, True)
    clock.advance(1)
    assert lights(elsewhere) == dict.fromkeys(NAMES, False)
    board.beat()
    assert lights(elsewhere) == dict.fromkeys(NAMES, True)


def test_a_clock_that_was_set_back_does_not_keep_a_dead_daemon_alive(
    board: Board, elsewhere: Board, clock: ManualClock
) -> None:
    clock.advance(-STALE_MS - 1)
    assert lights(elsewhere) == dict.fromkeys(NAMES, False)


def test_a_daemon_that_ended_says_so_at_once(board: Board, elsewhere: Board) -> None:
    board.gone()
    assert lights(elsewhere) == dict.fromkeys(NAMES, False)


def test_what_a_killed_daemon_said_of_its_readers_is_forgotten_by_the_next_one(
    board: Board, elsewhere: Board, db: Engine, clock: ManualClock
) -> None:
    """After kill -9 the rows still say "ready"; a till that nobody serves must not arm."""
    del board  # killed: it said nothing more
    following = Board(db, clock)
    following.begin()
    for one in (following, elsewhere):
        assert not lights(one)["reader"]
        assert words(one)["reader"] == "no reader serves this till"


def test_a_terminal_without_a_reader_says_so(board: Board) -> None:
    (reader, *_) = board.parts("till-9")
    assert reader == Part("reader", False, "no reader serves this till")


class Failing:
    """An engine whose writes fail for as long as a test says."""

    def __init__(self, db: Engine) -> None:
        self._db = db
        self.error: Exception | None = None

    def transaction(self, fn: Any) -> Any:
        if self.error is not None:
            raise self.error
        return self._db.transaction(fn)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


@pytest.fixture
def failing(db: Engine) -> Failing:
    return Failing(db)


def test_threat_32_a_ledger_that_cannot_be_written_blocks_arming_and_recovers(
    failing: Failing, db: Engine, clock: ManualClock, elsewhere: Board
) -> None:
    board = Board(failing, clock)  # type: ignore[arg-type]
    board.begin()
    assert lights(board)["ledger"]
    failing.error = StoreFull("The disk is full; make room, then try again")
    board.beat()
    assert not lights(board)["ledger"]
    assert words(board)["ledger"] == str(failing.error)
    failing.error = None
    board.beat()
    assert lights(board)["ledger"]
    assert lights(elsewhere)["ledger"]


def test_what_could_not_be_written_is_written_with_the_next_beat(
    failing: Failing, clock: ManualClock, elsewhere: Board
) -> None:
    """Else another process would go on seeing a reader that is gone."""
    board = Board(failing, clock)  # type: ignore[arg-type]
    board.begin()
    board.report(f"{READER}:till-1", True, "twin ready")
    failing.error = StoreBusy("Another program is using the database; try again")
    board.report(f"{READER}:till-1", False, "unplugged")
    assert not lights(board)["reader"]
    assert lights(elsewhere)["reader"]  # nobody could tell it
    failing.error = None
    board.beat()
    assert not lights(elsewhere)["reader"]
    assert words(elsewhere)["reader"] == "unplugged"


def test_a_ledger_trouble_of_a_claim_is_seen_by_all_and_passes_with_the_next_good_beat(
    board: Board, elsewhere: Board
) -> None:
    board.report("ledger", False, "The disk is full")
    assert not lights(elsewhere)["ledger"]
    board.beat()
    assert lights(board)["ledger"]
    assert lights(elsewhere)["ledger"]


def test_a_nearly_full_disk_stays_red_through_every_beat(board: Board, elsewhere: Board) -> None:
    board.beat("the disk is nearly full (12 MB free)")
    for one in (board, elsewhere):
        assert words(one)["ledger"] == "the disk is nearly full (12 MB free)"
        assert not lights(one)["ledger"]
    board.beat()
    assert lights(elsewhere)["ledger"]


def test_the_same_report_again_writes_nothing(board: Board, db: Engine, clock: ManualClock) -> None:
    before = health.all_rows(db)
    clock.advance(BEAT_MS)
    board.report(LIGHTNING, True, "embedded (simulation)")
    assert health.all_rows(db) == before


def test_who_waits_for_a_change_is_woken_by_it(board: Board) -> None:
    import threading

    woken = threading.Event()
    ready = threading.Event()

    def wait() -> None:
        ready.set()
        board.wait_change(20_000)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    ready.wait(5)
    number = 0
    while not woken.wait(0.01):
        number += 1
        board.report(CLOCK, number % 2 == 0, str(number))
        assert number < 1_000
    thread.join(5)
