"""`k1`: which tap a claim belongs to, carried by the point of sale instead of kept in a row.

A scan must be repeatable and must write nothing (THREATS 30), so `k1` itself carries the verified
tap and the time, sealed under the host's secret: nobody else can make one, change one, or read
one. It is sealed and not only signed because a card's id in the clear would let points of sale
recognise a card again (THREATS 22). Sealing is SIV-like (compare RFC 5297) with HMAC as its only
primitive: the tag is a MAC of the content, the key stream is a MAC of the tag.

    k1 = hex( version 1 | tag 16 | sealed( uid 7 | counter 3 | gap 3 | key 4 | ms 6 | card ) )
"""

from __future__ import annotations

import hmac
import struct
from typing import Final

from host.ledger.codes import Code, Refused
from host.ledger.taps import VerifiedTap
from host.ntag424.values import Uid

VERSION: Final = 1
MAX_CARD_ID: Final = 64
"""Bytes of a card's id; with them k1 is 208 characters long."""

_TAG_BYTES = 16
_HEAD_BYTES = 1 + _TAG_BYTES
_FIXED = struct.Struct(">7s3s3sI6s")
_MIN_HEX = 2 * (_HEAD_BYTES + _FIXED.size)
MAX_HEX: Final = _MIN_HEX + 2 * MAX_CARD_ID
_TAG_LABEL = b"taptill k1 tag \x01"
_STREAM_LABEL = b"taptill k1 stream \x01"


def mint(secret: bytes, tap: VerifiedTap, now: int) -> str:
    """The `k1` of a tap that was verified at `now` (UTC epoch milliseconds)."""
    card_id = tap.card_id.encode()
    if len(card_id) > MAX_CARD_ID:
        raise ValueError(f"card_id: longer than {MAX_CARD_ID} bytes")
    fixed = _FIXED.pack(
        tap.uid.raw,
        tap.counter.to_bytes(3),
        tap.gap.to_bytes(3),
        tap.key_version,
        now.to_bytes(6),
    )
    content = fixed + card_id
    tag = _tag(secret, content)
    return (bytes((VERSION,)) + tag + _sealed(secret, tag, content)).hex()


def check(secret: bytes, text: str, now: int, max_age_ms: int) -> VerifiedTap | Refused:
    """The tap of a `k1` that this host minted at most `max_age_ms` ago."""
    raw = _bytes(text)
    if raw is None or raw[0] != VERSION:
        return Refused(Code.K1_INVALID)
    tag = raw[1:_HEAD_BYTES]
    content = _sealed(secret, tag, raw[_HEAD_BYTES:])
    if not hmac.compare_digest(tag, _tag(secret, content)):
        return Refused(Code.K1_INVALID)
    uid, counter, gap, key_version, scanned_at = _FIXED.unpack_from(content)
    # A clock that was set back makes ages negative; a k1 far in the future is not fresh either.
    if abs(now - int.from_bytes(scanned_at)) > max_age_ms:
        return Refused(Code.K1_EXPIRED)
    return VerifiedTap(
        card_id=content[_FIXED.size :].decode(),
        uid=Uid(uid),
        counter=int.from_bytes(counter),
        key_version=key_version,
        gap=int.from_bytes(gap),
    )


def _bytes(text: str) -> bytes | None:
    if not _MIN_HEX <= len(text) <= MAX_HEX:
        return None
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if 2 * len(raw) == len(text) else None  # fromhex skips spaces


def _tag(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, _TAG_LABEL + content, "sha256")[:_TAG_BYTES]


def _sealed(secret: bytes, tag: bytes, content: bytes) -> bytes:
    """Add the key stream of a tag; applied twice it gives the content back."""
    stream, block = b"", 0
    while len(stream) < len(content):
        stream += hmac.digest(secret, _STREAM_LABEL + tag + bytes((block,)), "sha512")
        block += 1
    size = len(content)
    return (int.from_bytes(content) ^ int.from_bytes(stream[:size])).to_bytes(size)
