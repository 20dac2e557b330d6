"""The originality signature of a SIMULATED card.

NXP signs every real UID with a private key (ECDSA, secp224r1). A twin cannot have that, so it has
a key pair of its own, published here in full: a verifier that finds `public_key()` must say
"simulated", never "genuine".
"""

from __future__ import annotations

import functools

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from host.ntag424.values import Uid

_SIMULATED_SECRET = int.from_bytes(b"taptill twin: not an NXP key", "big")
_NUMBER = 28

# A raw 7-byte message is the number itself; zeros in front of it make it as long as a digest.
_SCHEME = ec.ECDSA(Prehashed(SHA224()), deterministic_signing=True)


@functools.cache
def _secret() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(_SIMULATED_SECRET, ec.SECP224R1())


def public_key() -> bytes:
    """The simulated signer's public key: 04 || x || y, 57 bytes."""
    return _secret().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(uid: Uid) -> bytes:
    """The 56 bytes r || s a simulated card answers to Read_Sig; the same for the same UID."""
    r, s = decode_dss_signature(_secret().sign(uid.raw.rjust(_NUMBER, b"\x00"), _SCHEME))
    return r.to_bytes(_NUMBER, "big") + s.to_bytes(_NUMBER, "big")
