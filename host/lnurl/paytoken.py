"""The opaque name of a card in a link that fills it: `/lnp/<token>`.

Whoever has a link can pay in, and learns nothing else: the card's id is sealed under the host's
secret, so links cannot be made or listed. The link that a point of sale finds in a withdrawRequest
is another one for each tap, or it would recognise a card again (THREATS 22); the holder's own link
and the one behind a Lightning address are always the same, because they are given away on purpose.

    token = hex( version 1 | tag 16 | sealed( kind 1 | counter 3 | card ) )
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from host.lnurl.seal import TAG_BYTES, Seal

VERSION: Final = 1
_MIN_HEX: Final = 2 * (1 + TAG_BYTES + 4 + 1)
_MAX_HEX: Final = _MIN_HEX + 2 * 64
_SEAL: Final = Seal(b"pay link")


class LinkKind(IntEnum):
    """Whose link it is."""

    TAP = 0
    """Found by a point of sale, for this one tap."""
    HOLDER = 1
    ADDRESS = 2
    """Behind a Lightning address, whose name stands in the description."""


class PayLink(NamedTuple):
    """What a token says."""

    card_id: str
    kind: LinkKind


def mint(secret: bytes, card_id: str, kind: LinkKind, counter: int = 0) -> str:
    """The token of a card; `counter` is that of the tap, for `LinkKind.TAP`."""
    content = bytes((kind,)) + counter.to_bytes(3) + card_id.encode()
    return (bytes((VERSION,)) + _SEAL.close(secret, content)).hex()


def read(secret: bytes, token: str) -> PayLink | None:
    """What a token of ours says; None for any other."""
    if not _MIN_HEX <= len(token) <= _MAX_HEX:
        return None
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        return None
    if 2 * len(raw) != len(token) or raw[0] != VERSION:  # fromhex skips spaces
        return None
    content = _SEAL.open(secret, raw[1:])
    if content is None:
        return None
    return PayLink(content[4:].decode(), LinkKind(content[0]))
