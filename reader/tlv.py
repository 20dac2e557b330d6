"""Payloads: records of tag u8, length u16 little-endian, value. Unknown tags are skipped."""

from reader.frames import MAX_PAYLOAD


def well_formed(payload) -> bool:
    """True when the records fill the payload exactly."""
    at = 0
    end = len(payload)
    while at + 3 <= end:
        at += 3 + (payload[at + 1] | payload[at + 2] << 8)
    return at == end


def find(payload, tag: int, nth: int = 0):
    """The value of the `nth` record of that tag as a view, or None."""
    at = 0
    end = len(payload)
    while at + 3 <= end:
        n = payload[at + 1] | payload[at + 2] << 8
        if payload[at] == tag:
            if not nth:
                return payload[at + 3 : at + 3 + n]
            nth -= 1
        at += 3 + n
    return None


def find_int(payload, tag: int, default: int = 0) -> int:
    """An unsigned little-endian number, or `default` where the tag is missing or empty."""
    value = find(payload, tag)
    return int.from_bytes(bytes(value), "little") if value else default


def find_text(payload, tag: int) -> str:
    """UTF-8 text; empty where the tag is missing or is not UTF-8."""
    value = find(payload, tag)
    if not value:
        return ""
    try:
        return str(bytes(value), "utf-8")
    except (UnicodeError, ValueError):
        return ""


class Writer:
    """Collects records in one buffer. A record that does not fit is left out: `put` says so."""

    def __init__(self, size: int = MAX_PAYLOAD) -> None:
        self._buf = bytearray(size)
        self._view = memoryview(self._buf)
        self._n = 0

    def clear(self) -> None:
        self._n = 0

    def room(self) -> int:
        """How long a value may be to fit."""
        return len(self._buf) - self._n - 3

    def put(self, tag: int, value) -> bool:
        """Append bytes; False when there is no room."""
        n = len(value)
        at = self._n
        if n > self.room():
            return False
        self._buf[at] = tag
        self._buf[at + 1] = n & 0xFF
        self._buf[at + 2] = n >> 8
        self._buf[at + 3 : at + 3 + n] = value
        self._n = at + 3 + n
        return True

    def put_int(self, tag: int, value: int, width: int = 1) -> bool:
        """Append an unsigned little-endian number of `width` bytes."""
        return self.put(tag, value.to_bytes(width, "little"))

    def put_text(self, tag: int, text: str) -> bool:
        """Append text as UTF-8."""
        return self.put(tag, text.encode())

    def append(self, records) -> bool:
        """Append whole records; False when there is no room."""
        n = len(records)
        if self._n + n > len(self._buf):
            return False
        self._buf[self._n : self._n + n] = records
        self._n += n
        return True

    def view(self) -> memoryview:
        """What was written so far."""
        return self._view[: self._n]
