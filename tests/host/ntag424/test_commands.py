"""Commands as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424 import commands
from host.ntag424.commands import CardVersion, Ins
from host.ntag424.crypto import crc32nk
from host.ntag424.errors import AnswerError
from host.ntag424.files import CommMode
from host.ntag424.session import Session
from host.ntag424.values import Key
from tests.host.ntag424.vectors import keys


@given(st.sampled_from(Ins), st.binary(max_size=255))
def test_a_native_command_is_wrapped_and_ends_with_le(ins: Ins, payload: bytes) -> None:
    apdu = commands.native(ins, payload)
    assert (apdu[:4], apdu[-1]) == (bytes([0x90, ins, 0, 0]), 0)
    assert apdu[4:-1] == (bytes([len(payload)]) + payload if payload else b"")


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_an_answer_is_split_into_data_and_status(data: bytes, word: int) -> None:
    assert commands.split(data + word.to_bytes(2)) == (data, word)


@pytest.mark.parametrize("answer", [b"", b"\x90"])
def test_an_answer_without_a_status_word_is_none(answer: bytes) -> None:
    with pytest.raises(AnswerError):
        commands.split(answer)


def test_iso_commands_have_the_bytes_every_tool_sends() -> None:
    assert commands.iso_select_application().hex() == "00a4040007d276000085010100"
    assert commands.iso_select_file(0xE104).hex() == "00a4000c02e104"
    assert commands.iso_read_binary(0, 256).hex() == "00b0000000"
    assert commands.iso_read_binary(0x102, 15).hex() == "00b001020f"
    assert commands.iso_update_binary(2, b"ab").hex() == "00d60002026162"


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0x8000, 1), (0, 0), (0, 257)])
def test_what_no_short_command_can_say_is_refused(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="offset"):
        commands.iso_read_binary(offset, length)
    with pytest.raises(ValueError, match="offset"):
        commands.iso_update_binary(offset, bytes(max(0, length)))


def test_more_than_255_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        commands.native(Ins.WRITE_DATA, bytes(256))


@pytest.mark.parametrize("mode", CommMode)
def test_the_largest_untorn_write_fills_a_frame_and_no_more(mode: CommMode) -> None:
    def frame(size: int) -> int:
        session = Session(0, bytes(4), Key.zero(), Key.zero())
        header = commands.file_range(2, 0, size)
        payload = session.seal(Ins.WRITE_DATA, header, bytes(size), mode)
        return len(commands.native(Ins.WRITE_DATA, payload)) + 4  # PCB, CID, CRC

    most = commands.one_frame(mode)
    assert frame(most) <= 128 < frame(most + 1)


@given(keys, keys, st.integers(1, 4), st.integers(0, 255))
def test_a_new_key_can_be_told_from_its_old_one(
    new: Key, old: Key, number: int, version: int
) -> None:
    data = commands.change_key_data(number, new, version, old)
    mixed = bytes(a ^ b for a, b in zip(data[:16], old.reveal(), strict=True))
    assert Key(mixed) == new
    assert data[16:] == bytes([version]) + crc32nk(new.reveal())


def test_key_zero_travels_as_it_is() -> None:
    new = Key(bytes(range(16)))
    assert commands.change_key_data(0, new, 7, None) == new.reveal() + b"\x07"


@pytest.mark.parametrize(("number", "version", "reason"), [(1, 0, "old"), (0, 256, "version")])
def test_a_key_change_must_be_complete(number: int, version: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        commands.change_key_data(number, Key.zero(), version, None)


def test_another_chip_is_told_by_its_version() -> None:
    desfire = bytes.fromhex("04010112001605 04010102011605") + bytes(14)
    assert not CardVersion.decode(desfire).is_ntag424
    with pytest.raises(AnswerError):
        CardVersion.decode(bytes(27))
