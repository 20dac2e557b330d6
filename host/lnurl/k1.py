"""`k1`: which tap a claim belongs to, carried by the point of sale instead of kept in a row.

A scan must be repeatable and must write nothing (THREATS 30), so `k1` itself carries the verified
tap and the time, sealed under the host's secret: nobody else can make one, change one, or read
one (`seal`). It is sealed and not only signed because a card's id in the clear would let points of
sale recognise a card again (THREATS 22).

    k1 = hex( version 1 | tag 16 | sealed( uid 7 | counter 3 | gap 3 | key 4 | ms 6 | card ) )
"""

from __future__ import annotations

import struct
from typing import Final

from host.ledger.codes import Code, Refused
from host.ledger.taps import VerifiedTap
from host.lnurl.seal import TAG_BYTES, Seal
from host.ntag424.values import Uid

VERSION: Final = 1
MAX_CARD_ID: Final = 64
"""Bytes of a card's id; with them k1 is 208 characters long."""

_HEAD_BYTES = 1 + TAG_BYTES
_FIXED = struct.Struct(">7s3s3sI6s")
_MIN_HEX = 2 * (_HEAD_BYTES + _FIXED.size)
MAX_HEX: Final = _MIN_HEX + 2 * MAX_CARD_ID
_SEAL = Seal(b"k1")


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
    return (bytes((VERSION,)) + _SEAL.close(secret, fixed + card_id)).hex()


def check(secret: bytes, text: str, now: int, max_age_ms: int) -> VerifiedTap | Refused:
    """The tap of a `k1` that this host minted at most `max_age_ms` ago."""
    raw = _bytes(text)
    if raw is None or raw[0] != VERSION:
        return Refused(Code.K1_INVALID)
    content = _SEAL.open(secret, raw[1:])
    if content is None:
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
