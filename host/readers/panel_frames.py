"""The panel's frames as the host makes and reads them. Pure.

Frame = `00 | COBS(type u8, seq u8, payload ≤ 512, crc16 LE) | 00`, CRC-16/CCITT-FALSE; payload =
records of tag u8, length u16 LE, value. The firmware has a codec of its own (`reader/frames.py`).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_PAYLOAD = 512
_LONGEST = 2 + MAX_PAYLOAD + 2 + 3


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a payload."""

    tag: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Payload:
    """The records of a frame, in order; tags that nobody knows are kept."""

    records: tuple[Record, ...] = ()

    def all(self, tag: int) -> list[bytes]:
        return [record.value for record in self.records if record.tag == tag]

    def get(self, tag: int) -> bytes | None:
        """The first value of that tag."""
        return next(iter(self.all(tag)), None)

    def number(self, tag: int, default: int = 0) -> int:
        """The first value of that tag as an unsigned little-endian number."""
        value = self.get(tag)
        return int.from_bytes(value, "little") if value else default

    def text(self, tag: int) -> str:
        return (self.get(tag) or b"").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: int
    seq: int
    payload: Payload = Payload()


Value = bytes | int | str
"""An int becomes four bytes; the reader takes numbers of any width."""


def payload(*records: tuple[int, Value]) -> Payload:
    """Records from plain values."""
    return Payload(tuple(Record(tag, _bytes(value)) for tag, value in records))


def _bytes(value: Value) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case _:
            return int(value).to_bytes(4, "little")


def encode(frame: Frame) -> bytes:
    """The frame's bytes. Raises `ValueError` when its payload is longer than 512 bytes."""
    body = b"".join(
        bytes([record.tag]) + len(record.value).to_bytes(2, "little") + record.value
        for record in frame.payload.records
    )
    if len(body) > MAX_PAYLOAD:
        raise ValueError(f"a payload of {len(body)} bytes; {MAX_PAYLOAD} is the most")
    data = bytes([frame.kind, frame.seq]) + body
    return b"\0" + cobs(data + binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "little")) + b"\0"


def cobs(data: bytes) -> bytes:
    """Consistent overhead byte stuffing: no zero in it, one byte more in 254."""
    out = bytearray()
    *groups, last = data.split(b"\0")
    for group in groups:
        full, rest = _full_blocks(group)
        # A full block stands for no zero of its own: even an empty rest has to be written.
        out += full + bytes([len(rest) + 1]) + rest
    full, rest = _full_blocks(last)
    if rest or not full:
        full += bytes([len(rest) + 1]) + rest
    return bytes(out + full)


def _full_blocks(group: bytes) -> tuple[bytes, bytes]:
    """A run without zeros as blocks of 254, and what is left."""
    full = b""
    while len(group) >= 254:
        full += b"\xff" + group[:254]
        group = group[254:]
    return full, group


def uncobs(data: bytes) -> bytes:
    """The stuffed bytes. Raises `ValueError` for what is not stuffed like that."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        if not code or at + code > len(data):
            raise ValueError("not COBS")
        out += data[at + 1 : at + code]
        at += code
        if code < 0xFF and at < len(data):
            out.append(0)
    return bytes(out)


def parse(block: bytes) -> Frame:
    """A frame from what stood between two zeros. Raises `ValueError`."""
    data = uncobs(block)
    if len(data) < 4 or binascii.crc_hqx(data[:-2], 0xFFFF) != int.from_bytes(data[-2:], "little"):
        raise ValueError("a broken frame")
    return Frame(data[0], data[1], Payload(tuple(_records(data[2:-2]))))


def _records(body: bytes) -> Iterator[Record]:
    at = 0
    while at < len(body):
        end = at + 3 + int.from_bytes(body[at + 1 : at + 3], "little")
        if at + 3 > len(body) or end > len(body):
            raise ValueError("a record runs over the end")
        yield Record(body[at], body[at + 3 : end])
        at = end


class FrameReader:
    """Finds frames in a stream of bytes; what is broken is dropped and counted."""

    def __init__(self) -> None:
        self._block = bytearray()
        self.broken = 0

    def feed(self, data: bytes) -> Iterable[Frame]:
        """The frames that these bytes complete."""
        frames = []
        first, *rest = data.split(b"\0")
        self._take(first)
        for block in rest:
            if self._block:
                try:
                    frames.append(parse(bytes(self._block)))
                except ValueError:
                    self.broken += 1
                self._block.clear()
            self._take(block)
        return frames

    def _take(self, part: bytes) -> None:
        # One byte more than any frame has: enough to be broken, whatever follows.
        self._block += part[: _LONGEST + 1 - len(self._block)]
