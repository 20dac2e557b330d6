"""The chip by its frames: what nfcpy and libnfc ask of it, answered as UM0701-02 says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.twin.bench import Bench, Lights
from hardware.twin.card import ATS, Tear, TearAt
from hardware.twin.pn532 import Pn532
from hardware.twin.pn532_frames import (
    ACK,
    SYNTAX_ERROR,
    Ack,
    FrameReader,
    Nack,
    Order,
    answer_frame,
)
from hardware.twin.store import Drawer
from host.ntag424.values import Uid
from tests.hardware.twin.cards import SELECT

ANN, BOB = Uid.parse("04112233445566"), Uid.parse("04AABBCCDDEEFF")
FOUND_ANN = b"\x01\x01\x03\x44\x20\x07" + ANN.raw
LIST_ONE, LIST_TWO = "4A0100", "4A0200"
NO_RATS, FIELD_OFF, FIVE_TRIES = "1200", "320100", "3205FF0105"


def order(code: int, data: bytes) -> bytes:
    """A command frame as a host makes it."""
    body = bytes([0xD4, code]) + data
    if len(body) > 255:
        size = len(body).to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    else:
        head = bytes([len(body), -len(body) & 0xFF])
    return b"\x00\x00\xff" + head + body + bytes([-sum(body) & 0xFF, 0])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(Drawer(tmp_path)) as bench:
        bench.create("ann", ANN)
        bench.create("bob", BOB)
        yield bench


@pytest.fixture
def chip(bench: Bench) -> Pn532:
    chip = Pn532(bench)
    ask(chip, NO_RATS)
    ask(chip, FIVE_TRIES)
    return chip


def feed(chip: Pn532, data: bytes, baud: int | None = None) -> bytes:
    """All that the chip sends back."""
    return b"".join(chip.feed(data, baud))


def ask(chip: Pn532, command: str) -> bytes:
    """The data of the chip's answer to a command in hex, its code first."""
    raw = bytes.fromhex(command)
    answer = feed(chip, order(raw[0], raw[1:]))
    assert answer.startswith(ACK)
    return opened(answer[len(ACK) :], raw[0])


def opened(frame: bytes, code: int) -> bytes:
    start = 8 if frame[3:5] == b"\xff\xff" else 5
    assert frame == answer_frame(code, frame[start + 2 : -2])
    return frame[start + 2 : -2]


def test_it_introduces_itself_as_nfcpy_expects(chip: Pn532) -> None:
    assert feed(chip, bytes(10) + bytes.fromhex("0000ff02fed4022a00")).hex() == (
        "0000ff00ff00" + "0000ff06fad50332010607e800"
    )
    assert feed(chip, bytes.fromhex("0000ff05fbd4140100001700")).hex() == (
        "0000ff00ff00" + "0000ff02fed5151600"
    )


def test_the_line_test_echoes_the_longest_frame(chip: Pn532) -> None:
    data = bytes([0]) + bytes(n & 0xFF for n in range(262))
    assert ask(chip, "00" + data.hex()) == data


def test_unknown_commands_get_the_error_frame(chip: Pn532) -> None:
    assert feed(chip, order(0x8C, b"")) == ACK + SYNTAX_ERROR
    assert feed(chip, order(0x4A, b"")) == ACK + SYNTAX_ERROR


def test_an_empty_field_answers_zero(chip: Pn532) -> None:
    assert ask(chip, LIST_ONE) == b"\x00"
    assert ask(chip, "066339") == b"\x26"  # nobody answered, so REQA is still in the FIFO


def test_a_card_is_described_without_ats_unless_the_chip_asks_for_it(
    bench: Bench, chip: Pn532
) -> None:
    bench.lay("ann")
    assert ask(chip, LIST_ONE) == FOUND_ANN
    ask(chip, "1214")
    assert ask(chip, LIST_ONE) == FOUND_ANN + ATS


@pytest.mark.parametrize("modulation", ["01", "02", "03", "04"])
def test_it_is_found_as_type_a_only(bench: Bench, chip: Pn532, modulation: str) -> None:
    bench.lay("ann")
    assert ask(chip, f"4A01{modulation}00") == b"\x00"


def test_two_cards_are_two_targets(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    bench.lay("bob")
    assert ask(chip, LIST_TWO) == b"\x02" + FOUND_ANN[1:] + b"\x02" + FOUND_ANN[2:6] + BOB.raw
    ask(chip, FIELD_OFF)
    assert ask(chip, LIST_ONE) == FOUND_ANN
    ask(chip, FIELD_OFF)
    assert ask(chip, LIST_ONE + "88" + BOB.hex())[6:] == BOB.raw


def test_looking_for_a_second_card_puts_the_first_to_sleep(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    assert ask(chip, LIST_TWO) == FOUND_ANN
    assert ask(chip, "42E080") == b"\x01"
    assert ask(chip, LIST_ONE) == b"\x00"
    ask(chip, FIELD_OFF)
    assert ask(chip, LIST_ONE) == FOUND_ANN


def test_frames_go_through_to_the_card(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, LIST_ONE)
    assert ask(chip, "42E080") == b"\x00" + ATS
    assert ask(chip, "4202" + SELECT) == b"\x00\x02\x90\x00"
    assert ask(chip, "42B3") == b"\x00\xa2"
    bench.lift()
    assert ask(chip, "42B3") == b"\x01"


def test_the_chips_own_iso_dep_carries_long_answers(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, "1214")
    ask(chip, LIST_ONE)
    assert ask(chip, "4001" + SELECT) == b"\x00\x90\x00"
    assert ask(chip, "400190AD0000070200000000000000") == b"\x00" + bytes(256) + b"\x91\x00"
    assert ask(chip, "4041908D0000") == b"\x00"  # more is to come
    assert ask(chip, "40010802000000010000" + "5500") == b"\x00\x91\x00"
    assert ask(chip, "4002" + SELECT) == b"\x27"


def test_presence_is_asked_of_the_card(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, "1214")
    ask(chip, LIST_ONE)
    assert ask(chip, "0006") == b"\x00"
    bench.lift()
    assert ask(chip, "0006") == b"\x01"


def test_deselected_cards_sleep_until_they_are_selected(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, "1214")
    ask(chip, LIST_ONE)
    assert ask(chip, "4401") == b"\x00"
    assert ask(chip, LIST_ONE) == b"\x00"
    ask(chip, FIELD_OFF)
    ask(chip, LIST_ONE)
    ask(chip, "4400")
    assert ask(chip, "5401") == b"\x00"
    assert ask(chip, "4001" + SELECT) == b"\x00\x90\x00"
    ask(chip, "5201")
    assert ask(chip, "5401") == b"\x27"


def test_the_field_going_off_resets_the_cards(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, LIST_ONE)
    ask(chip, "42E080")
    ask(chip, "4202" + SELECT)
    assert ask(chip, "04") == bytes.fromhex("000101") + b"\x01\x00\x00\x00" + b"\x80"
    ask(chip, FIELD_OFF)
    assert ask(chip, "04") == bytes.fromhex("000000") + b"\x80"
    ask(chip, LIST_ONE)
    ask(chip, "42E080")
    assert ask(chip, "420290F50000010200") == b"\x00\x02\x91\x9d"


def test_a_torn_card_is_lifted(bench: Bench, chip: Pn532) -> None:
    bench.lay("ann")
    ask(chip, LIST_ONE)
    ask(chip, "42E080")
    bench.tear(Tear(TearAt.ANSWER))
    assert ask(chip, "4202" + SELECT) == b"\x01"
    assert ask(chip, LIST_ONE) == b"\x00"
    assert not any(card.laid for card in bench.cards())


def test_a_chip_told_to_wait_answers_when_a_card_comes(bench: Bench) -> None:
    chip = Pn532(bench)
    ask(chip, NO_RATS)
    assert feed(chip, order(0x4A, b"\x01\x00")) == ACK
    assert chip.look() == b""
    bench.lay("ann")
    assert opened(chip.look(), 0x4A) == FOUND_ANN
    assert chip.look() == b""


def test_an_ack_takes_a_waiting_command_back(bench: Bench) -> None:
    chip = Pn532(bench)
    assert feed(chip, order(0x60, bytes.fromhex("FF0100"))) == ACK
    assert feed(chip, ACK) == b""
    bench.lay("ann")
    assert chip.look() == b""


def test_polling_by_itself_finds_the_card(bench: Bench, chip: Pn532) -> None:
    ask(chip, "1214")
    assert ask(chip, "60140200") == b"\x00"
    bench.lay("ann")
    described = FOUND_ANN[1:] + ATS
    assert ask(chip, "60140220") == b"\x01\x20" + bytes([len(described)]) + described


def test_a_nack_repeats_the_last_answer(chip: Pn532) -> None:
    answer = feed(chip, order(0x02, b""))
    assert feed(chip, bytes.fromhex("0000FFFF0000")) == answer.removeprefix(ACK)


def test_a_new_speed_counts_from_the_hosts_ack_on(chip: Pn532) -> None:
    version, fast = order(0x02, b""), 921_600
    assert feed(chip, version, fast) == b""
    assert feed(chip, order(0x10, b"\x07"), 115_200).startswith(ACK)
    assert feed(chip, version, 115_200) != b""
    assert feed(chip, ACK, 115_200) == b""
    assert feed(chip, version, 115_200) == b""
    assert feed(chip, version, fast) != b""


def test_the_ports_light_the_lights(bench: Bench, chip: Pn532) -> None:
    ask(chip, "0E8F80")
    assert bench.lights() == Lights((True, True, True, True))
    ask(chip, "0EB186")
    assert bench.lights() == Lights((True, False, False, False), True, True, True)
    assert ask(chip, "0C") == b"\x31\x06\x00"
    ask(chip, "0E0080")  # port 3 is not meant
    assert bench.lights() == Lights((True, False, False, False), buzzer=True)


@given(st.lists(st.binary(max_size=30)), st.binary(max_size=263), st.integers(0, 255))
def test_frames_are_found_in_any_stream(noise: list[bytes], data: bytes, code: int) -> None:
    reader = FrameReader()
    quiet = b"".join(noise).replace(b"\xff", b"\x00")
    stream = quiet + order(code, data[:263]) + ACK + quiet + bytes.fromhex("0000FFFF0000")
    found = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
    assert found == [Order(code, data), Ack(), Nack()]


def test_broken_frames_are_skipped_in_silence() -> None:
    good = order(0x02, b"")
    for place in range(3, len(good) - 1):
        broken = bytearray(good)
        broken[place] ^= 0x55
        found = list(FrameReader().feed(bytes(broken) + bytes(300) + good))
        assert found[-1:] == [Order(0x02, b"")]
