"""What others carry for us: only we can make, change or read it, and each purpose by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.lnurl import paytoken
from host.lnurl.paytoken import LinkKind
from host.lnurl.seal import TAG_BYTES, Seal

SECRET = b"a host's secret, thirty-two byte"
OTHER = b"another host's secret here, yes!"
SEAL = Seal(b"test")


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again_and_is_always_sealed_the_same(content: bytes) -> None:
    sealed = SEAL.close(SECRET, content)
    assert SEAL.open(SECRET, sealed) == content
    assert SEAL.close(SECRET, content) == sealed
    assert len(sealed) == TAG_BYTES + len(content)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_changed_bit_opens_nothing(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(SEAL.close(SECRET, content))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert SEAL.open(SECRET, bytes(sealed)) is None


@pytest.mark.parametrize("cut", [0, 1, TAG_BYTES - 1, TAG_BYTES, TAG_BYTES + 3])
def test_a_part_opens_nothing(cut: int) -> None:
    assert SEAL.open(SECRET, SEAL.close(SECRET, b"content")[:cut]) is None


def test_another_secret_or_another_purpose_opens_nothing() -> None:
    sealed = SEAL.close(SECRET, b"content")
    assert SEAL.open(OTHER, sealed) is None
    assert Seal(b"another").open(SECRET, sealed) is None


@given(
    st.text("0123456789abcdef", min_size=1, max_size=32),
    st.sampled_from(LinkKind),
    st.integers(0, 0xFF_FFFF),
)
def test_a_links_token_says_its_card_and_kind(card: str, kind: LinkKind, counter: int) -> None:
    token = paytoken.mint(SECRET, card, kind, counter)
    assert paytoken.read(SECRET, token) == (card, kind)
    assert paytoken.read(OTHER, token) is None


@given(st.text(max_size=300))
def test_any_text_is_read_or_is_none(text: str) -> None:
    assert paytoken.read(SECRET, text) is None
