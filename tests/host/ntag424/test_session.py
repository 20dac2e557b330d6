"""EV2 secure messaging: framing properties, and handshakes with a card of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424.commands import Ins
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, aes_cbc_encrypt, unpad
from host.ntag424.errors import AnswerError, IntegrityError, NoSession
from host.ntag424.files import CommMode
from host.ntag424.session import (
    Handshake,
    Session,
    command_iv,
    message_mac,
    rotate_left,
    session_keys,
)
from host.ntag424.values import Key
from tests.host.ntag424.links import Peer
from tests.host.ntag424.vectors import keys

blocks = st.binary(min_size=16, max_size=16)
sessions = st.builds(
    Session,
    st.integers(0, 4),
    st.binary(min_size=4, max_size=4),
    keys,
    keys,
    st.integers(0, 0xFFFE),
)
modes = st.sampled_from(CommMode)


@given(sessions, st.sampled_from(Ins), st.binary(max_size=9), st.binary(max_size=99), modes)
def test_the_card_can_open_what_the_host_seals(
    session: Session, ins: Ins, header: bytes, data: bytes, mode: CommMode
) -> None:
    payload = session.seal(ins, header, data, mode)
    if mode is CommMode.PLAIN:
        assert payload == header + data
        return
    body, mac = payload[:-8], payload[-8:]
    assert mac == message_mac(session.mac, ins, session.counter, session.ti, body)
    sealed = body[len(header) :]
    if mode is CommMode.FULL and data:
        iv = command_iv(session.enc, session.ti, session.counter)
        sealed = unpad(aes_cbc_decrypt(session.enc, iv, sealed))
    assert body.startswith(header)
    assert sealed == data


@given(sessions, st.binary(max_size=99), modes, st.sampled_from([0x00, 0x90]))
def test_the_host_can_open_what_the_card_seals(
    session: Session, data: bytes, mode: CommMode, return_code: int
) -> None:
    peer, before = Peer(replace(session), mode), session.counter
    peer.session.counter += 1
    assert session.open(return_code, peer.sealed(data, return_code), mode) == data
    assert session.counter == before + 1


@given(
    sessions,
    st.binary(max_size=99),
    st.sampled_from([CommMode.MAC, CommMode.FULL]),
    st.integers(0),
)
def test_one_changed_bit_is_never_believed(
    session: Session, data: bytes, mode: CommMode, bit: int
) -> None:
    peer = Peer(replace(session), mode)
    peer.session.counter += 1
    sealed = peer.sealed(data, 0)
    bit %= 8 * len(sealed)
    changed = (int.from_bytes(sealed) ^ 1 << bit).to_bytes(len(sealed))
    with pytest.raises(IntegrityError):
        session.open(0, changed, mode)


@pytest.mark.parametrize("body", [bytes(5), bytes(16)])
def test_a_signed_answer_that_does_not_decrypt_is_not_believed(body: bytes) -> None:
    session = Session(0, bytes(4), Key.zero(), Key.zero())
    sealed = body + message_mac(session.mac, 0, 1, session.ti, body)
    with pytest.raises(IntegrityError):
        session.open(0, sealed, CommMode.FULL)


def test_an_answer_without_a_mac_is_not_believed() -> None:
    with pytest.raises(IntegrityError):
        Session(0, bytes(4), Key.zero(), Key.zero()).open(0, b"", CommMode.MAC)


def test_a_session_ends_before_its_counter_does() -> None:
    session = Session(0, bytes(4), Key.zero(), Key.zero(), 0xFFFF)
    with pytest.raises(NoSession, match="used up"):
        session.seal(Ins.GET_KEY_VERSION, b"\x00", b"", CommMode.MAC)


@given(keys, blocks, blocks, st.binary(min_size=4, max_size=4), st.none() | sessions)
def test_both_sides_of_a_handshake_agree(
    key: Key, rnd_a: bytes, rnd_b: bytes, ti: bytes, running: Session | None
) -> None:
    handshake = Handshake(2, key, rnd_a, running)
    part2 = handshake.part2(aes_cbc_encrypt(key, ZERO_IV, rnd_b))
    assert aes_cbc_decrypt(key, ZERO_IV, part2[5:37]) == rnd_a + rotate_left(rnd_b)
    proof = rotate_left(rnd_a)
    plain = proof if running else ti + proof + bytes(12)
    session = handshake.finish(aes_cbc_encrypt(key, ZERO_IV, plain))
    assert (session.enc, session.mac) == session_keys(key, rnd_a, rnd_b)
    kept = (running.ti, running.counter) if running else (ti, 0)
    assert (session.ti, session.counter) == kept


def test_a_card_that_does_not_know_our_number_is_not_believed() -> None:
    handshake = Handshake(0, Key.zero(), bytes(range(16)))
    handshake.part2(bytes(16))
    with pytest.raises(IntegrityError, match="does not hold the key"):
        handshake.finish(bytes(32))


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_challenge_is_one_block(length: int) -> None:
    with pytest.raises(AnswerError):
        Handshake(0, Key.zero(), bytes(16)).part2(bytes(length))


def test_an_answer_has_the_length_of_its_kind() -> None:
    with pytest.raises(AnswerError):
        Handshake(0, Key.zero(), bytes(16)).finish(bytes(16))


def test_a_session_shows_no_key() -> None:
    session = Session(0, bytes(4), Key(b"k" * 16), Key(b"m" * 16))
    assert "6b6b" not in repr(session)
    assert "kk" not in repr(session)
