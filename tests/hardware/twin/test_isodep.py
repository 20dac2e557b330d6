"""Blocks, chaining and the rules of repetition: PROTOCOL (c) B 9, ISO/IEC 14443-4 §7.5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.twin.card import ATS, Tear, TearAt, TwinCard
from hardware.twin.isodep import FRAME_WAIT, CardSide, ReaderSide
from hardware.twin.typea import REQA, WUPA, RfCard
from tests.hardware.twin.cards import READ_ALL, SELECT, boltcard, factory

GET_VERSION = "9060000000"


def activated(rats: str = "E080", card: TwinCard | None = None) -> RfCard:
    rf = RfCard(card or TwinCard(boltcard()))
    assert rf.select()
    assert rf.receive(bytes.fromhex(rats)) == ATS
    return rf


def say(rf: RfCard, block: str) -> str | None:
    answer = rf.receive(bytes.fromhex(block))
    return None if answer is None else answer.hex().upper()


def test_block_numbers_alternate() -> None:
    rf = activated()
    assert say(rf, "02" + SELECT) == "02" + "9000"
    assert say(rf, "03" + SELECT) == "03" + "9000"
    assert say(rf, "02" + SELECT) == "02" + "9000"


def test_a_repeated_question_repeats_the_answer_and_not_the_command() -> None:
    """Rule 11: R(NAK) with the card's own number."""
    rf = activated()
    say(rf, "02" + SELECT)
    first = say(rf, "03" + READ_ALL)
    assert say(rf, "B3") == first
    assert say(rf, "B3") == first
    assert rf.card.state.read_counter == 1


def test_are_you_there_is_answered_and_changes_nothing() -> None:
    """Rule 12: R(NAK) with the other number."""
    rf = activated()
    say(rf, "02" + SELECT)
    assert say(rf, "B3") == "A2"
    assert say(rf, "B3") == "A2"
    assert say(rf, "03" + SELECT) == "03" + "9000"


def test_before_the_first_block_the_card_is_there_too() -> None:
    assert say(activated(), "B2") == "A3"


def test_a_long_command_comes_in_parts() -> None:
    rf = activated()
    apdu = SELECT
    assert say(rf, "12" + apdu[:8]) == "A2"
    assert say(rf, "13" + apdu[8:12]) == "A3"
    assert say(rf, "B3") == "A3"
    assert say(rf, "02" + apdu[12:]) == "02" + "9000"


@pytest.mark.parametrize("fsdi", range(9))
def test_a_long_answer_goes_in_frames_the_reader_takes(fsdi: int) -> None:
    size = (16, 24, 32, 40, 48, 64, 96, 128, 256)[fsdi]
    rf = activated(f"E0{fsdi << 4:02X}")
    say(rf, "02" + SELECT)
    block = rf.receive(bytes.fromhex("03" + READ_ALL))
    received, number = b"", 1
    while block and block[0] & 0x10:
        assert len(block) == size - 2
        received += block[1:]
        number ^= 1
        block = rf.receive(bytes([0xA2 | number]))
    assert block is not None
    assert len(received + block[1:]) == 258


def test_a_part_of_an_answer_is_repeated() -> None:
    rf = activated("E010")
    say(rf, "02" + SELECT)
    assert (say(rf, "03" + READ_ALL) or "").startswith("13")
    second = say(rf, "A2")
    assert (second or "").startswith("12")
    assert say(rf, "A2") == second
    assert say(rf, "A3") != second


def test_frames_longer_than_the_cards_are_not_heard() -> None:
    rf = activated()
    assert rf.receive(b"\x02" + bytes(126)) is None
    assert rf.receive(b"") is None


def test_blocks_carry_the_cards_own_number_when_it_has_one() -> None:
    rf = activated("E085")
    assert say(rf, "0A05" + SELECT) == "0A05" + "9000"
    assert say(rf, "0A06" + SELECT) is None
    assert say(rf, "02" + SELECT) is None
    assert say(rf, "BB05") == "AA05"
    assert say(rf, "CA05") == "CA05"


def test_deselect_sends_it_to_sleep_until_it_is_woken() -> None:
    rf = activated()
    assert say(rf, "C2") == "C2"
    assert say(rf, "02" + SELECT) is None
    assert rf.wake(REQA) is None
    assert rf.wake(WUPA) == b"\x44\x03"


def test_rats_is_heard_once() -> None:
    rf = activated()
    assert say(rf, "E080") is None
    assert say(rf, "02" + SELECT) == "02" + "9000"


def test_pps_is_accepted() -> None:
    assert say(activated(), "D01100") == "D0"


def test_unknown_blocks_are_met_with_silence() -> None:
    rf = activated()
    for block in ("E2", "06", "FF", "C3", "F201", "A3"):
        assert say(rf, block) is None, block
    assert say(rf, "02" + SELECT) == "02" + "9000"


def test_a_slow_card_asks_for_more_time() -> None:
    card = factory()
    rf = activated(card=card)
    card.latency = FRAME_WAIT * 1.5
    assert say(rf, "02" + SELECT) == "F202"
    assert say(rf, "B2") == "F202"
    assert say(rf, "F202") == "02" + "9000"


def test_a_torn_card_is_silent_and_noticed() -> None:
    rf = activated()
    rf.card.tear(Tear(TearAt.COMMAND))
    assert say(rf, "02" + SELECT) is None
    assert rf.lost
    assert say(rf, "B2") is None


def test_random_id_takes_one_cascade_level() -> None:
    from dataclasses import replace

    state = boltcard()
    hidden = replace(state, configuration=replace(state.configuration, random_id=True))
    rf = RfCard(TwinCard(hidden))
    assert rf.wake() == b"\x04\x03"
    uid = rf.receive(b"\x93\x20")
    assert uid is not None
    assert (uid[0], len(uid)) == (0x08, 5)
    assert rf.receive(b"\x93\x70" + uid) == b"\x20"
    assert rf.receive(b"\xe0\x80") == ATS
    rf.reset(powered=True)
    assert rf.identity != uid[:4]


def test_a_disturbed_activation_starts_again() -> None:
    rf = RfCard(factory())
    assert rf.receive(b"\xe0\x80") is None
    assert rf.wake() == b"\x44\x03"
    assert rf.receive(b"\x95\x20") is None
    assert rf.receive(b"\x93\x70" + bytes(5)) is None
    assert rf.select()
    assert rf.receive(b"\x50\x00") is None
    assert not rf.select()
    assert rf.select(WUPA)
    assert rf.receive(b"\x30\x00") is None
    assert rf.select()


def test_a_card_without_field_is_not_there() -> None:
    rf = RfCard(factory())
    rf.reset(powered=False)
    assert rf.wake() is None
    rf.reset(powered=True)
    assert rf.wake() == b"\x44\x03"


@given(st.binary(max_size=255), st.integers(0, 8))
def test_the_readers_side_carries_any_command_and_answer(data: bytes, fsdi: int) -> None:
    card = factory()
    apdu = bytes.fromhex("90AD0000") + bytes([len(data)]) + data + b"\x00"
    expected = factory().transceive(apdu)
    side = CardSide(card, (16, 24, 32, 40, 48, 64, 96, 128, 256)[fsdi], 0)
    assert ReaderSide(side.receive).exchange(apdu) == expected


def test_the_readers_side_waits_when_asked_and_gives_up_on_silence() -> None:
    card = factory()
    card.latency = FRAME_WAIT * 1.1
    assert ReaderSide(CardSide(card, 256, 0).receive).exchange(bytes.fromhex(SELECT)) == b"\x90\x00"
    assert ReaderSide(lambda block: None).exchange(bytes(200)) is None
    assert ReaderSide(lambda block: b"\xa2").exchange(bytes(3)) is None
