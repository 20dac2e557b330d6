"""Status words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424.status import Status


@given(st.integers(0, 0xFFFF))
def test_every_value_is_kept(value: int) -> None:
    status = Status(value)
    assert status == value
    assert status.raw == bytes([value >> 8, value & 0xFF])
    assert status.return_code == value & 0xFF


def test_an_unknown_value_says_so() -> None:
    assert str(Status(0x6F01)) == "6F01 UNKNOWN_6F01"
    assert Status(0x6F01) == Status(0x6F01)
    assert str(Status(0x91AE)) == "91AE AUTHENTICATION_ERROR"


@pytest.mark.parametrize("value", [-1, 0x10000])
def test_more_than_two_bytes_are_no_status(value: int) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        Status(value)


def test_three_words_mean_done() -> None:
    assert {status for status in Status if status.good} == {0x9100, 0x9190, 0x9000}
