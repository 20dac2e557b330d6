"""NXP's signature of a card's UID: a hint, for it can be copied and proves nothing (THREATS 33)."""

from __future__ import annotations

from enum import StrEnum

from host.ntag424 import originality
from host.ntag424.values import Uid

SIMULATED_KEY = bytes.fromhex(
    "0467280c489033fb1a6be685537d5fd1964883ed0c81335e3795a11cb8"
    "6fbc893156627f3f65c4c486083af15161ae2af8667412f00d879226"
)
"""The public key of the twin's cards: they are simulated, and are called so."""


class Origin(StrEnum):
    """What the signature says."""

    NXP = "signed by NXP (a hint, no proof)"
    SIMULATED = "a simulated card"
    UNKNOWN = "not signed by NXP"


def origin(uid: Uid, signature: bytes) -> Origin:
    """Whose signature it is."""
    if originality.check(uid, signature):
        return Origin.NXP
    if originality.check(uid, signature, SIMULATED_KEY):
        return Origin.SIMULATED
    return Origin.UNKNOWN
