"""The panel's codec: the host's and the firmware's, written twice, agree."""

from __future__ import annotations

from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.readers import panel_words
from host.readers.panel_frames import (
    MAX_PAYLOAD,
    Frame,
    FrameReader,
    Payload,
    Record,
    cobs,
    encode,
    parse,
    payload,
    uncobs,
)
from reader import frames as firmware
from reader import tlv
from reader import words as firmware_words

byte = st.integers(0, 255)
zeros_often = st.lists(st.sampled_from([0, 0, 1, 255, 7]) | byte, max_size=600).map(bytes)
records = st.lists(st.tuples(byte, st.binary(max_size=60)), max_size=8)


@given(zeros_often)
def test_stuffed_bytes_hold_no_zero_and_come_back(data: bytes) -> None:
    stuffed = cobs(data)
    assert 0 not in stuffed
    assert uncobs(stuffed) == data


@given(byte, byte, records)
def test_the_firmware_reads_what_the_host_writes(
    kind: int, seq: int, values: list[tuple[int, bytes]]
) -> None:
    frame = Frame(kind, seq, payload(*values))
    decoder = firmware.Decoder()
    data = encode(frame)
    assert decoder.take(data, 0, len(data)) == len(data)
    assert decoder.ready
    assert (decoder.kind, decoder.seq) == (kind, seq)
    assert tlv.well_formed(decoder.payload)
    for tag, value in values:
        found = tlv.find(decoder.payload, tag)
        assert bytes(found) == next(v for t, v in values if t == tag)
        assert found is not None, value


@given(byte, byte, records)
def test_the_host_reads_what_the_firmware_writes(
    kind: int, seq: int, values: list[tuple[int, bytes]]
) -> None:
    writer = tlv.Writer()
    for tag, value in values:
        writer.put(tag, value)
    data = bytes(firmware.Encoder().encode(kind, seq, writer.view()))
    expected = Frame(kind, seq, Payload(tuple(Record(tag, value) for tag, value in values)))
    assert list(FrameReader().feed(data)) == [expected]


@given(st.binary(max_size=MAX_PAYLOAD))
def test_both_stuff_the_same_way(data: bytes) -> None:
    _stuff_both(data)


@pytest.mark.parametrize("length", [0, 1, 253, 254, 255, 507, 508, 509])
@pytest.mark.parametrize("end", [b"", b"\0", b"\0a"])
def test_both_stuff_long_runs_the_same_way(length: int, end: bytes) -> None:
    _stuff_both(b"x" * length + end)


def _stuff_both(data: bytes) -> None:
    out = bytearray(firmware.MAX_FRAME)
    end = firmware.cobs_encode(data, len(data), out, 0)
    assert bytes(out[:end]) == cobs(data)


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_frames_are_found_after_any_noise_in_pieces_of_any_size(noise: bytes, size: int) -> None:
    good = encode(Frame(1, 2, payload((3, "x"))))
    data = noise + good
    reader = FrameReader()
    found = [f for at in range(0, len(data), size) for f in reader.feed(data[at : at + size])]
    assert found[-1:] == [Frame(1, 2, payload((3, "x")))]


def test_a_payload_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        encode(Frame(1, 1, payload((1, bytes(MAX_PAYLOAD)))))


def test_a_record_that_runs_over_the_end_is_broken() -> None:
    data = bytes(firmware.Encoder().encode(1, 1, b"\x01\x09\x00"))
    with pytest.raises(ValueError, match="over the end"):
        parse(data[1:-1])


PREFIXES: dict[type[IntEnum], str] = {
    panel_words.Request: "",
    panel_words.Event: "EV_",
    panel_words.Tag: "T_",
    panel_words.Status: "",
    panel_words.Outcome: "",
    panel_words.Reason: "",
    panel_words.Boot: "BOOT_",
    panel_words.Key: "",
    panel_words.How: "",
    panel_words.ScreenLook: "LOOK_",
}


@pytest.mark.parametrize("kind", PREFIXES, ids=lambda kind: kind.__name__)
def test_host_and_firmware_know_the_same_numbers(kind: type[IntEnum]) -> None:
    for member in kind:
        assert getattr(firmware_words, PREFIXES[kind] + member.name) == member.value
