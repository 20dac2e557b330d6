"""k1 carries the tap, sealed: nobody else makes, changes, reads or outlives it."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ledger.codes import Code, Refused
from host.ledger.taps import VerifiedTap
from host.lnurl.k1 import MAX_CARD_ID, MAX_HEX, check, mint
from host.ntag424.values import Uid

SECRET = bytes(range(32))
CARD = "00112233445566778899aabbccddeeff"
NOW = 1_700_000_000_000
MINUTE = 60_000

taps = st.builds(
    VerifiedTap,
    card_id=st.text(alphabet=string.ascii_letters + string.digits + "_.:-", max_size=64),
    uid=st.builds(Uid, st.binary(min_size=7, max_size=7)),
    counter=st.integers(0, 2**24 - 1),
    key_version=st.integers(0, 2**32 - 1),
    gap=st.integers(0, 2**24 - 1),
)


def tap(counter: int = 7) -> VerifiedTap:
    return VerifiedTap(CARD, Uid.parse("04a39493cc8680"), counter, 1)


@given(taps, st.integers(0, 2**43))
def test_a_k1_gives_back_its_tap(one: VerifiedTap, now: int) -> None:
    text = mint(SECRET, one, now)
    assert check(SECRET, text, now, MINUTE) == one
    assert check(SECRET, text.upper(), now, MINUTE) == one


def test_it_fits_in_a_url_and_in_every_wallet() -> None:
    text = mint(SECRET, tap(), NOW)
    assert len(text) == 144
    assert MAX_HEX <= 255
    assert re.fullmatch("[0-9a-f]+", text)


def test_the_same_tap_scanned_in_the_same_millisecond_gives_the_same_k1() -> None:
    assert mint(SECRET, tap(), NOW) == mint(SECRET, tap(), NOW)
    assert mint(SECRET, tap(), NOW) != mint(SECRET, tap(), NOW + 1)


def test_it_expires() -> None:
    text = mint(SECRET, tap(), NOW)
    assert isinstance(check(SECRET, text, NOW + MINUTE, MINUTE), VerifiedTap)
    assert check(SECRET, text, NOW + MINUTE + 1, MINUTE) == Refused(Code.K1_EXPIRED)
    assert check(SECRET, text, NOW - MINUTE - 1, MINUTE) == Refused(Code.K1_EXPIRED)


def test_one_of_another_host_is_refused() -> None:
    assert check(bytes(32), mint(SECRET, tap(), NOW), NOW, MINUTE) == Refused(Code.K1_INVALID)


def test_threat_22_it_does_not_show_the_card_again() -> None:
    texts = [mint(SECRET, tap(counter), NOW + counter) for counter in range(50)]
    assert all(CARD not in text and CARD.encode().hex() not in text for text in texts)
    for at in range(2, len(texts[0]) - 8, 8):  # no four bytes stay the same from tap to tap
        assert len({text[at : at + 8] for text in texts}) > 40


@given(st.integers(0, 143), st.sampled_from("0123456789abcdef"))
def test_no_digit_can_be_changed(at: int, digit: str) -> None:
    text = mint(SECRET, tap(), NOW)
    changed = text[:at] + digit + text[at + 1 :]
    if changed != text:
        assert check(SECRET, changed, NOW, MINUTE) == Refused(Code.K1_INVALID)


@given(st.text() | st.text(alphabet="0123456789abcdef ", min_size=70, max_size=210))
def test_any_other_text_is_refused(text: str) -> None:
    assert check(SECRET, text, NOW, MINUTE) == Refused(Code.K1_INVALID)


def test_a_card_id_that_is_too_long_is_an_error_and_not_a_short_stream() -> None:
    long = VerifiedTap("x" * (MAX_CARD_ID + 1), tap().uid, 1, 0)
    with pytest.raises(ValueError, match="card_id"):
        mint(SECRET, long, NOW)
    longest = VerifiedTap("x" * MAX_CARD_ID, tap().uid, 1, 0)
    assert check(SECRET, mint(SECRET, longest, NOW), NOW, MINUTE) == longest


def test_threat_14_the_tag_is_compared_in_constant_time() -> None:
    import inspect

    from host.lnurl import k1, seal

    assert "_SEAL.open(" in inspect.getsource(k1.check)
    assert "hmac.compare_digest(tag" in inspect.getsource(seal.Seal.open)
