"""Lengths, classes, selection: PROTOCOL (c) B 1 and B 2."""

from __future__ import annotations

import pytest

from hardware.twin.card import TwinCard
from hardware.twin.state import CardState
from host.ntag424.card import Card
from tests.hardware.twin.cards import READ_ALL, SELECT, UID, factory, session, speak, status


@pytest.mark.parametrize(
    ("apdu", "expected"),
    [
        ("", "6700"),
        ("90", "6700"),
        ("900000", "6700"),
        ("90F5000001", "917E"),  # no data, so this is a wrong Le
        ("90F500000102", "917E"),  # no Le
        ("90F50000010205", "917E"),  # Le other than 00
        ("90F500000202", "6700"),  # Lc longer than the data
        ("90F5000000000102", "6700"),  # an extended length
        ("00A4040000000007D2760000850101", "6700"),
        ("90F50100010200", "919E"),  # P1
        ("90F50001010200", "919E"),  # P2
        ("90F500000202FF00", "917E"),  # too much data
        ("9099000000", "911C"),
        ("90AF000000", "911C"),
        ("0099000000", "6D00"),
        ("80CA000000", "6E00"),
        ("FFCA000000", "6E00"),
        ("90F50000010900", "91F0"),
        ("90F50000010000", "91F0"),
        ("90640000010500", "9140"),
        ("90AD0000070200010000000000", "91BE"),
        ("90AD0000070200000101010000", "91BE"),
        ("903C0000010100", "919E"),
    ],
)
def test_a_malformed_command_gets_its_own_status(apdu: str, expected: str) -> None:
    assert speak(factory(), apdu) == expected


@pytest.mark.parametrize(
    ("apdu", "expected"),
    [
        ("00A4040007D276000085010100", "9000"),
        ("00A4040007D2760000850101", "9000"),
        ("00A4040C07D276000085010100", "9000"),
        ("00A4040007D2760000850100", "9000"),  # the PICC's own name
        ("00A4000002E110", "9000"),
        ("00A4010002E110", "9000"),
        ("00A40000023F00", "9000"),
        ("00A4000000", "9000"),
        ("00A40300", "9000"),
        ("00A4040007D2760000850102", "6A82"),
        ("00A4000002E103", "6A82"),  # a file, but no application is selected
        ("00A4020002E110", "6A82"),
        ("00A4050002E110", "6A86"),
        ("00A4000102E110", "6A86"),
        ("00A4000001E1", "6A87"),
        ("00A4030002E110", "6A87"),
    ],
)
def test_select_from_picc_level(apdu: str, expected: str) -> None:
    assert speak(TwinCard.factory(UID), apdu) == expected


@pytest.mark.parametrize("identifier", ["E103", "E104", "E105"])
def test_every_file_of_the_application_is_selectable(identifier: str) -> None:
    card = factory()
    assert speak(card, f"00A4000C02{identifier}") == "9000"
    assert speak(card, f"00A4020C02{identifier}00") == "9000"


def test_a_failing_select_keeps_the_selection() -> None:
    card = factory()
    speak(card, "00A4000C02E103")
    assert speak(card, "00A4000C02E1FF") == "6A82"
    assert speak(card, "00B0000002") == "0017" + "9000"


def test_selecting_the_application_ends_the_session() -> None:
    card = factory()
    session(card)
    speak(card, SELECT)
    assert status(card, "9051000000") == "91AE"


def test_at_picc_level_only_the_card_itself_answers() -> None:
    card = TwinCard.factory(UID)
    assert status(card, "903C0000010000") == "9190"
    assert status(card, "90640000010100") == "9100"
    for apdu in (
        "90F50000010200",
        "90F60000010200",
        READ_ALL,
        "908D000008020000000100005500",
    ):
        assert status(card, apdu) == "919D", apdu
    assert status(card, "9071000002000000") == "9140"
    assert status(card, "9071000002010000") == "919D"
    assert status(card, "9060000000") == "91AF"


def test_get_version_is_aborted_by_any_other_command() -> None:
    card = factory()
    speak(card, "9060000000")
    assert speak(card, "90640000010000") == "91CA"
    assert speak(card, "90640000010000") == "009100"
    speak(card, "9060000000")
    assert speak(card, "00B0000000") == "6985"
    assert speak(card, "90AF000000") == "911C"


def test_an_authentication_is_aborted_by_any_other_command() -> None:
    card = factory()
    speak(card, "9071000002000000")
    assert speak(card, "9071000002000000") == "91CA"
    assert status(card, "9071000002000000") == "91AF"


def test_read_binary_needs_a_file_and_a_length() -> None:
    card = factory()
    assert speak(card, "00B0000000") == "6985"
    speak(card, "00A4000C02E103")
    assert speak(card, "00B00000") == "6700"
    assert speak(card, "00B0001E00") == "0000" + "9000"  # up to the end
    assert speak(card, "00B0002000") == "6A86"  # from behind it


def test_a_short_identifier_reads_and_selects() -> None:
    card = factory()
    assert speak(card, "00B0830002") == "0017" + "9000"
    assert speak(card, "00B0000201") == "20" + "9000"
    assert speak(card, "00B0800201") == "20" + "9000"
    assert speak(card, "00B0860001") == "6A82"
    assert speak(card, "00B09F0001") == "6A86"


def test_update_binary_takes_no_le_and_stays_inside_the_file() -> None:
    card = factory()
    speak(card, "00A4000C02E104")
    assert speak(card, "00D60000020003") == "9000"
    assert speak(card, "00D6000002000300") == "6700"
    assert speak(card, "00D600FF020003") == "6A86"
    assert speak(card, "00B0000002") == "0003" + "9000"


def test_iso_reads_and_writes_are_refused_in_a_session() -> None:
    card = factory()
    host = session(card)
    speak(card, "00A4000C02E104")
    assert host.authenticated == 0
    assert speak(card, "00B0000000") == "6982"
    session(card)
    speak(card, "00A4000C02E104")
    assert speak(card, "00D60000020003") == "6982"


def test_a_card_without_power_forgets_its_selection() -> None:
    card = TwinCard(CardState.factory(UID))
    Card(card).select_application()
    card.power_off()
    card.power_on()
    assert status(card, "90F50000010200") == "919D"
