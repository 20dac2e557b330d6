"""Cards that leave in the middle, and what is kept of them: PROTOCOL (c) B 10."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from hardware.twin.apdu import CardLost
from hardware.twin.card import Tear, TearAt, TwinCard
from hardware.twin.state import CardState
from hardware.twin.store import Drawer, DrawerError
from host.ntag424.files import CommMode
from host.ntag424.values import Key, Uid
from tests.hardware.twin.cards import (
    READ_ALL,
    SELECT,
    UID,
    boltcard,
    factory,
    selected,
    session,
    speak,
)

NEW = Key(bytes(range(16)))


def lost(card: TwinCard, apdu: str) -> bool:
    try:
        speak(card, apdu)
    except CardLost:
        return True
    return False


@pytest.mark.parametrize(
    ("at", "kept"), [(TearAt.COMMAND, False), (TearAt.COMMIT, False), (TearAt.ANSWER, True)]
)
def test_a_torn_write_is_kept_whole_or_not_at_all(at: TearAt, kept: bool) -> None:
    card = factory()
    host = session(card)
    before = card.state
    card.tear(Tear(at))
    with pytest.raises(CardLost):
        host.change_key(1, NEW, 1, Key.zero())
    assert (card.state.keys[1].key == NEW) is kept
    assert (card.state is before) is not kept


@pytest.mark.parametrize("at", list(TearAt))
def test_a_torn_card_is_silent_until_it_is_powered_again(at: TearAt) -> None:
    card = selected(boltcard())
    card.tear(Tear(at))
    assert lost(card, READ_ALL)
    assert lost(card, SELECT)
    card.power_on()
    assert speak(card, "90F50000010200") == "919D"  # and has forgotten its selection
    assert speak(card, SELECT) == "9000"


def test_a_tear_waits_for_its_command() -> None:
    card = selected(boltcard())
    card.tear(Tear(TearAt.COMMAND, skip=2))
    assert not lost(card, READ_ALL)
    assert not lost(card, READ_ALL)
    assert lost(card, READ_ALL)
    card.power_on()
    assert not lost(card, SELECT)  # it was for once


def test_a_tear_can_be_disarmed() -> None:
    card = factory()
    card.tear(Tear(TearAt.COMMAND))
    card.tear(None)
    assert not lost(card, SELECT)


def test_a_torn_chained_write_leaves_a_mixture() -> None:
    card = factory()
    host = session(card, key_no=3)
    old = card.state.files[2].content
    card.tear(Tear(TearAt.MIDDLE))
    with pytest.raises(CardLost):
        host.write_data(3, b"n" * 128, mode=CommMode.FULL)
    content = card.state.files[2].content
    cut = content.rindex(b"n") + 1
    assert 0 < cut < 128
    assert content == b"n" * cut + old[cut:]


def test_a_write_of_one_frame_is_never_a_mixture() -> None:
    card = factory()
    host = session(card, key_no=3)
    before = card.state
    card.tear(Tear(TearAt.MIDDLE))
    with pytest.raises(CardLost):
        host.write_data(3, b"n" * 60, mode=CommMode.FULL)
    assert card.state is before


def test_a_lost_answer_to_a_tap_still_counts() -> None:
    card = selected(boltcard())
    card.tear(Tear(TearAt.ANSWER))
    assert lost(card, READ_ALL)
    assert card.state.read_counter == 1


def test_a_card_lifted_while_it_thinks_has_done_it_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = selected(boltcard())
    committed = threading.Event()
    card._commit = lambda state: committed.set()
    card.latency = 0.01  # for so long it thinks
    lifted = threading.Event()

    def lift(_seconds: float) -> None:
        assert committed.is_set()
        card.power_off()
        lifted.set()

    monkeypatch.setattr("hardware.twin.card.time.sleep", lift)
    assert lost(card, READ_ALL)
    assert lifted.is_set()
    assert card.state.read_counter == 1


def test_a_state_that_cannot_be_kept_is_not_answered_for() -> None:
    def full(state: CardState) -> None:
        raise OSError("no space left")

    card = selected(boltcard(), commit=full)
    with pytest.raises(OSError, match="no space"):
        speak(card, READ_ALL)
    assert card.state.read_counter == 0


def test_a_drawer_keeps_cards_over_restarts(tmp_path: Path) -> None:
    state = Drawer(tmp_path).create("ann", UID)
    assert state == CardState.factory(UID)
    with Drawer(tmp_path).take("ann") as card:
        session(card).change_key(1, NEW, 5, Key.zero())
        kept = card.state
    assert Drawer(tmp_path).names() == ["ann"]
    assert Drawer(tmp_path).read("ann") == kept


def test_a_name_decides_the_uid(tmp_path: Path) -> None:
    drawer = Drawer(tmp_path)
    ann, bob = drawer.create("ann"), drawer.create("bob")
    assert ann == CardState.factory(ann.uid)
    assert ann.uid != bob.uid
    assert ann.uid.raw[0] == 0x04


def test_state_files_are_for_their_owner_only(tmp_path: Path) -> None:
    Drawer(tmp_path).create("ann")
    (file,) = tmp_path.glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600


def test_every_commit_is_in_the_file_before_the_answer(tmp_path: Path) -> None:
    drawer = Drawer(tmp_path)
    drawer.create("ann", UID)
    with drawer.take("ann") as card:
        session(card)
        assert drawer.read("ann") == card.state


@pytest.mark.parametrize("name", ["", "Ann", "../ann", "a b", "-a", "a" * 41])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DrawerError):
        Drawer(tmp_path).create(name)


def test_what_is_no_card_is_named(tmp_path: Path) -> None:
    drawer = Drawer(tmp_path)
    with pytest.raises(DrawerError, match="no card bob"):
        drawer.read("bob")
    drawer.create("ann")
    with pytest.raises(DrawerError, match="already"):
        drawer.create("ann")
    (file,) = tmp_path.glob("*.json")
    good = json.loads(file.read_text())
    for damage in ({"format": 9}, {"uid": "04"}, {"files": [{"content": "", "settings": "80"}]}):
        file.write_text(json.dumps({**good, **damage}))
        with pytest.raises(DrawerError, match="no card's state"):
            drawer.read("ann")
    file.write_text("{")
    with pytest.raises(DrawerError, match="no card's state"):
        drawer.read("ann")


def test_a_taken_card_is_taken_for_everyone(tmp_path: Path) -> None:
    drawer = Drawer(tmp_path)
    drawer.create("ann", Uid.parse("04112233445566"))
    with drawer.take("ann"):
        with pytest.raises(DrawerError, match="another reader"), drawer.take("ann"):
            pass
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(_taken, (tmp_path,))
    with drawer.take("ann") as card:
        assert card.powered
    assert not card.powered


def _taken(folder: Path) -> bool:
    try:
        with Drawer(folder).take("ann"):
            return False
    except DrawerError:
        return True
