"""Secure Dynamic Messaging: what the card mirrors into its file (AN12196 §3, NT4H2421Gx §9.3).

Counters are integers here; on the wire they are 24 bit, least significant byte first.
"""

from __future__ import annotations

from host.ntag424.crypto import (
    ZERO_IV,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_ecb_encrypt,
    cmac,
    mact,
)
from host.ntag424.values import Key, Uid

COUNTER_MAX = 0xFFFFFF
"""A card that has come this far signs no more taps."""

_SV_MAC = bytes.fromhex("3CC300010080")
_SV_ENC = bytes.fromhex("C33C00010080")
_TAG_UID = 0x80
_TAG_COUNTER = 0x40


def _identity(uid: Uid | None, counter: int | None) -> bytes:
    """UID and counter as both session vectors hold them; what is not mirrored is left out."""
    uid_bytes = b"" if uid is None else uid.raw
    return uid_bytes + (b"" if counter is None else counter.to_bytes(3, "little"))


def mac_key(file_key: Key, uid: Uid | None, counter: int | None) -> Key:
    """SesSDMFileReadMACKey."""
    return Key(cmac(file_key, (_SV_MAC + _identity(uid, counter)).ljust(16, b"\x00")))


def enc_key(file_key: Key, uid: Uid, counter: int) -> Key:
    """SesSDMFileReadENCKey."""
    return Key(cmac(file_key, _SV_ENC + _identity(uid, counter)))


def mac(file_key: Key, uid: Uid | None, counter: int | None, mirrored: bytes = b"") -> bytes:
    """SDMMAC of 8 bytes over the mirrored ASCII; a Boltcard signs none, so `mirrored` is empty."""
    return mact(cmac(mac_key(file_key, uid, counter), mirrored))


def picc_data(meta_key: Key, uid: Uid | None, counter: int | None, padding: bytes) -> bytes:
    """Encrypted PICCData of 16 bytes; `padding` is random and fills the block (5 with both)."""
    tag = (_TAG_UID | 7 if uid else 0) | (_TAG_COUNTER if counter is not None else 0)
    return aes_cbc_encrypt(meta_key, ZERO_IV, bytes([tag]) + _identity(uid, counter) + padding)


def encrypt_file_data(file_key: Key, uid: Uid, counter: int, plain: bytes) -> bytes:
    """SDMENCFileData; `plain` is whole blocks."""
    key = enc_key(file_key, uid, counter)
    return aes_cbc_encrypt(key, _file_data_iv(key, counter), plain)


def decrypt_file_data(file_key: Key, uid: Uid, counter: int, data: bytes) -> bytes:
    """The reverse of `encrypt_file_data`."""
    key = enc_key(file_key, uid, counter)
    return aes_cbc_decrypt(key, _file_data_iv(key, counter), data)


def _file_data_iv(key: Key, counter: int) -> bytes:
    return aes_ecb_encrypt(key, counter.to_bytes(3, "little").ljust(16, b"\x00"))
