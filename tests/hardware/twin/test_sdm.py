"""Taps: grouping, mirrors, limits: PROTOCOL (c) B 7."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.twin.card import TwinCard
from hardware.twin.settings import COUNTER_MAX
from hardware.twin.state import CardState
from host.ntag424 import ndef, sun
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt
from host.ntag424.read import read_tap_url
from host.ntag424.values import Key
from tests.hardware.twin.cards import (
    READ_ALL,
    TEMPLATE,
    UID,
    ZERO,
    boltcard,
    selected,
    session,
    speak,
    status,
    with_content,
    with_settings,
)

READ_PART = "90AD00000702{offset:02X}0000{length:02X}000000"


def url(card: TwinCard) -> str:
    return ndef.parse_file(bytes.fromhex(speak(card, READ_ALL))[:-2])


def counter(card: TwinCard) -> int:
    """The counter in the next tap, its signature checked by the host's code."""
    message = sun.parse_url(url(card)).message
    picc = sun.decrypt(ZERO, message.p)
    assert picc is not None
    assert picc.uid == UID
    assert sun.verify(ZERO, picc, message.c)
    return picc.counter


def limited(limit: int, counter: int = 0) -> CardState:
    p, c = (n.to_bytes(3, "little").hex() for n in (TEMPLATE.p_offset, TEMPLATE.c_offset))
    wire = f"4000E0E1FF12{p}{c}{c}{limit.to_bytes(3, 'little').hex()}"
    return replace(with_settings(boltcard(), 2, wire), read_counter=counter)


def test_the_first_tap_shows_one() -> None:
    card = selected(boltcard())
    assert counter(card) == 1
    assert card.state.read_counter == 1


def test_the_host_reads_a_tap_in_two_commands() -> None:
    card = TwinCard(boltcard())
    message = sun.parse_url(read_tap_url(card.transceive)).message
    picc = sun.decrypt(ZERO, message.p)
    assert picc == sun.PiccData(UID, 1)


def test_mirrors_are_upper_case() -> None:
    text = url(selected(boltcard()))
    query = text.partition("?")[2]
    assert query.replace("p=", "").replace("c=", "").isupper()


def test_reads_of_one_group_share_counter_and_padding() -> None:
    card = selected(boltcard())
    parts = [
        bytes.fromhex(speak(card, READ_PART.format(offset=n, length=30)))[:-2] for n in (0, 30, 60)
    ]
    whole = bytes.fromhex(speak(card, READ_ALL))
    assert whole.startswith(b"".join(parts))
    assert card.state.read_counter == 1


@pytest.mark.parametrize(
    "between",
    [
        "90F50000010200",
        "90640000010000",
        "00A4000C02E104",
        "90AD0000070100000000000000",
        "9060000000",
    ],
)
def test_any_other_command_starts_a_new_tap(between: str) -> None:
    card = selected(boltcard())
    first = url(card)
    speak(card, between)
    if between == "9060000000":
        speak(card, "90AF000000")
        speak(card, "90AF000000")
    assert counter(card) == 2
    assert url(card) != first


def test_read_data_and_read_binary_count_apart() -> None:
    card = selected(boltcard())
    speak(card, "00A4000C02E104")
    for expected in (1, 2, 3, 4):
        apdu = READ_ALL if expected % 2 else "00B0000000"
        assert status(card, apdu) in ("9100", "9000")
        assert status(card, apdu) in ("9100", "9000")
        assert card.state.read_counter == expected


def test_power_loss_starts_a_new_tap() -> None:
    card = selected(boltcard())
    first = url(card)
    card.power_off()
    card.power_on()
    speak(card, "00A4040007D276000085010100")
    assert url(card) != first
    assert card.state.read_counter == 2


def test_a_read_that_fails_is_no_tap() -> None:
    card = selected(boltcard())
    assert status(card, "90AD0000070200010000000000") == "91BE"
    assert card.state.read_counter == 0


def test_the_padding_is_new_in_each_tap() -> None:
    card = selected(boltcard())
    taps = set()
    for _ in range(5):
        taps.add(aes_cbc_decrypt(ZERO, ZERO_IV, sun.parse_url(url(card)).message.p)[11:])
        speak(card, "90640000010000")
    assert len(taps) == 5


def test_in_a_session_nothing_is_mirrored_or_counted() -> None:
    card = selected(boltcard())
    assert session(card).read_data(2).startswith(TEMPLATE.file)
    assert card.state.read_counter == 0


def test_the_limit_ends_the_taps_and_not_the_session() -> None:
    card = selected(limited(2))
    assert counter(card) == 1
    speak(card, "90640000010000")
    assert counter(card) == 2
    assert status(card, READ_ALL) == "9100"  # still the same group
    speak(card, "00A4000C02E104")
    assert status(card, READ_ALL) == "919D"
    speak(card, "00A4000C02E104")
    assert speak(card, "00B0000000") == "6982"
    assert session(card).read_data(2).startswith(TEMPLATE.file)


def test_the_last_counter_is_the_end() -> None:
    card = selected(boltcard(counter=COUNTER_MAX - 1))
    assert counter(card) == COUNTER_MAX
    speak(card, "90640000010000")
    assert status(card, READ_ALL) == "919D"
    speak(card, "00A4000C02E104")
    assert speak(card, "00B0000000") == "6982"


def test_random_id_still_signs_the_true_uid() -> None:
    state = boltcard()
    hidden = replace(state, configuration=replace(state.configuration, random_id=True))
    card = selected(hidden)
    assert card.identity != UID.raw
    assert counter(card) == 1


def test_plain_mirrors_hold_the_counter_most_significant_byte_first() -> None:
    state = with_content(boltcard(), 2, b"u" * 14 + b"x" + b"c" * 6)
    state = with_settings(state, 2, "4000E0C1FFEF0000000F0000")
    card = selected(replace(state, read_counter=0x0102AB - 1))
    assert bytes.fromhex(speak(card, READ_ALL)).startswith(UID.hex().upper().encode() + b"x0102AB")


def test_picc_data_names_what_it_holds() -> None:
    for options, tag, start in (("81", 0x87, UID.raw), ("41", 0x40, b"\x01\x00\x00")):
        card = selected(with_settings(boltcard(), 2, f"4000E0{options}FF1F000000"))
        p = bytes.fromhex(bytes.fromhex(speak(card, READ_ALL))[:32].decode())
        plain = aes_cbc_decrypt(ZERO, ZERO_IV, p)
        assert plain[0] == tag
        assert plain[1:].startswith(start)


def test_the_mac_covers_what_was_mirrored_before_it() -> None:
    """Encrypted file data, and a MAC over it, opened with the published derivation."""
    from host.ntag424 import sdm

    state = with_content(boltcard(), 2, bytes(32) + b"sixteen secrets!" + b"-" * 16 + b"&c=")
    state = with_settings(state, 2, "4000E0D1FF1200000020000020000020000043" + "0000")
    card = selected(state)
    file = bytes.fromhex(speak(card, READ_ALL))
    cipher = bytes.fromhex(file[32:64].decode())
    assert sdm.decrypt_file_data(ZERO, UID, 1, cipher) == b"sixteen secrets!"
    assert file[67:83].decode() == sdm.mac(ZERO, UID, 1, file[32:67]).hex().upper()


def test_other_keys_sign_other_taps() -> None:
    state = boltcard()
    card = selected(state.with_key(2, replace(state.keys[2], key=Key(b"k" * 16))))
    message = sun.parse_url(url(card)).message
    picc = sun.decrypt(ZERO, message.p)
    assert picc is not None
    assert not sun.verify(ZERO, picc, message.c)
    assert sun.verify(Key(b"k" * 16), picc, message.c)
