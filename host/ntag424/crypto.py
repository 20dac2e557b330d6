"""AES as the card uses it: CMAC, its truncation, CBC, padding and the key's check sum.

Keys are `Key` values; everything else is bytes. Wrong lengths raise `ValueError`.
"""

from __future__ import annotations

import zlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from host.ntag424.values import Key

BLOCK = 16
ZERO_IV = bytes(BLOCK)


def cmac(key: Key, message: bytes) -> bytes:
    """AES-CMAC of 16 bytes (NIST SP 800-38B)."""
    mac = CMAC(algorithms.AES(key.reveal()))
    mac.update(message)
    return mac.finalize()


def mact(mac: bytes) -> bytes:
    """The 8 bytes of a CMAC that go over the air: 1, 3, 5 … 15 (NT4H2421Gx §9.1.3)."""
    return mac[1::2]


def aes_cbc_encrypt(key: Key, iv: bytes, data: bytes) -> bytes:
    """AES-CBC over whole blocks, without padding."""
    encryptor = Cipher(algorithms.AES(key.reveal()), modes.CBC(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def aes_cbc_decrypt(key: Key, iv: bytes, data: bytes) -> bytes:
    """The reverse of `aes_cbc_encrypt`."""
    decryptor = Cipher(algorithms.AES(key.reveal()), modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def aes_ecb_encrypt(key: Key, block: bytes) -> bytes:
    """The bare block function, for one block: CBC with a zero IV is exactly that."""
    if len(block) != BLOCK:
        raise ValueError("block: must be 16 bytes")
    return aes_cbc_encrypt(key, ZERO_IV, block)


def pad(data: bytes) -> bytes:
    """ISO/IEC 9797-1 padding method 2: 80h, then zeros; a full block gets another one."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpad(data: bytes) -> bytes:
    """Take `pad` off again."""
    body = data.rstrip(b"\x00")
    if (
        not data
        or len(data) % BLOCK
        or not body.endswith(b"\x80")
        or len(data) - len(body) >= BLOCK
    ):
        raise ValueError("padding: not ISO/IEC 9797-1 method 2")
    return body[:-1]


def crc32nk(data: bytes) -> bytes:
    """The check sum of a new key in ChangeKey: CRC-32 without its last inversion, LE (JAMCRC)."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")
