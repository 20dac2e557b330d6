"""Whatever arrives, the card answers, keeps its memory whole, and lets only the entitled write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.twin.bench import Bench
from hardware.twin.card import TwinCard
from hardware.twin.isodep import CardSide
from hardware.twin.pn532 import Pn532
from hardware.twin.state import CardState
from hardware.twin.store import Drawer
from tests.hardware.twin.cards import READ_ALL, SELECT, UID, boltcard, with_settings

INS = (0x51, 0x60, 0x64, 0x71, 0x77, 0xAF, 0xF5, 0xF6, 0x5F, 0xC4, 0x5C, 0x3C, 0xAD, 0x8D)
FIRST_BYTES = st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x04, 0xFF])

native = st.builds(
    lambda ins, first, rest: bytes([0x90, ins, 0, 0, 1 + len(rest), first]) + rest + b"\x00",
    st.sampled_from(INS),
    FIRST_BYTES,
    st.binary(max_size=40),
)
iso = st.builds(
    lambda ins, p1, p2, rest: bytes([0x00, ins, p1, p2]) + rest,
    st.sampled_from([0xA4, 0xB0, 0xD6]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=20),
)
meant = st.sampled_from([SELECT, READ_ALL, "00A4000C02E104", "9060000000", "90AF000000"])
apdus = st.one_of(st.binary(max_size=300), native, iso, meant.map(bytes.fromhex))

# Nobody may write and nobody may change settings: the memory's content must outlive anything.
LOCKED = with_settings(with_settings(boltcard(), 1, "0000E0"), 2, "4000E0C1FF121E0000410000410000")


def lasting(state: CardState) -> CardState:
    """That memory without what everyone can count up: taps and failed authentications."""
    keys = tuple(
        replace(slot, sequence_failures=0, total_failures=0, spent_time=0) for slot in state.keys
    )
    return replace(state, keys=keys, read_counter=0)


@settings(max_examples=150, deadline=None)
@given(st.lists(apdus, max_size=25))
def test_every_command_is_answered_and_a_stranger_changes_nothing(commands: list[bytes]) -> None:
    card = TwinCard(LOCKED)
    for apdu in commands:
        answer = card.transceive(apdu)
        assert 2 <= len(answer) <= 258
        assert answer[-2] in (0x90, 0x91, 0x67, 0x69, 0x6A, 0x6D, 0x6E)
    assert lasting(card.state) == lasting(LOCKED)
    assert CardState.from_json(card.state.to_json()) == card.state


@settings(max_examples=100, deadline=None)
@given(st.lists(apdus, max_size=25))
def test_a_free_card_changes_through_writes_only(commands: list[bytes]) -> None:
    card = TwinCard.factory(UID)
    for apdu in commands:
        before = card.state
        answer = card.transceive(apdu)
        if lasting(card.state) != lasting(before):
            assert (apdu[0], apdu[1]) in ((0x90, 0x8D), (0x00, 0xD6))
            assert answer in (b"\x91\x00", b"\x90\x00")
            assert lasting(replace(card.state, files=before.files)) == lasting(before)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=140), apdus.map(lambda a: b"\x02" + a)), max_size=20))
def test_no_block_upsets_the_card(blocks: list[bytes]) -> None:
    side = CardSide(TwinCard(LOCKED), 64, 0)
    for block in blocks:
        answer = side.receive(block)
        assert answer is None or 1 <= len(answer) <= 62


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=10), st.binary(max_size=30), st.integers(0, 255))
def test_no_bytes_upset_the_chip(noise: list[bytes], data: bytes, code: int) -> None:
    with TemporaryDirectory() as folder, Bench(Drawer(Path(folder))) as bench:
        chip = Pn532(bench)
        for part in noise:
            b"".join(chip.feed(part))
        body = bytes([0xD4, code]) + data
        frame = bytes([len(body), -len(body) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])
        answer = b"".join(chip.feed(bytes(300) + b"\x00\xff" + frame))
        assert answer.startswith(bytes.fromhex("0000FF00FF00"))
