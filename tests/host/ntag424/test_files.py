"""File settings: both layouts, and the rules of 919E."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424.files import (
    FACTORY_FILES,
    AccessRights,
    CommMode,
    FileInfo,
    FileNo,
    FileSettings,
    Right,
    Sdm,
    SettingsError,
    boltcard_settings,
)

rights = st.sampled_from(Right)
modes = st.sampled_from(CommMode)
words = st.integers(0, 0xFFFFFE)
access = st.builds(AccessRights, rights, rights, rights, rights)


@st.composite
def sdms(draw: st.DrawFn) -> Sdm:
    """Any SDM settings that can be written down, whether a card would take them or not."""
    meta, file_read = draw(rights), draw(rights)
    uid, count = draw(st.booleans()), draw(st.booleans())
    values: dict[str, Any] = {}
    if meta is Right.FREE:
        values["uid_offset"] = draw(words) if uid else None
        values["counter_offset"] = draw(words | st.none()) if count else None
    elif meta.is_key:
        values["picc_offset"] = draw(words)
    if file_read is not Right.NEVER:
        values |= {"mac_input_offset": draw(words), "mac_offset": draw(words)}
        if draw(st.booleans()):
            values |= {"enc_offset": draw(words), "enc_length": draw(words)}
    values["counter_limit"] = draw(words | st.none())
    return Sdm(
        meta_read=meta,
        file_read=file_read,
        counter_return=draw(rights),
        uid=uid,
        counter=count,
        **values,
    )


settings = st.builds(FileSettings, modes, access, st.none() | sdms())


@given(settings)
def test_settings_come_back(value: FileSettings) -> None:
    assert FileSettings.decode(value.encode()) == value


@given(settings, words)
def test_an_answer_comes_back(value: FileSettings, size: int) -> None:
    info = FileInfo(value, size)
    assert FileInfo.decode(info.encode()) == info


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_and_nothing_else(raw: bytes) -> None:
    for decode in (FileSettings.decode, FileInfo.decode):
        try:
            value = decode(raw)
        except SettingsError:
            continue
        assert len(value.encode()) == len(raw)


@pytest.mark.parametrize(
    ("number", "answer"),
    [(FileNo.CC, "000000E0200000"), (FileNo.NDEF, "0000E0EE000100"), (3, "00033023800000")],
)
def test_factory_settings_are_those_of_the_data_sheet(number: FileNo, answer: str) -> None:
    assert FACTORY_FILES[number].encode() == bytes.fromhex(answer)


def test_a_boltcard_signs_nothing_but_uid_and_counter() -> None:
    """BoltCardTools and bolt-nfc-android-app write these bytes."""
    assert boltcard_settings(30, 65).encode().hex() == "4000e0c1ff121e0000410000410000"


def test_the_counter_may_be_returned_to_key_1() -> None:
    """AN12196 table 19 returns it; the Boltcard apps do not."""
    value = boltcard_settings(0x20, 0x43, counter_return=Right.KEY_1)
    assert value.encode().hex() == "4000e0c1f112200000430000430000"


def test_a_whole_answer_is_taken_apart() -> None:
    """AN12196 table 8: everything on, plain counter returned to anyone."""
    raw = bytes.fromhex("0040EEEE000100D1FE001F00004400004400002000006A0000")
    info = FileInfo.decode(raw)
    assert info.size == 256
    assert info.settings.sdm == Sdm(
        meta_read=Right.KEY_0,
        file_read=Right.KEY_0,
        counter_return=Right.FREE,
        picc_offset=0x1F,
        mac_input_offset=0x44,
        enc_offset=0x44,
        enc_length=0x20,
        mac_offset=0x6A,
    )
    info.settings.check(info.size)
    assert info.encode() == raw


BOLTCARD = boltcard_settings(30, 65)
PLAIN_MIRROR = Sdm(
    meta_read=Right.FREE,
    file_read=Right.KEY_2,
    counter_return=Right.NEVER,
    uid_offset=20,
    counter_offset=40,
    mac_input_offset=20,
    mac_offset=50,
)
ENCRYPTED = Sdm(
    meta_read=Right.KEY_1,
    file_read=Right.KEY_2,
    counter_return=Right.NEVER,
    picc_offset=0,
    mac_input_offset=40,
    enc_offset=40,
    enc_length=32,
    mac_offset=80,
)


@pytest.mark.parametrize("sdm", [BOLTCARD.sdm, PLAIN_MIRROR, ENCRYPTED], ids=["bolt", "uid", "enc"])
def test_good_settings_pass_the_rules(sdm: Sdm) -> None:
    sdm.check(256)


@pytest.mark.parametrize(
    ("sdm", "change", "reason"),
    [
        (BOLTCARD.sdm, {"uid": False, "counter": False}, "PICCData would be empty"),
        (BOLTCARD.sdm, {"meta_read": Right.NEVER, "picc_offset": None}, "needs a right"),
        (BOLTCARD.sdm, {"counter": False, "counter_return": Right.FREE}, "cannot be returned"),
        (BOLTCARD.sdm, {"file_read": Right.FREE}, "cannot be free"),
        (BOLTCARD.sdm, {"counter": False, "counter_limit": 9}, "limit needs"),
        (BOLTCARD.sdm, {"picc_offset": 50}, "overlaps"),
        (BOLTCARD.sdm, {"mac_offset": 241}, "beyond the end"),
        (BOLTCARD.sdm, {"mac_input_offset": 66}, "must come before"),
        (ENCRYPTED, {"uid": False}, "needs UID and counter"),
        (ENCRYPTED, {"enc_length": 33}, "multiple of 32"),
        (ENCRYPTED, {"enc_length": 0}, "multiple of 32"),
        (ENCRYPTED, {"enc_length": 64}, "overlaps"),
        (ENCRYPTED, {"enc_offset": 100}, "must come before"),
        (PLAIN_MIRROR, {"counter_offset": 30}, "overlaps"),
    ],
)
def test_what_a_card_refuses_is_refused_before(
    sdm: Sdm, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        FileSettings(CommMode.PLAIN, BOLTCARD.rights, replace(sdm, **change)).check(256)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uid_offset": 3}, "uid_offset: has no place"),
        ({"picc_offset": None}, "picc_offset: is missing"),
        ({"picc_offset": 1 << 24}, "24 bits"),
        ({"enc_offset": 3}, "enc_length: is missing"),
        ({"enc_length": 32}, "enc_length: has no place"),
    ],
)
def test_a_value_stands_only_where_the_wire_has_one(change: dict[str, Any], reason: str) -> None:
    assert BOLTCARD.sdm is not None
    with pytest.raises(SettingsError, match=reason):
        replace(BOLTCARD.sdm, **change)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "0000",
        "0000E000",
        "8000E0",
        "0050E0",
        "4000E0",
        "4000E0C1FF121E00004100004100",
        "4000E0C1FF121E000041000041000000",
        "4000E0C0FF121E0000410000410000",
        "4000E0C3FF121E0000410000410000",
        "4000E0C10F121E0000410000410000",
        "4000E0C1FF521E0000410000410000",
        "4000E0D1FF1F1E0000",
    ],
)
def test_malformed_settings_are_refused(raw: str) -> None:
    with pytest.raises(SettingsError):
        FileSettings.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("raw", ["0000E0EE0001", "0100E0EE000100"])
def test_only_a_standard_data_file_has_settings(raw: str) -> None:
    with pytest.raises(SettingsError):
        FileInfo.decode(bytes.fromhex(raw))
