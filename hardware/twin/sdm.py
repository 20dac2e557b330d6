"""Secure Dynamic Messaging: the file as a stranger reads it (NT4H2421Gx §9.3)."""

from __future__ import annotations

from hardware.twin.settings import KEYS, Sdm
from hardware.twin.state import CardState
from host.ntag424.crypto import ZERO_IV, aes_cbc_encrypt, aes_ecb_encrypt, cmac, mact
from host.ntag424.values import Key

_HEAD = b"\x00\x01\x00\x80"


def image(state: CardState, content: bytes, sdm: Sdm, padding: bytes) -> bytes:
    """The file with its mirrors filled in for the current read counter.

    `padding` is 15 random bytes, of which the encrypted PICC data takes what it needs.
    """
    filled = bytearray(content)
    counter = state.read_counter.to_bytes(3, "little")
    uid = state.uid.raw if sdm.has_uid else b""
    identity = uid + (counter if sdm.has_counter else b"")
    if sdm.uid is not None:
        _mirror(filled, sdm.uid, uid)
    if sdm.counter is not None:
        _mirror(filled, sdm.counter, counter[::-1])  # text has the most significant byte first
    if sdm.picc is not None:
        tag = sdm.has_counter << 6 | (0x87 if sdm.has_uid else 0)
        plain = (bytes([tag]) + identity + padding)[:16]
        key = state.keys[sdm.meta_read].key
        _mirror(filled, sdm.picc, aes_cbc_encrypt(key, ZERO_IV, plain))
    if sdm.file_read in KEYS:
        _sign(filled, content, sdm, state.keys[sdm.file_read].key, identity, counter)
    return bytes(filled)


def _sign(
    filled: bytearray, content: bytes, sdm: Sdm, key: Key, identity: bytes, counter: bytes
) -> None:
    if sdm.enc is not None:
        enc = Key(cmac(key, b"\xc3\x3c" + _HEAD + identity))
        plain = content[sdm.enc : sdm.enc + sdm.enc_length // 2]
        iv = aes_ecb_encrypt(enc, counter.ljust(16, b"\x00"))
        _mirror(filled, sdm.enc, aes_cbc_encrypt(enc, iv, plain))
    if sdm.mac is not None:
        mac_key = Key(cmac(key, (b"\x3c\xc3" + _HEAD + identity).ljust(16, b"\x00")))
        _mirror(filled, sdm.mac, mact(cmac(mac_key, bytes(filled[sdm.mac_input : sdm.mac]))))


def _mirror(filled: bytearray, offset: int, value: bytes) -> None:
    text = value.hex().upper().encode()
    filled[offset : offset + len(text)] = text
