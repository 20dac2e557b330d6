"""The twin of a CCID reader, byte by byte: frames, blocks and commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.twin.acs import Acr1252u
from hardware.twin.bench import Bench
from hardware.twin.ccid import CcidReader
from hardware.twin.ccid_frames import FAILED, From, Icc, Message, To, Unwrapper, checksum, wrap
from hardware.twin.store import Drawer
from hardware.twin.tpdu1 import BlockCard


@given(st.lists(st.binary(max_size=300), max_size=4), st.binary(max_size=2), st.integers(1, 40))
def test_messages_come_out_of_their_frames_however_the_line_cuts_them(
    datas: list[bytes], noise: bytes, cut: int
) -> None:
    messages = [Message(To.TRANSFER, 0, i, b"\0\0\0", data) for i, data in enumerate(datas)]
    stream = noise.replace(b"\x03", b"") + b"".join(wrap(one.build()) for one in messages)
    unwrapper, found = Unwrapper(), []
    for at in range(0, len(stream), cut):
        found += unwrapper.feed(stream[at : at + cut])
    assert [Message.parse(one) for one in found] == messages


def test_a_broken_frame_is_dropped() -> None:
    frame = bytearray(wrap(Message(To.SLOT_STATUS, 0, 0, b"\0\0\0").build()))
    frame[-1] ^= 1
    assert Unwrapper().feed(bytes(frame)) == []


def test_half_a_message_is_none() -> None:
    with pytest.raises(ValueError, match="not a CCID message"):
        Message.parse(bytes(9))


@given(st.binary(min_size=1, max_size=900), st.binary(max_size=900))
def test_apdus_of_any_length_pass_through_blocks(apdu: bytes, answer: bytes) -> None:
    heard: list[bytes] = []
    card = BlockCard(lambda told: heard.append(told) or answer)  # type: ignore[func-returns-value]
    got = b""
    parts = [apdu[at : at + 254] for at in range(0, len(apdu), 254)]
    reply = b""
    for number, part in enumerate(parts):
        more = 0x20 if part is not parts[-1] else 0
        reply = card.exchange(block((number % 2) * 0x40 | more, part))
    acknowledged = 0
    while True:
        got += reply[3:-1]
        if not reply[1] & 0x20:
            break
        acknowledged = 1 - acknowledged
        reply = card.exchange(block(0x80 | acknowledged * 0x10))
    assert (heard, got) == ([apdu], answer)


def test_a_broken_block_is_asked_for_again_and_an_answer_is_repeated() -> None:
    card = BlockCard(lambda apdu: apdu[::-1])
    assert card.exchange(b"\0\0\1\2\0") == block(0x81)
    answer = card.exchange(block(0, b"\1\2"))
    assert answer == block(0, b"\2\1")
    assert card.exchange(block(0x80)) == answer


def test_the_blocks_size_is_agreed_and_a_resynchronisation_starts_anew() -> None:
    card = BlockCard(lambda apdu: apdu)
    assert card.exchange(block(0xC1, b"\xfe")) == block(0xE1, b"\xfe")
    card.exchange(block(0, b"\1"))
    assert card.exchange(block(0xC0)) == block(0xE0)
    assert card.exchange(block(0, b"\1")) == block(0, b"\1")


def block(control: int, information: bytes = b"") -> bytes:
    made = bytes((0, control, len(information))) + information
    return made + bytes((checksum(made),))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    drawer = Drawer(tmp_path / "cards")
    drawer.create("ann")
    with Bench(drawer) as bench:
        yield bench


def test_a_slot_is_empty_holds_a_card_and_powers_it(bench: Bench) -> None:
    reader = CcidReader(bench, Acr1252u(bench.show))

    def ask(kind: int, data: bytes = b"") -> Message:
        return reader.answer(Message(kind, 0, 7, b"\0\0\0", data))

    assert ask(To.SLOT_STATUS).own[0] == Icc.ABSENT
    assert ask(To.POWER_ON).own[0] == FAILED | Icc.ABSENT
    assert ask(To.TRANSFER, b"\0").own[0] & FAILED
    bench.lay("ann")
    assert ask(To.SLOT_STATUS).own[0] == Icc.INACTIVE
    assert ask(To.POWER_ON).data[0] == 0x3B
    assert ask(To.SLOT_STATUS).own[0] == Icc.ACTIVE
    assert ask(To.TRANSFER, b"\xff\x11\x11\xff").data == b"\xff\x11\x11\xff"
    bench.lift()
    assert ask(To.TRANSFER, block(0, b"\0\xa4\4\0")).own[0] == FAILED | Icc.ABSENT
    assert ask(To.POWER_OFF).own[0] == Icc.ABSENT
    assert ask(0x72).kind == From.SLOT_STATUS
    assert ask(0x72).own[0] & FAILED
    assert ask(To.ESCAPE, b"\xe0\0\0\x99\0").own[0] & FAILED
    assert ask(To.ESCAPE, b"\xe0\0\0\x29\0").data[-1] == 0
