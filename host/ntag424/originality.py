"""Originality: NXP signs each chip's UID, so a copy on other silicon can be told (AN12196 §7.2).

ECDSA over secp224r1; the signed number is the UID itself, not a hash of it. A valid signature
proves that NXP made a chip with this UID, not that this is the chip: it is public and is copied
easily. Only a card's keys prove which card it is.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224

from host.ntag424.values import Uid

NXP_PUBLIC_KEY = bytes.fromhex(
    "048A9B380AF2EE1B98DC417FECC263F8449C7625CECE82D9B916C992DA209D68"
    "422B81EC20B65A66B5102A61596AF3379200599316A00A1410"
)
"""Uncompressed point of NXP's key for NTAG 424 DNA (AN12196 rev 1.8, table 30)."""

_HALF = 28


def check(uid: Uid, signature: bytes, public_key: bytes = NXP_PUBLIC_KEY) -> bool:
    """True when `signature` (r and s, 56 bytes) is that key's signature of the UID.

    A simulated card signs with its own key; check it against that and say "simulated". Raises
    `ValueError` when `public_key` is no point of the curve.
    """
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP224R1(), public_key)
    if len(signature) != 2 * _HALF:
        return False
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    # Padded on the left to the curve's size, the UID is the same number and passes for a digest.
    digest = uid.raw.rjust(_HALF, b"\x00")
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA224())))
    except InvalidSignature:
        return False
    return True
