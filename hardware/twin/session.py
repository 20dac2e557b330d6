"""The card's side of an AES session (NT4H2421Gx §9.1), written apart from the host's on purpose."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from hardware.twin.apdu import Refused
from hardware.twin.settings import Mode
from host.ntag424.crypto import (
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_ecb_encrypt,
    cmac,
    mact,
    pad,
    unpad,
)
from host.ntag424.status import Status
from host.ntag424.values import Key

_MAC = 8
_COUNTER_END = 0xFFFF


@dataclass(slots=True)
class Session:
    """One authenticated state: session keys, transaction identifier, command counter."""

    key_no: int
    enc: Key
    mac: Key
    ti: bytes
    counter: int

    @classmethod
    def derive(
        cls, key_no: int, key: Key, rnd_a: bytes, rnd_b: bytes, ti: bytes, counter: int
    ) -> Session:
        """Session keys of both random numbers (NT4H2421Gx §9.1.7)."""
        mixed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
        context = b"\x00\x01\x00\x80" + rnd_a[:2] + mixed + rnd_b[6:] + rnd_a[8:]
        enc = Key(cmac(key, b"\xa5\x5a" + context))
        return cls(key_no, enc, Key(cmac(key, b"\x5a\xa5" + context)), ti, counter)

    def receive(self, ins: int, header: bytes, body: bytes, mode: Mode) -> bytes:
        """Check and open a command's body; one command is counted. Raises `Refused`."""
        if self.counter == _COUNTER_END:
            raise Refused(Status.INTEGRITY_ERROR)
        if mode is Mode.PLAIN:
            self.counter += 1
            return body
        if len(body) < _MAC:
            raise Refused(Status.LENGTH_ERROR)
        data, mac = body[:-_MAC], body[-_MAC:]
        if not hmac.compare_digest(self._mac(ins, header + data), mac):
            raise Refused(Status.INTEGRITY_ERROR)
        if mode is Mode.FULL and data:
            data = self._decrypt(data)
        self.counter += 1
        return data

    def answer(self, status: int, data: bytes, mode: Mode) -> bytes:
        """Protect an answer whose second status byte is `status`."""
        if mode is Mode.PLAIN:
            return data
        if mode is Mode.FULL and data:
            data = aes_cbc_encrypt(self.enc, self._iv(b"\x5a\xa5"), pad(data))
        return data + self._mac(status, data)

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) % 16:
            raise Refused(Status.LENGTH_ERROR)
        try:
            return unpad(aes_cbc_decrypt(self.enc, self._iv(b"\xa5\x5a"), data))
        except ValueError:
            raise Refused(Status.INTEGRITY_ERROR) from None

    def _mac(self, first: int, data: bytes) -> bytes:
        counter = self.counter.to_bytes(2, "little")
        return mact(cmac(self.mac, bytes([first]) + counter + self.ti + data))

    def _iv(self, label: bytes) -> bytes:
        counter = self.counter.to_bytes(2, "little")
        return aes_ecb_encrypt(self.enc, label + self.ti + counter + bytes(8))
