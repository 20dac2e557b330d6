"""AES, padding and check sum by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424 import crypto
from host.ntag424.values import Key
from tests.host.ntag424.vectors import keys

RFC4493_KEY = Key.parse("2b7e151628aed2a6abf7158809cf4f3c")


@pytest.mark.parametrize(
    ("message", "mac"),
    [
        ("", "bb1d6929e95937287fa37d129b756746"),
        ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
        (
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
            "dfa66747de9ae63030ca32611497c827",
        ),
    ],
)
def test_cmac_is_that_of_rfc_4493(message: str, mac: str) -> None:
    assert crypto.cmac(RFC4493_KEY, bytes.fromhex(message)).hex() == mac


def test_a_truncated_mac_is_every_second_byte_from_the_second_on() -> None:
    assert crypto.mact(bytes(range(16))) == bytes([1, 3, 5, 7, 9, 11, 13, 15])


@given(keys, st.binary(min_size=16, max_size=16), st.integers(0, 8).map(lambda n: bytes(16 * n)))
def test_cbc_comes_back(key: Key, iv: bytes, data: bytes) -> None:
    assert crypto.aes_cbc_decrypt(key, iv, crypto.aes_cbc_encrypt(key, iv, data)) == data


@given(st.binary(max_size=80))
def test_padding_comes_back_and_always_adds_something(data: bytes) -> None:
    padded = crypto.pad(data)
    assert len(padded) % 16 == 0
    assert len(padded) > len(data)
    assert crypto.unpad(padded) == data


@pytest.mark.parametrize(
    "wrong",
    [b"", b"\x80", bytes(16), bytes(15) + b"\x01", b"\x80" + bytes(31), bytes(16) + b"\x7f"],
)
def test_wrong_padding_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="padding"):
        crypto.unpad(wrong)


def test_the_block_function_takes_one_block_only() -> None:
    with pytest.raises(ValueError, match="block"):
        crypto.aes_ecb_encrypt(RFC4493_KEY, bytes(32))
