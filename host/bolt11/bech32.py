"""Bech32 (BIP-173) without its 90-character limit, as BOLT 11 and LUD-01 use it.

Five-bit groups travel through this package as text in base32hex (RFC 4648 §7, lower case),
because Python reads any run of it at C speed with `int(digits, 32)`.
"""

from __future__ import annotations

from base64 import b32hexencode

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_TO_DIGITS = str.maketrans(CHARSET, _BASE32HEX)
_TO_CHARSET = str.maketrans(_BASE32HEX, CHARSET)
_TO_VALUES = bytes.maketrans(CHARSET.encode(), bytes(range(32)))
_CHECKSUM_LENGTH = 6
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _generator_sum(top: int) -> int:
    total = 0
    for bit, generator in enumerate(_GENERATORS):
        if top >> bit & 1:
            total ^= generator
    return total


_SUMS = tuple(_generator_sum(top) for top in range(32))


def _polymod(hrp: str, values: bytes) -> int:
    raw = hrp.encode("ascii")
    check = 1
    for value in (*(c >> 5 for c in raw), 0, *(c & 31 for c in raw), *values):
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _SUMS[check >> 25]
    return check


def decode(text: str, max_length: int) -> tuple[str, str]:
    """Split a bech32 text into its human-readable part and its digits, checksum verified.

    All lower or all upper case. Raises `ValueError` for anything else, for a wrong checksum,
    and, before any work, for a text longer than `max_length`.
    """
    if len(text) > max_length:
        raise ValueError("too long")
    if not text.isascii() or (text != (lower := text.lower()) and text != text.upper()):
        raise ValueError("must be ASCII in one case")
    hrp, separator, data = lower.rpartition("1")
    if not separator or not hrp or len(data) < _CHECKSUM_LENGTH:
        raise ValueError("has no bech32 separator")
    if not all("!" <= c <= "~" for c in hrp) or data.encode().translate(None, CHARSET.encode()):
        raise ValueError("has characters that bech32 does not use")
    if _polymod(hrp, data.encode().translate(_TO_VALUES)) != 1:
        raise ValueError("wrong checksum")
    return hrp, data[:-_CHECKSUM_LENGTH].translate(_TO_DIGITS)


def encode(hrp: str, digits: str) -> str:
    """The lower-case bech32 text of a human-readable part and digits."""
    data = digits.translate(_TO_CHARSET)
    check = _polymod(hrp, data.encode().translate(_TO_VALUES) + bytes(_CHECKSUM_LENGTH)) ^ 1
    return f"{hrp}1{data}{int_digits(check, _CHECKSUM_LENGTH).translate(_TO_CHARSET)}"


def digits_to_bytes(digits: str) -> bytes:
    """The bytes that digits carry; `ValueError` unless the padding is short and all zeros."""
    if not digits:
        return b""
    length, padding = divmod(5 * len(digits), 8)
    value = int(digits, 32)
    if padding >= 5 or value & ((1 << padding) - 1):
        raise ValueError("wrong padding")
    return (value >> padding).to_bytes(length)


def digits_to_filled_bytes(digits: str) -> bytes:
    """The bytes of digits, filled with zero bits at the end: what an invoice's signature covers."""
    bits = 5 * len(digits)
    fill = -bits % 8
    return (int(digits, 32) << fill).to_bytes((bits + fill) // 8)


def bytes_digits(raw: bytes) -> str:
    """Digits of bytes, padded with zero bits."""
    return b32hexencode(raw).decode().rstrip("=").lower()


def int_digits(value: int, width: int = 0) -> str:
    """Big-endian digits of a number, as few as it needs or exactly `width`."""
    digits = ""
    while value:
        value, low = value >> 5, value & 31
        digits = _BASE32HEX[low] + digits
    if 0 < width < len(digits):
        raise ValueError("number too large for its field")
    return digits.rjust(width or 1, "0")
