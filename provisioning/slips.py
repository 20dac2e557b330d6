"""PINs between their drawing and the printed list: sealed in the ledger's file, never in clear.

A PIN is only ever compared by its hash; the clear one exists for the slip that goes to the holder.
Until that is printed it is kept under the host's secret, bound to its place, for a day at most.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def seal(secret: bytes, place: str, pin: str) -> str:
    """The PIN, readable only with the host's secret and only as that of this place."""
    nonce = secrets.token_bytes(_NONCE)
    return (nonce + _cipher(secret).encrypt(nonce, pin.encode(), place.encode())).hex()


def unseal(secret: bytes, place: str, sealed: str) -> str | None:
    """The PIN; None when the host's secret is another one by now."""
    raw = bytes.fromhex(sealed)
    try:
        plain = _cipher(secret).decrypt(raw[:_NONCE], raw[_NONCE:], place.encode())
    except InvalidTag:
        return None
    return plain.decode()


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"taptill PIN slips", "sha256"))
