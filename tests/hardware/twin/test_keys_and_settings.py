"""ChangeKey, ChangeFileSettings, SetConfiguration: PROTOCOL (c) B 6 and B 11."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.twin.apdu import Refused
from hardware.twin.settings import Settings
from hardware.twin.state import CardState, KeySlot
from host.ntag424.commands import Configuration, Ins, native
from host.ntag424.errors import StatusError
from host.ntag424.files import FACTORY_FILES, CommMode, FileNo, FileSettings
from host.ntag424.status import Status
from host.ntag424.values import Key
from tests.hardware.twin.cards import (
    UID,
    ZERO,
    boltcard,
    factory,
    selected,
    session,
    speak,
    status,
    with_settings,
)

NEW = Key(bytes(range(16)))
BOLTCARD = "4000E0C1FF121E0000410000410000"


def refusal(settings: str, *, number: int = 2, size: int = 256, counter: int = 0) -> str | None:
    """The status word with which a card refuses these settings; None where it takes them."""
    try:
        Settings.decode(bytes.fromhex(settings)).check(number, size, counter)
    except Refused as refused:
        return f"{refused.status:04X}"
    return None


@pytest.mark.parametrize("number", range(5))
def test_a_key_and_its_version_change_together(number: int) -> None:
    card = selected(CardState.factory(UID).with_key(number, KeySlot(ZERO, 3, 0, 9)))
    session(card).change_key(number, NEW, 0xA5, ZERO)
    assert card.state.keys[number] == KeySlot(NEW, 0xA5)
    session(card, number, NEW)


@pytest.mark.parametrize("number", range(1, 5))
def test_a_wrong_old_key_changes_nothing(number: int) -> None:
    card = factory()
    before = card.state.keys[number]
    with pytest.raises(StatusError) as refused:
        session(card).change_key(number, NEW, 1, NEW)
    assert refused.value.status == Status.INTEGRITY_ERROR
    assert card.state.keys[number] == before
    assert status(card, "9051000000") == "91AE"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("0000E0", None),
        ("0300E0", None),
        (BOLTCARD, None),
        ("4000E0C1F121200000430000430000", "an12196 table 19"),
        ("40EEEED1FE001F00004400004400002000006A0000", "encrypted file data"),
        ("4000E0C1FFEF1E0000500000", "plain mirrors without a MAC"),
        ("400000C1FFE2100000FFFFFF400000400000", "a counter that is not mirrored"),
        ("4000E0E1FF121E0000410000410000050000", "a limit"),
        ("4000E041F1F1400000400000", "only a MAC, and the counter behind a key"),
    ],
)
def test_settings_a_card_takes(settings: str, why: str | None) -> None:
    assert refusal(settings) is None, why
    assert Settings.decode(bytes.fromhex(settings)).encode().hex().upper() == settings


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("8000E0", "a reserved bit"),
        ("0400E0", "a reserved bit"),
        ("0005E0", "key 5"),
        ("00D0EE", "key 13"),
        ("4000E0C0FF121E0000410000410000", "not ASCII"),
        ("4000E0C3FF121E0000410000410000", "a reserved SDM option"),
        ("4000E0C10F121E0000410000410000", "the reserved nibble of the SDM rights"),
        ("4000E0C1FF521E0000410000410000", "MetaRead is key 5"),
        ("4000E0C1FF1E1E0000410000410000", "FileRead is free"),
        ("4000E0C1FD121E0000410000410000", "CtrRet is key 13"),
        ("4000E001FF121E0000410000410000", "MetaRead without UID and counter"),
        ("4000E0C1FFF2410000410000", "UID without MetaRead"),
        ("4000E081F1121E0000410000410000", "CtrRet without a counter"),
        ("4000E0D1FF1F1E0000", "encryption without FileRead"),
        ("4000E091FF121E00004100004100002000008000" + "00", "encryption without a counter"),
        ("4000E0C1FF12E10000410000410000", "PICC data beyond the file"),
        ("4000E0C1FF121E0000410000F10000", "the MAC beyond the file"),
        ("4000E0C1FF121E0000410000300000", "the MAC on the PICC data"),
        ("4000E0C1FF121E0000420000410000", "the MAC before its input"),
        ("4000E0C1FFE21E0000250000800000800000", "UID on counter"),
        ("4000E0C1FFE21E0000800000" + "1E00001E0000", "MAC on UID"),
        ("4000E0C1FFE21E0000800000" + "7F00007F0000", "MAC on counter"),
        ("40EEEED1FE001F00004400004400001000006A0000", "16 encrypted characters"),
        ("40EEEED1FE001F00004400004400002100006A0000", "33 encrypted characters"),
        ("40EEEED1FE001F0000440000430000200000" + "6A0000", "encryption before the MAC's input"),
        ("40EEEED1FE001F0000440000600000200000" + "6A0000", "encryption into the MAC"),
        ("40EEEED1FE001F0000200000300000200000" + "6A0000", "encryption on the PICC data"),
        ("4000E0A1FF121E0000410000410000050000", "a limit without a counter"),
    ],
)
def test_settings_a_card_refuses(settings: str, why: str) -> None:
    assert refusal(settings) == "919E", why


@pytest.mark.parametrize(
    "settings",
    ["", "00", "00E0", "00E0EEEE", "4000E0", "4000E0C1FF", BOLTCARD[:-2], BOLTCARD + "00"],
)
def test_settings_of_a_wrong_length(settings: str) -> None:
    assert refusal(settings) == "917E"


def test_a_limit_lies_above_the_counter() -> None:
    limited = "4000E0E1FF121E0000410000410000050000"
    assert refusal(limited, counter=4) is None
    assert refusal(limited, counter=5) == "919E"


@pytest.mark.parametrize("number", [1, 3])
def test_dynamic_messaging_is_for_the_ndef_file_only(number: int) -> None:
    assert refusal(BOLTCARD, number=number) == "919D"


@given(st.binary(max_size=40))
def test_whatever_is_taken_is_reported_back(wire: bytes) -> None:
    try:
        settings = Settings.decode(wire)
        settings.check(2, 256, 0)
    except Refused:
        return
    again = Settings.decode(settings.encode())
    assert again == settings
    FileSettings.decode(settings.encode())  # the host's own codec takes it as well


def test_switching_on_resets_the_counter_and_changing_keeps_it() -> None:
    card = selected(boltcard(counter=7))
    host = session(card)
    host.change_file_settings(2, FileSettings.decode(bytes.fromhex(BOLTCARD)))
    assert card.state.read_counter == 7
    host.change_file_settings(2, FACTORY_FILES[FileNo.NDEF].settings)
    assert card.state.read_counter == 7
    host.change_file_settings(2, FileSettings.decode(bytes.fromhex(BOLTCARD)))
    assert card.state.read_counter == 0


@pytest.mark.parametrize(
    ("option", "data", "expected"),
    [
        (0x00, "0200", "917E"),
        (0x04, "04", "917E"),
        (0x05, "00", "917E"),
        (0x0A, "01E803", "917E"),
        (0x0B, "0100", "917E"),
        (0x00, "01", "919E"),
        (0x00, "FF", "919E"),
        (0x0A, "0100000A00", "919E"),
        (0x0B, "02", "919E"),
        (0x01, "00", "919E"),
    ],
)
def test_a_wrong_configuration_is_refused(option: int, data: str, expected: str) -> None:
    card = factory()
    host = session(card)
    before = card.state
    with pytest.raises(StatusError) as refused:
        host._command(
            Ins.SET_CONFIGURATION, bytes([option]), bytes.fromhex(data), mode=CommMode.FULL
        )
    assert f"{refused.value.status:04X}" == expected
    assert card.state is before


def test_each_configuration_is_kept() -> None:
    card = factory()
    host = session(card)
    host.set_configuration(Configuration.FAILED_AUTHENTICATIONS, bytes.fromhex("0102000300"))
    host.set_configuration(Configuration.BACK_MODULATION, b"\x00")
    host.set_configuration(Configuration.CHAINED_WRITE, b"\x00\x00")
    configuration = card.state.configuration
    assert (configuration.failure_limit, configuration.failure_decrement) == (2, 3)
    assert configuration.chained_writes
    assert host.get_version().hardware[2] == 0x88
    host.set_configuration(Configuration.FAILED_AUTHENTICATIONS, bytes(5))
    assert not card.state.configuration.count_failures


def test_lrp_is_for_ever_and_takes_dynamic_messaging_along() -> None:
    card = selected(boltcard())
    host = session(card)
    lrp = bytes.fromhex("00000000020000000000")
    host._command(Ins.SET_CONFIGURATION, b"\x05", lrp, mode=CommMode.FULL, ends=True)
    assert card.state.configuration.lrp
    assert card.state.files[1].settings.sdm is None
    assert status(card, "9071000002000000") == "919D"


def test_random_id_hides_the_uid_from_the_next_power_up_on() -> None:
    card = selected(boltcard())
    session(card).enable_random_id()
    assert card.identity == UID.raw
    card.power_off()
    card.power_on()
    speak(card, "00A4040007D276000085010100")
    shown = card.identity
    assert (len(shown), shown[0]) == (4, 0x08)
    assert session(card).get_version().uid == bytes(7)
    assert session(card).get_card_uid() == UID
    speak(card, "00A4040007D276000085010100")
    assert status(card, "903C0000010000") == "91AE"
    assert len(session(card).read_signature()) == 56
    card.power_off()
    card.power_on()
    assert card.identity != shown


def test_random_id_cannot_be_switched_off() -> None:
    card = selected(replace(CardState.factory(UID)))
    session(card).set_configuration(Configuration.PICC, b"\x02")
    session(card).set_configuration(Configuration.PICC, b"\x00")
    assert card.state.configuration.random_id


def test_the_counter_is_told_as_the_settings_say() -> None:
    factory_state = CardState.factory(UID)
    assert status(selected(factory_state), "90F60000010200") == "919D"
    closed = selected(boltcard(counter=5))
    assert status(closed, "90F60000010200") == "919D"
    free = selected(
        replace(with_settings(boltcard(), 2, BOLTCARD.replace("C1FF", "C1FE")), read_counter=5)
    )
    assert speak(free, "90F60000010200") == "0500000000" + "9100"
    assert session(free).get_file_counter(2, CommMode.MAC) == 5
    keyed = selected(
        replace(with_settings(boltcard(), 2, BOLTCARD.replace("C1FF", "C1F1")), read_counter=6)
    )
    assert status(keyed, "90F60000010200") == "91AE"
    assert session(keyed, 1).get_file_counter(2, CommMode.FULL) == 6
    assert keyed.transceive(native(0xF6, b"\x09")) == b"\x91\xf0"
