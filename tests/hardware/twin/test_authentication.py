"""Proving a key, and what failing costs: PROTOCOL (c) B 4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.twin.card import TwinCard
from hardware.twin.state import CardState, KeySlot
from host.ntag424.card import Card
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, aes_cbc_encrypt
from host.ntag424.errors import AuthenticationDelay, AuthenticationError, CardBlocked, LrpCard
from host.ntag424.values import Key
from tests.hardware.twin.cards import (
    READ_ALL,
    UID,
    ZERO,
    boltcard,
    factory,
    fail_authentication,
    selected,
    session,
    speak,
    status,
)

WRONG = Key(b"w" * 16)


def failed(sequence: int, total: int) -> CardState:
    """A card whose key 0 was guessed at before."""
    slot = KeySlot(ZERO, sequence_failures=sequence, total_failures=total)
    return CardState.factory(UID).with_key(0, slot)


@pytest.mark.parametrize("capabilities", ["00", "0100", "03000000", "06FFFFFFFFFFFF", "0102"])
def test_part_1_takes_up_to_six_bytes_of_capabilities(capabilities: str) -> None:
    size = 1 + len(capabilities) // 2
    answer = speak(factory(), f"90710000{size:02X}00{capabilities}00")
    assert (len(answer), answer[-4:]) == (36, "91AF")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0100", "917E"),
        ("020001", "917E"),
        ("04000301FF", "917E"),
        ("09000700000000000000", "919E"),
        ("020500", "9140"),
        ("02FF00", "9140"),
    ],
)
def test_a_malformed_part_1_is_refused(data: str, expected: str) -> None:
    assert speak(factory(), f"90710000{data}00") == expected


def test_capabilities_come_back_padded() -> None:
    card = factory()
    answer = bytes.fromhex(speak(card, "9071000004000204FF00"))
    rnd_b = aes_cbc_decrypt(ZERO, ZERO_IV, answer[:16])
    proof = aes_cbc_encrypt(ZERO, ZERO_IV, bytes(16) + rnd_b[1:] + rnd_b[:1])
    answer = card.transceive(bytes.fromhex("90AF000020") + proof + b"\x00")
    plain = aes_cbc_decrypt(ZERO, ZERO_IV, answer[:-2])
    assert plain[20:] == bytes(6) + bytes.fromhex("04FF00000000")


def test_non_first_needs_a_session_and_keeps_its_counter() -> None:
    card = factory()
    assert speak(card, "90770000010100") == "919D"
    host = session(card)
    host.get_key_version(0)
    host.authenticate_again(3, ZERO)
    assert host.get_card_uid() == UID
    assert card._chip is not None
    assert card._chip.session is not None
    assert (card._chip.session.key_no, card._chip.session.counter) == (3, 2)


def test_a_wrong_key_ends_the_session_and_is_counted() -> None:
    card = factory()
    host = session(card)
    with pytest.raises(AuthenticationError):
        host.authenticate(0, WRONG)
    assert status(card, "9051000000") == "91AE"
    assert (card.state.keys[0].sequence_failures, card.state.keys[0].total_failures) == (1, 1)


def test_part_1_alone_counts_as_a_failure() -> None:
    card = factory()
    speak(card, "9071000002000000")
    card.power_off()
    card.power_on()
    assert card.state.keys[0].total_failures == 1


def test_failures_are_counted_for_each_key_by_itself() -> None:
    card = factory()
    fail_authentication(card, 3)
    assert [slot.total_failures for slot in card.state.keys] == [0, 0, 0, 1, 0]


def test_fifty_failures_are_free_and_then_the_card_takes_its_time() -> None:
    card = factory()
    assert [fail_authentication(card) for _ in range(50)] == ["91AE"] * 50
    answers = [fail_authentication(card) for _ in range(6)]
    assert answers == ["91AD", "91AD", "91AE", "91AD", "91AD", "91AE"]


def test_a_delay_survives_power_loss_and_is_worked_off_by_asking() -> None:
    card = selected(failed(50, 50))
    host = Card(card)
    with pytest.raises(AuthenticationDelay):
        host.authenticate(0, ZERO)
    card.power_off()
    card.power_on()
    host.select_application()
    with pytest.raises(AuthenticationDelay):
        host.authenticate(0, ZERO)
    host.authenticate(0, ZERO)
    assert card.state.keys[0].sequence_failures == 0


def test_the_longest_delay_is_five_retries() -> None:
    card = selected(failed(255, 300))
    assert [fail_authentication(card) for _ in range(6)] == ["91AD"] * 5 + ["91AE"]


def test_a_delayed_card_still_gives_its_tap() -> None:
    state = boltcard().with_key(0, KeySlot(ZERO, sequence_failures=90, total_failures=90))
    assert status(selected(state), READ_ALL) == "9100"


def test_success_forgives_ten_failures() -> None:
    card = selected(failed(30, 30))
    session(card)
    assert (card.state.keys[0].sequence_failures, card.state.keys[0].total_failures) == (0, 21)
    session(card)
    session(card)
    session(card)
    assert card.state.keys[0].total_failures == 0


def test_a_thousand_failures_block_the_key_for_ever() -> None:
    card = selected(failed(0, 999))
    assert fail_authentication(card) == "91AE"
    for _ in range(2):
        with pytest.raises(CardBlocked):
            Card(card).authenticate(0, ZERO)


def test_a_blocked_key_is_repaired_by_changing_it() -> None:
    state = CardState.factory(UID).with_key(2, KeySlot(ZERO, total_failures=1000))
    card = selected(state)
    host = session(card)
    host.change_key(2, Key(b"n" * 16), 1, ZERO)
    host.authenticate(2, Key(b"n" * 16))


def test_the_limit_and_the_decrement_are_configurable() -> None:
    configuration = replace(
        CardState.factory(UID).configuration, failure_limit=3, failure_decrement=1
    )
    card = selected(replace(failed(0, 2), configuration=configuration))
    session(card)
    assert card.state.keys[0].total_failures == 2
    assert [fail_authentication(card) for _ in range(2)] == ["91AE", "919D"]


def test_counting_can_be_switched_off() -> None:
    configuration = replace(CardState.factory(UID).configuration, count_failures=False)
    card = selected(replace(CardState.factory(UID), configuration=configuration))
    before = card.state
    assert {fail_authentication(card) for _ in range(60)} == {"91AE"}
    assert card.state is before


def test_a_card_in_lrp_mode_is_recognised_and_takes_no_aes() -> None:
    configuration = replace(CardState.factory(UID).configuration, lrp=True)
    card: TwinCard = selected(replace(CardState.factory(UID), configuration=configuration))
    assert speak(card, "9071000002000000") == "919D"
    with pytest.raises(LrpCard):
        Card(card).authenticate(0, ZERO)
    answer = speak(card, "90AF000020" + "00" * 32 + "00")
    assert answer == "91AE"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_part_2_is_32_bytes(length: int) -> None:
    card = factory()
    speak(card, "9071000002000000")
    body = f"{length:02X}" + "00" * length if length else ""
    assert speak(card, f"90AF0000{body}00") == "917E"
