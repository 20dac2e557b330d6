"""Small facts that others carry for us: nobody else can make, change or read them.

Sealing is SIV-like (compare RFC 5297) with HMAC as its only primitive: the tag is a MAC of the
content, the key stream is a MAC of the tag. The same content has the same seal. A purpose keeps
what was sealed for one use from being taken for another.
"""

from __future__ import annotations

import hmac
from typing import Final

TAG_BYTES: Final = 16


class Seal:
    """Seals for one purpose under the host's secret."""

    def __init__(self, purpose: bytes) -> None:
        self._tag_label = b"taptill " + purpose + b" tag \x01"
        self._stream_label = b"taptill " + purpose + b" stream \x01"

    def close(self, secret: bytes, content: bytes) -> bytes:
        """Tag and sealed content, `TAG_BYTES` longer than the content."""
        tag = self._tag(secret, content)
        return tag + self._mixed(secret, tag, content)

    def open(self, secret: bytes, sealed: bytes) -> bytes | None:
        """The content, or None when it was not sealed so."""
        tag = sealed[:TAG_BYTES]
        content = self._mixed(secret, tag, sealed[TAG_BYTES:])
        return content if hmac.compare_digest(tag, self._tag(secret, content)) else None

    def _tag(self, secret: bytes, content: bytes) -> bytes:
        return hmac.digest(secret, self._tag_label + content, "sha256")[:TAG_BYTES]

    def _mixed(self, secret: bytes, tag: bytes, content: bytes) -> bytes:
        """Add the key stream of a tag; applied twice it gives the content back."""
        stream, block = b"", 0
        while len(stream) < len(content):
            stream += hmac.digest(secret, self._stream_label + tag + bytes((block,)), "sha512")
            block += 1
        size = len(content)
        return (int.from_bytes(content) ^ int.from_bytes(stream[:size])).to_bytes(size)
