"""Links to play with: one that replays a conversation, one that keeps up a session."""

from __future__ import annotations

from collections.abc import Iterable

from host.ntag424.crypto import aes_cbc_encrypt, pad
from host.ntag424.files import CommMode
from host.ntag424.session import Session, message_mac, response_iv


class Replay:
    """A conversation in hex; each command must come exactly as recorded, and all of them must."""

    def __init__(self, *exchanges: Iterable[str]) -> None:
        self._left = [tuple(bytes.fromhex(part) for part in pair) for pair in exchanges]

    def transceive(self, apdu: bytes) -> bytes:
        assert self._left, f"one command too many: {apdu.hex()}"
        expected, answer = self._left.pop(0)
        assert apdu.hex() == expected.hex()
        return answer

    def finish(self) -> None:
        assert not self._left, f"never sent: {self._left[0][0].hex()}"


class Peer:
    """The other side of a session: checks each command's MAC and answers what it was told to."""

    def __init__(self, session: Session, mode: CommMode = CommMode.MAC) -> None:
        self.session, self.mode = session, mode
        self.answers: list[tuple[bytes, int]] = []
        self.commands: list[bytes] = []

    def transceive(self, apdu: bytes) -> bytes:
        assert apdu[-1] == 0, "Le is compulsory"
        self.commands.append(apdu)
        data, status = self.answers.pop(0)
        if status & 0xFF == 0xAF:
            return data + status.to_bytes(2, "big")
        s = self.session
        payload = apdu[5:-1]
        if apdu[1] != 0xAF and self.mode is not CommMode.PLAIN:
            assert message_mac(s.mac, apdu[1], s.counter, s.ti, payload[:-8]) == payload[-8:]
        s.counter += 1
        return self.sealed(data, status & 0xFF) + status.to_bytes(2, "big")

    def sealed(self, data: bytes, return_code: int) -> bytes:
        """Answer data as it travels, for the counter as it is now."""
        s = self.session
        if self.mode is CommMode.PLAIN:
            return data
        if self.mode is CommMode.FULL and data:
            data = aes_cbc_encrypt(s.enc, response_iv(s.enc, s.ti, s.counter), pad(data))
        return data + message_mac(s.mac, return_code, s.counter, s.ti, data)
