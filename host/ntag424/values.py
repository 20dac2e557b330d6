"""Value types: bytes that know what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


def _hex_bytes(text: str, length: int, field: str) -> bytes:
    try:
        raw = bytes.fromhex(text) if text.isascii() and not any(map(str.isspace, text)) else b""
    except ValueError:
        raw = b""
    if len(raw) != length:
        raise ValueError(f"{field}: must be {2 * length} hex digits")
    return raw


@dataclass(frozen=True, slots=True, order=True)
class Uid:
    """The 7-byte identity of a card (ISO 14443-3 A, double size)."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 7:
            raise ValueError("uid: must be 7 bytes")

    @classmethod
    def parse(cls, text: str) -> Uid:
        """Read 14 hex digits in either case; colons between bytes are accepted."""
        return cls(_hex_bytes(text.replace(":", ""), 7, "uid"))

    def hex(self) -> str:
        """14 lower-case hex digits: the form kept in the database."""
        return self.raw.hex()

    def __str__(self) -> str:
        return self.raw.hex()


class Key:
    """A 16-byte AES key that never appears in `repr`, logs or pickles."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 16:
            raise ValueError("key: must be 16 bytes")
        self._raw = bytes(raw)

    @classmethod
    def parse(cls, text: str, field: str = "key") -> Key:
        """Read 32 hex digits in either case."""
        return cls(_hex_bytes(text, 16, field))

    @classmethod
    def zero(cls) -> Key:
        """The factory key of every NTAG 424 DNA."""
        return cls(bytes(16))

    def reveal(self) -> bytes:
        """The bytes themselves; the one door out, easy to search for."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        import hmac

        return isinstance(other, Key) and hmac.compare_digest(self._raw, other._raw)

    def __hash__(self) -> int:
        return hash((Key, self._raw))

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")
