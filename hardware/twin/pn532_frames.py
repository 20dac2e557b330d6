"""The PN532's host frames: taking them out of a byte stream, and making them (UM0701-02 §6.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ACK = bytes.fromhex("0000FF00FF00")
SYNTAX_ERROR = bytes.fromhex("0000FF01FF7F8100")
FROM_HOST, TO_HOST = 0xD4, 0xD5
LONGEST = 265
_START = b"\x00\xff"
_NORMAL = 255


@dataclass(frozen=True, slots=True)
class Ack:
    """The host heard an answer, or takes its command back."""


@dataclass(frozen=True, slots=True)
class Nack:
    """The host asks for the last answer again."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command: its code and its parameters."""

    code: int
    data: bytes


class FrameReader:
    """Takes frames out of whatever arrives; preambles and broken frames are skipped in silence."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> Iterator[Ack | Nack | Order]:
        """Frames that are complete now."""
        self._bytes += data
        while True:
            start = self._bytes.find(_START)
            if start < 0:
                self._bytes = self._bytes[-1:]
                return
            self._bytes = self._bytes[start:]
            taken = self._take()
            if taken is None:
                return
            length, frame = taken
            self._bytes = self._bytes[length:]
            if frame:
                yield frame

    def _take(self) -> tuple[int, Ack | Nack | Order | None] | None:
        """Bytes used up and what they mean; None while there are too few."""
        head = self._bytes[2:4]
        if len(head) < 2:
            return None
        if head in (b"\x00\xff", b"\xff\x00"):
            return 4, Ack() if head == b"\x00\xff" else Nack()
        if head == b"\xff\xff":
            if len(self._bytes) < 7:
                return None
            high, low, check = self._bytes[4:7]
            return self._body(7, high << 8 | low, (high + low + check) & 0xFF)
        return self._body(4, head[0], sum(head) & 0xFF)

    def _body(self, start: int, length: int, check: int) -> tuple[int, Order | None] | None:
        if check or not 2 <= length <= LONGEST:
            return len(_START), None
        body = self._bytes[start : start + length + 1]
        if len(body) <= length:
            return None
        if sum(body) & 0xFF or body[0] != FROM_HOST:
            return len(_START), None
        return start + length + 1, Order(body[1], body[2:-1])


def answer_frame(code: int, data: bytes) -> bytes:
    """The answer to command `code`."""
    body = bytes([TO_HOST, code + 1]) + data
    if len(body) > _NORMAL:
        size = len(body).to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    else:
        head = bytes([len(body), -len(body) & 0xFF])
    return b"\x00" + _START + head + body + bytes([-sum(body) & 0xFF, 0])
