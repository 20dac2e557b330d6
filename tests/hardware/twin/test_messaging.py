"""Secure messaging from the card's side: PROTOCOL (c) B 5."""

from __future__ import annotations

import pytest

from hardware.twin.card import TwinCard
from hardware.twin.chip import Chip
from hardware.twin.session import Session
from host.ntag424.card import Card
from host.ntag424.commands import Configuration, native
from host.ntag424.crypto import aes_cbc_encrypt
from host.ntag424.files import CommMode, FileSettings
from host.ntag424.session import command_iv, message_mac
from host.ntag424.values import Key
from tests.hardware.twin.cards import UID, ZERO, factory, session, speak, status

UNKNOWN = Key(b"n" * 16)


def chip_of(card: TwinCard) -> Chip:
    assert card._chip is not None
    return card._chip


def session_of(card: TwinCard) -> Session:
    running = chip_of(card).session
    assert running is not None
    return running


def sealed(card: TwinCard, ins: int, header: bytes, cipher: bytes = b"") -> bytes:
    """A command with a right MAC around whatever cipher text."""
    s = session_of(card)
    payload = header + cipher
    return native(ins, payload + message_mac(s.mac, ins, s.counter, s.ti, payload))


def test_every_mac_command_works_in_one_session() -> None:
    card = factory()
    host = session(card)
    assert host.get_version().uid == UID.raw
    assert host.get_key_version(4) == 0
    assert host.get_file_settings(3).settings.mode is CommMode.FULL
    assert host.get_card_uid() == UID
    assert len(host.read_signature()) == 56
    assert session_of(card).counter == 5


def test_an_error_comes_without_mac_and_ends_the_session() -> None:
    card = factory()
    session(card)
    assert card.transceive(sealed(card, 0xF5, b"\x09")) == b"\x91\xf0"
    assert chip_of(card).session is None


def test_a_wrong_mac_ends_the_session() -> None:
    card = factory()
    session(card)
    apdu = bytearray(sealed(card, 0x64, b"\x00"))
    apdu[-2] ^= 1
    assert card.transceive(bytes(apdu)) == b"\x91\x1e"
    assert chip_of(card).session is None


@pytest.mark.parametrize("apdu", ["90640000010000", "9060000000", "90F50000010200"])
def test_a_command_without_its_mac_ends_the_session(apdu: str) -> None:
    card = factory()
    session(card)
    assert speak(card, apdu) == "917E"
    assert chip_of(card).session is None


def test_a_replayed_command_is_refused() -> None:
    card = factory()
    session(card)
    apdu = sealed(card, 0x64, b"\x00")
    assert card.transceive(apdu).endswith(b"\x91\x00")
    assert card.transceive(apdu) == b"\x91\x1e"


def test_wrong_padding_is_an_integrity_error() -> None:
    card = factory()
    session(card)
    s = session_of(card)
    cipher = aes_cbc_encrypt(s.enc, command_iv(s.enc, s.ti, s.counter), bytes(16))
    assert card.transceive(sealed(card, 0x5F, b"\x02", cipher)) == b"\x91\x1e"


def test_half_a_block_is_a_wrong_length() -> None:
    card = factory()
    session(card)
    assert card.transceive(sealed(card, 0x5F, b"\x02", bytes(8))) == b"\x91\x7e"


def test_the_counters_end_is_treated_as_a_wrong_mac() -> None:
    card = factory()
    session(card)
    session_of(card).counter = 0xFFFF
    assert card.transceive(sealed(card, 0x64, b"\x00")) == b"\x91\x1e"


def test_plain_commands_are_counted_too() -> None:
    card = factory()
    host = session(card)
    host.read_data(2, 0, 1)
    host.write_data(2, b"\x00")
    assert session_of(card).counter == 2
    assert host.get_key_version(0) == 0


def test_changing_key_0_answers_without_mac_and_ends_the_session() -> None:
    card = factory()
    session(card).change_key(0, UNKNOWN, 7)
    assert chip_of(card).session is None
    assert session(card, 0, UNKNOWN).get_key_version(0) == 7


def test_capabilities_are_answered_without_mac() -> None:
    card = factory()
    host = session(card)
    host.set_configuration(Configuration.CAPABILITIES, bytes(8) + b"\xab\xcd")
    assert chip_of(card).session is None
    assert card.state.configuration.capabilities == "abcd"


def test_a_read_longer_than_an_answer_is_refused() -> None:
    """256 bytes fit in plain; with MAC or encryption they do not."""
    card = factory()
    host = session(card)
    host.change_file_settings(2, FileSettings.decode(bytes.fromhex("030000")))
    session(card)
    assert card.transceive(sealed(card, 0xAD, bytes.fromhex("02000000000000"))) == b"\x91\x7e"


def test_a_write_may_be_full_and_long() -> None:
    card = factory()
    host = session(card, key_no=3)
    host.write_data(3, bytes(range(128)), mode=CommMode.FULL)
    assert host.read_data(3, mode=CommMode.FULL) == bytes(range(128))


def test_chained_writes_can_be_forbidden() -> None:
    card = factory()
    host = session(card)
    host.set_configuration(Configuration.CHAINED_WRITE, b"\x04\x00")
    host = session(card, key_no=3)
    host.write_data(3, bytes(80), mode=CommMode.FULL)
    assert _status_of_long_write(card) == "919D"


def _status_of_long_write(card: TwinCard) -> str:
    s = session_of(card)
    header = bytes.fromhex("03000000780000")
    data = bytes(120) + b"\x80" + bytes(7)
    cipher = aes_cbc_encrypt(s.enc, command_iv(s.enc, s.ti, s.counter), data)
    return status(card, sealed(card, 0x8D, header, cipher).hex())


def test_a_host_in_a_session_survives_a_second_application_select() -> None:
    card = factory()
    host = session(card)
    host.select_application()
    host = Card(card)
    host.authenticate(4, ZERO)
    assert host.get_card_uid() == UID
