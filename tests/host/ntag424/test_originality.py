"""NXP's signature of a UID."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from host.ntag424 import originality
from host.ntag424.values import Uid

UID = Uid.parse("04518DFAA96180")
SIGNATURE = bytes.fromhex(
    "D1940D17CFEDA4BFF80359AB975F9F6514313E8F90C1D3CAAF5941AD744A1CDF"
    "9A83F883CAFE0FE95D1939B1B7E47113993324473B785D21"
)
"""AN12196 rev 1.8, table 30."""


def test_a_chip_of_nxp_is_told_from_others() -> None:
    assert originality.check(UID, SIGNATURE)
    assert not originality.check(Uid.parse("04518DFAA96181"), SIGNATURE)
    for wrong in (b"", SIGNATURE[:-1], bytes(56), SIGNATURE[28:] + SIGNATURE[:28], b"\xff" * 56):
        assert not originality.check(UID, wrong)


def test_a_simulated_card_has_a_key_of_its_own() -> None:
    secret = ec.generate_private_key(ec.SECP224R1())
    public = secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = UID.raw.rjust(28, b"\x00")
    r, s = decode_dss_signature(secret.sign(digest, ec.ECDSA(Prehashed(SHA224()))))
    signature = r.to_bytes(28) + s.to_bytes(28)
    assert originality.check(UID, signature, public)
    assert not originality.check(UID, signature)


def test_a_public_key_must_be_on_the_curve() -> None:
    with pytest.raises(ValueError):
        originality.check(UID, SIGNATURE, b"\x04" + bytes(56))
