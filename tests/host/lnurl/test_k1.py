"""k1 carries the tap, sealed: nobody else makes, changes, reads or outlives it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from host.ledger.codes import Code, Refused
from host.lnurl.k1 import HEX_LENGTH, K1, check, mint

SECRET = bytes(range(32))
CARD = bytes.fromhex("00112233445566778899aabbccddeeff")
NOW = 1_700_000_000_000
MINUTE = 60_000

counters = st.integers(0, 2**24 - 1)
cards = st.binary(min_size=16, max_size=16)


@given(cards, counters, st.integers(0, 2**43))
def test_a_k1_gives_back_its_tap(card_id: bytes, counter: int, now: int) -> None:
    text = mint(SECRET, card_id, counter, now)
    assert check(SECRET, text, now, MINUTE) == K1(card_id, counter, now)
    assert check(SECRET, text.upper(), now, MINUTE) == K1(card_id, counter, now)


def test_it_fits_in_a_url_and_in_every_wallet() -> None:
    text = mint(SECRET, CARD, 7, NOW)
    assert len(text) == HEX_LENGTH <= 255
    assert re.fullmatch("[0-9a-f]+", text)


def test_the_same_tap_scanned_in_the_same_millisecond_gives_the_same_k1() -> None:
    assert mint(SECRET, CARD, 7, NOW) == mint(SECRET, CARD, 7, NOW)
    assert mint(SECRET, CARD, 7, NOW) != mint(SECRET, CARD, 7, NOW + 1)


def test_it_expires() -> None:
    text = mint(SECRET, CARD, 7, NOW)
    assert isinstance(check(SECRET, text, NOW + MINUTE, MINUTE), K1)
    assert check(SECRET, text, NOW + MINUTE + 1, MINUTE) == Refused(Code.K1_EXPIRED)
    assert check(SECRET, text, NOW - MINUTE - 1, MINUTE) == Refused(Code.K1_EXPIRED)


def test_one_of_another_host_is_refused() -> None:
    assert check(bytes(32), mint(SECRET, CARD, 7, NOW), NOW, MINUTE) == Refused(Code.K1_INVALID)


def test_threat_22_it_does_not_show_the_card_again() -> None:
    taps = [mint(SECRET, CARD, counter, NOW + counter) for counter in range(50)]
    assert all(CARD.hex() not in text for text in taps)
    for at in range(2, HEX_LENGTH - 8, 8):  # no four bytes stay the same from tap to tap
        assert len({text[at : at + 8] for text in taps}) > 40


@given(st.integers(0, HEX_LENGTH - 1), st.sampled_from("0123456789abcdef"))
def test_no_digit_can_be_changed(at: int, digit: str) -> None:
    text = mint(SECRET, CARD, 7, NOW)
    changed = text[:at] + digit + text[at + 1 :]
    if changed != text:
        assert check(SECRET, changed, NOW, MINUTE) == Refused(Code.K1_INVALID)


@given(st.text() | st.text(alphabet="0123456789abcdef ", min_size=HEX_LENGTH, max_size=HEX_LENGTH))
def test_any_other_text_is_refused(text: str) -> None:
    assert check(SECRET, text, NOW, MINUTE) == Refused(Code.K1_INVALID)


def test_threat_14_the_tag_is_compared_in_constant_time() -> None:
    import inspect

    from host.lnurl import k1

    assert "hmac.compare_digest(tag" in inspect.getsource(k1.check)
