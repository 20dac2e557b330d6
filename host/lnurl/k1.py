"""`k1`: which tap a claim belongs to, carried by the point of sale instead of kept in a row.

A scan must be repeatable and must write nothing (THREATS 30), so `k1` itself carries the card,
the tap's counter and the time, sealed under the host's secret: nobody else can make one, change
one, or read one. It is sealed and not only signed because a card's id in the clear would let
points of sale recognise a card again (THREATS 22). Sealing is SIV-like (compare RFC 5297) with
HMAC-SHA-256 as its only primitive: the tag is a MAC of the content, the key stream is a MAC of
the tag.

    k1 = hex( version 01 | tag (16 bytes) | sealed( card_id 16 | counter 3 | time in ms 6 ) )
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from host.ledger.codes import Code, Refused

VERSION = 1
CARD_ID_BYTES = 16
_TAG_BYTES = 16
_CONTENT_BYTES = CARD_ID_BYTES + 3 + 6
HEX_LENGTH = 2 * (1 + _TAG_BYTES + _CONTENT_BYTES)
_TAG_LABEL = b"taptill k1 tag \x01"
_STREAM_LABEL = b"taptill k1 stream \x01"


@dataclass(frozen=True, slots=True)
class K1:
    """The tap a `k1` stands for, and when it was scanned (UTC epoch milliseconds)."""

    card_id: bytes
    counter: int
    scanned_at: int


def mint(secret: bytes, card_id: bytes, counter: int, now: int) -> str:
    """The `k1` of a tap whose SUN message was verified at `now`."""
    if len(card_id) != CARD_ID_BYTES:
        raise ValueError("card_id: must be 16 bytes")
    content = card_id + counter.to_bytes(3) + now.to_bytes(6)
    tag = _tag(secret, content)
    return (bytes((VERSION,)) + tag + _sealed(secret, tag, content)).hex()


def check(secret: bytes, text: str, now: int, max_age_ms: int) -> K1 | Refused:
    """The tap of a `k1` that this host minted at most `max_age_ms` ago."""
    try:
        raw = bytes.fromhex(text) if len(text) == HEX_LENGTH else b""
    except ValueError:
        raw = b""
    if len(raw) * 2 != HEX_LENGTH or raw[0] != VERSION:
        return Refused(Code.K1_INVALID)
    tag = raw[1 : 1 + _TAG_BYTES]
    content = _sealed(secret, tag, raw[1 + _TAG_BYTES :])
    if not hmac.compare_digest(tag, _tag(secret, content)):
        return Refused(Code.K1_INVALID)
    card_id, counter = content[:CARD_ID_BYTES], int.from_bytes(content[CARD_ID_BYTES:-6])
    scanned_at = int.from_bytes(content[-6:])
    # A clock that was set back makes ages negative; a k1 far in the future is not fresh either.
    if abs(now - scanned_at) > max_age_ms:
        return Refused(Code.K1_EXPIRED)
    return K1(card_id, counter, scanned_at)


def _tag(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, _TAG_LABEL + content, "sha256")[:_TAG_BYTES]


def _sealed(secret: bytes, tag: bytes, content: bytes) -> bytes:
    """Add the key stream of a tag; applied twice it gives the content back."""
    stream = hmac.digest(secret, _STREAM_LABEL + tag, "sha256")
    return bytes(a ^ b for a, b in zip(content, stream, strict=False))
