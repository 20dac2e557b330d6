"""Who may read and write what, and how it travels: PROTOCOL (c) B 3."""

from __future__ import annotations

import pytest

from hardware.twin.state import CardState
from host.ntag424.card import Card
from host.ntag424.errors import StatusError
from host.ntag424.files import CommMode
from host.ntag424.status import Status
from tests.hardware.twin.cards import READ_ALL, UID, ZERO, selected, session, speak, status
from tests.hardware.twin.cards import with_settings as made

WRITE = "908D0000080200000001000055" + "00"
FACTORY = CardState.factory(UID)


def test_whoever_holds_the_key_uses_the_files_own_mode() -> None:
    host = session(selected(FACTORY), key_no=3)
    host.write_data(3, b"secret", mode=CommMode.FULL)
    assert host.read_data(3, 0, 6, mode=CommMode.FULL) == b"secret"
    assert host.authenticated == 3


def test_the_read_key_reads_and_does_not_write() -> None:
    host = session(selected(FACTORY), key_no=2)
    assert host.read_data(3, 0, 2, mode=CommMode.FULL) == b"\x00\x7e"
    with pytest.raises(StatusError) as refusal:
        host.write_data(3, b"x", mode=CommMode.FULL)
    assert refusal.value.status == Status.AUTHENTICATION_ERROR


def test_a_right_met_only_because_it_is_free_means_plain() -> None:
    """Even where the file is CommMode.Full and the host is authenticated."""
    host = session(selected(made(FACTORY, 2, "033FE2")), key_no=0)
    assert host.read_data(2, 0, 1, mode=CommMode.PLAIN) == b"\x00"
    assert host.authenticated == 0


def test_the_key_wins_over_the_free_right() -> None:
    host = session(selected(made(FACTORY, 2, "0330E3")), key_no=3)
    assert host.read_data(2, 0, 1, mode=CommMode.FULL) == b"\x00"


@pytest.mark.parametrize(
    ("settings", "read", "write"),
    [
        ("00E0EE", "9100", "9100"),
        ("0000E0", "9100", "91AE"),
        ("00F0FF", "919D", "919D"),
        ("00F01F", "91AE", "919D"),
        ("00E0FF", "9100", "9100"),
        ("00F00E", "91AE", "9100"),
    ],
)
def test_a_stranger_gets_what_is_free(settings: str, read: str, write: str) -> None:
    card = selected(made(FACTORY, 2, settings))
    assert status(card, READ_ALL) == read
    assert status(card, WRITE) == write


@pytest.mark.parametrize(
    ("settings", "read", "write"),
    [("00E0EE", "9000", "9000"), ("0000E0", "9000", "6982"), ("00F01F", "6982", "6982")],
)
def test_a_stranger_gets_the_same_with_iso_commands(settings: str, read: str, write: str) -> None:
    card = selected(made(FACTORY, 2, settings))
    speak(card, "00A4000C02E104")
    assert status(card, "00B0000001") == read
    assert status(card, "00D6000001" + "55") == write


def test_the_sdm_key_lets_a_stranger_read_what_is_signed() -> None:
    """No key is shown and Read is not free, but SDMFileRead is a key (NT4H2421Gx §9.3)."""
    state = made(FACTORY, 2, "40F0FFC1FF12000000400000400000")
    assert state.files[1].settings.rights.read == 15
    card = selected(state)
    assert status(card, READ_ALL) == "9100"
    speak(card, "00A4000C02E104")
    assert status(card, "00B0000001") == "9000"
    assert status(card, WRITE) == "919D"


def test_file_settings_change_for_the_change_key_only() -> None:
    card = selected(FACTORY)
    assert status(card, "905F0000040200E0EE00") == "91AE"
    session(card, key_no=1)
    assert status(card, "905F0000040200E0EE00") == "91AE"
    assert status(selected(made(FACTORY, 2, "00EFEE")), "905F0000040200E0EE00") == "919D"


def test_settings_that_anyone_may_change_are_changed_in_plain() -> None:
    card = selected(made(FACTORY, 2, "00EEEE"))
    assert status(card, "905F0000040200E0EE00") == "9100"
    assert speak(card, "90F50000010200") == "0000E0EE000100" + "9100"


def test_keys_and_configuration_want_key_0() -> None:
    card = selected(FACTORY)
    host = Card(card)
    for apdu in ("90C40000020100" + "00", "905C000002000200"):
        host.select_application()
        assert status(card, apdu) == "91AE"
        host.authenticate(1, ZERO)
        assert status(card, apdu) == "91AE"
