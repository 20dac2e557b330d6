"""Money is read and written exactly, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.money import (
    MAX_MSAT,
    MSAT_PER_BTC,
    MSAT_PER_SAT,
    btc_text,
    check_amount,
    parse_amount,
    sat_text,
    sats,
)

AMOUNTS = st.integers(1, MAX_MSAT)
WHOLE = st.integers(1, MAX_MSAT // MSAT_PER_SAT).map(sats)
SIGNED = st.integers(-MAX_MSAT // MSAT_PER_SAT, MAX_MSAT // MSAT_PER_SAT).map(sats)
SPACE = st.sampled_from(["", " ", "   ", "\t"])


@given(amount=AMOUNTS, space=SPACE)
def test_every_amount_in_msat_is_read_back(amount: int, space: str) -> None:
    if len(str(amount)) <= 16:
        assert parse_amount(f"{amount}{space}msat") == amount
        assert parse_amount(f"{amount}{space}MSAT ") == amount


@given(amount=WHOLE, unit=st.sampled_from(["", "sat", "sats", " SAT", " Sats"]))
def test_every_amount_in_satoshi_is_read_back(amount: int, unit: str) -> None:
    assert parse_amount(f"{amount // MSAT_PER_SAT}{unit}") == amount


@given(amount=AMOUNTS)
def test_satoshi_with_thousandths_are_read_back(amount: int) -> None:
    sat, rest = divmod(amount, MSAT_PER_SAT)
    assert parse_amount(f"{sat}.{rest:03d} sat") == amount


@given(amount=WHOLE)
def test_btc_text_has_8_decimals_and_is_read_back(amount: int) -> None:
    text = btc_text(amount)
    assert re.fullmatch(r"[0-9]+\.[0-9]{8}", text)
    assert parse_amount(f"{text} btc") == amount
    assert Decimal(text) * MSAT_PER_BTC == amount


@given(amount=SIGNED)
def test_texts_keep_the_sign_and_every_digit(amount: int) -> None:
    assert Decimal(btc_text(amount)) * MSAT_PER_BTC == amount
    assert int(sat_text(amount).replace(" ", "")) * MSAT_PER_SAT == amount


@given(amount=st.integers(-MAX_MSAT, MAX_MSAT))
def test_satoshi_text_shows_thousandths_only_where_there_are_any(amount: int) -> None:
    text = sat_text(amount)
    assert Decimal(text.replace(" ", "")) * MSAT_PER_SAT == amount
    assert ("." in text) == (amount % MSAT_PER_SAT != 0)


@given(amount=st.integers(-MAX_MSAT, MAX_MSAT).filter(lambda one: one % MSAT_PER_SAT))
def test_a_part_of_a_satoshi_has_no_btc_text_and_is_never_rounded(amount: int) -> None:
    with pytest.raises(ValueError, match="whole number of satoshi"):
        btc_text(amount)


@given(text=st.text(max_size=40))
def test_any_text_is_an_amount_in_range_or_a_named_error(text: str) -> None:
    words = ""
    try:
        amount = parse_amount(text, "price")
    except ValueError as error:
        amount, words = 1, str(error)
    assert not words or words.startswith("price: ")
    assert isinstance(amount, int)
    assert 0 < amount <= MAX_MSAT


@given(text=st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,14})? ?(sats?|msat|btc|eur)?", fullmatch=True))
def test_texts_that_look_like_amounts_are_exact_or_refused(text: str) -> None:
    try:
        amount = parse_amount(text)
    except ValueError:
        return
    match = re.fullmatch(r"([0-9.]+) ?([a-z]*)", text)
    assert match
    scale = {"msat": 1, "btc": MSAT_PER_BTC}.get(match[2], MSAT_PER_SAT)
    assert Decimal(match[1]) * scale == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-1", "+1", "0", "0.0", "0 btc", "1e3", "1_000", "1,000", "1 000", ".5", "5."),
        *("0x10", "١٢", "1.5 msat", "0.000000000001 btc", "1 eur", "21000001 btc", "nan", "inf"),
        *("9999999999999999", "2100000000000001", "1 sat sat", "1\n2", "½", "1" * 5_000),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount: "):
        parse_amount(text)


def test_the_largest_and_the_smallest_amount() -> None:
    assert parse_amount("21000000 btc") == MAX_MSAT
    assert parse_amount("2100000000000000") == MAX_MSAT
    assert parse_amount("1 msat") == 1
    assert parse_amount("0.00000000001 btc") == 1


@pytest.mark.parametrize("amount", [0, -1, MAX_MSAT + 1, True, 1.0, "1", None])
def test_only_positive_integers_up_to_all_the_money_there_is_are_amounts(amount: object) -> None:
    with pytest.raises(ValueError, match="limit: "):
        check_amount(amount, "limit")  # type: ignore[arg-type]


@given(amount=AMOUNTS)
def test_an_amount_in_range_is_returned(amount: int) -> None:
    assert check_amount(amount) == amount
