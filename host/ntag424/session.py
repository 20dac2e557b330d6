"""EV2 secure messaging: three-pass authentication and the framing of what follows (AN12196 §5).

`Handshake` makes a `Session`; `Session.seal` and `Session.open` turn a command's data into what
travels and back. Nothing here sends anything. The functions of bytes are those of both sides, so
the card's twin may use them too.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from host.ntag424.commands import Ins, native
from host.ntag424.crypto import (
    BLOCK,
    ZERO_IV,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_ecb_encrypt,
    cmac,
    mact,
    pad,
    unpad,
)
from host.ntag424.errors import AnswerError, IntegrityError, NoSession
from host.ntag424.files import CommMode
from host.ntag424.values import Key

_SV_ENC = bytes.fromhex("A55A00010080")
_SV_MAC = bytes.fromhex("5AA500010080")
_IV_COMMAND = bytes.fromhex("A55A")
_IV_RESPONSE = bytes.fromhex("5AA5")
_COUNTER_END = 0xFFFF
_MAC = 8


def rotate_left(block: bytes) -> bytes:
    """Rotate by one byte, as both sides do to show that they opened a random number."""
    return block[1:] + block[:1]


def session_keys(key: Key, rnd_a: bytes, rnd_b: bytes) -> tuple[Key, Key]:
    """SesAuthENCKey and SesAuthMACKey (NT4H2421Gx §9.1.7)."""
    mixed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
    context = rnd_a[:2] + mixed + rnd_b[6:] + rnd_a[8:]
    return Key(cmac(key, _SV_ENC + context)), Key(cmac(key, _SV_MAC + context))


def command_iv(enc: Key, ti: bytes, counter: int) -> bytes:
    """IV of command data; `counter` is CmdCtr before the command."""
    return _iv(enc, _IV_COMMAND, ti, counter)


def response_iv(enc: Key, ti: bytes, counter: int) -> bytes:
    """IV of response data; `counter` is CmdCtr after the command."""
    return _iv(enc, _IV_RESPONSE, ti, counter)


def _iv(enc: Key, label: bytes, ti: bytes, counter: int) -> bytes:
    return aes_ecb_encrypt(enc, label + ti + counter.to_bytes(2, "little") + bytes(8))


def message_mac(mac: Key, code: int, counter: int, ti: bytes, payload: bytes) -> bytes:
    """MACt of a message.

    A command: its INS, CmdCtr before it, header and data as they travel. A response: its RC (SW2),
    CmdCtr after it, data as they travel.
    """
    head = bytes([code]) + counter.to_bytes(2, "little") + ti
    return mact(cmac(mac, head + payload))


@dataclass(slots=True)
class Session:
    """What host and card share after an authentication; over after the first error."""

    key_no: int
    ti: bytes
    enc: Key
    mac: Key
    counter: int = 0
    """CmdCtr: one more after each command that the card accepted, plain ones included."""

    def seal(self, ins: int, header: bytes, data: bytes, mode: CommMode) -> bytes:
        """Header and data as they travel. Raises `NoSession` after 65535 commands."""
        if self.counter >= _COUNTER_END:
            raise NoSession("session: used up, authenticate again")
        if mode is CommMode.PLAIN:
            return header + data
        if mode is CommMode.FULL and data:
            iv = command_iv(self.enc, self.ti, self.counter)
            data = aes_cbc_encrypt(self.enc, iv, pad(data))
        payload = header + data
        return payload + message_mac(self.mac, ins, self.counter, self.ti, payload)

    def open(self, return_code: int, payload: bytes, mode: CommMode) -> bytes:
        """Data of the answer to an accepted command. Raises `IntegrityError`."""
        self.counter += 1
        if mode is CommMode.PLAIN:
            return payload
        body, mac = payload[:-_MAC], payload[-_MAC:]
        good = message_mac(self.mac, return_code, self.counter, self.ti, body)
        if not hmac.compare_digest(good, mac):
            raise IntegrityError("answer: wrong MAC")
        if mode is CommMode.MAC or not body:
            return body
        if len(body) % BLOCK:
            raise IntegrityError("answer: not whole blocks")
        iv = response_iv(self.enc, self.ti, self.counter)
        try:
            return unpad(aes_cbc_decrypt(self.enc, iv, body))
        except ValueError as error:
            raise IntegrityError(f"answer: {error}") from error


class Handshake:
    """AuthenticateEV2First, or NonFirst when a session runs, from the host's side.

    Send `part1`, give its 16-byte answer to `part2`, send that, give its answer to `finish`.
    """

    def __init__(self, key_no: int, key: Key, rnd_a: bytes, running: Session | None = None) -> None:
        self._key_no, self._key, self._running = key_no, key, running
        self._rnd_a, self._rnd_b = rnd_a, b""

    def part1(self) -> bytes:
        """First APDU."""
        if self._running:
            return native(Ins.AUTHENTICATE_EV2_NON_FIRST, bytes([self._key_no]))
        return native(Ins.AUTHENTICATE_EV2_FIRST, bytes([self._key_no, 0]))

    def part2(self, challenge: bytes) -> bytes:
        """Second APDU, to the card's encrypted RndB."""
        if len(challenge) != BLOCK:
            raise AnswerError("authentication: the challenge must be 16 bytes")
        self._rnd_b = aes_cbc_decrypt(self._key, ZERO_IV, challenge)
        proof = self._rnd_a + rotate_left(self._rnd_b)
        return native(Ins.ADDITIONAL_FRAME, aes_cbc_encrypt(self._key, ZERO_IV, proof))

    def finish(self, answer: bytes) -> Session:
        """The session; `IntegrityError` when whoever answers does not hold the key either."""
        if len(answer) != (BLOCK if self._running else 2 * BLOCK):
            raise AnswerError("authentication: the answer has a wrong length")
        plain = aes_cbc_decrypt(self._key, ZERO_IV, answer)
        ti, proof = (b"", plain) if self._running else (plain[:4], plain[4:20])
        if not hmac.compare_digest(proof, rotate_left(self._rnd_a)):
            raise IntegrityError("authentication: the card does not hold the key")
        enc, mac = session_keys(self._key, self._rnd_a, self._rnd_b)
        if self._running:
            return Session(self._key_no, self._running.ti, enc, mac, self._running.counter)
        return Session(self._key_no, ti, enc, mac)
