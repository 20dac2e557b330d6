"""The keys of a card from one issuer key (boltcard `docs/DETERMINISTIC.md`).

K1 is the same on all cards of an issuer, so that the encrypted `p` can be opened before it is
known whose it is. All others depend on the card's UID and on its version. BTCPay mixes the pull
payment's id into the card key too; with it, a card moved to another pull payment has other keys.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from host.ntag424.crypto import cmac
from host.ntag424.values import Key, Uid

_CARD_KEY = bytes.fromhex("2d003f75")
_K0 = bytes.fromhex("2d003f76")
_K1 = bytes.fromhex("2d003f77")
_K2 = bytes.fromhex("2d003f78")
_K3 = bytes.fromhex("2d003f79")
_K4 = bytes.fromhex("2d003f7a")
_CARD_ID = bytes.fromhex("2d003f7b")


class CardKeys(NamedTuple):
    """The five application keys, by number: `keys[0]` is `keys.k0`."""

    k0: Key
    k1: Key
    k2: Key
    k3: Key
    k4: Key

    @classmethod
    def factory(cls) -> CardKeys:
        """Five zero keys, as delivered."""
        return cls(*(Key.zero(),) * 5)


def card_key(issuer: Key, uid: Uid, version: int, pull_payment_id: str | None = None) -> Key:
    """The key that K0 and K2 to K4 of one card come from; `version` is an unsigned 32-bit number.

    `pull_payment_id` is BTCPay's variant: its text follows as UTF-8.
    """
    if not 0 <= version <= 0xFFFFFFFF:
        raise ValueError("version: must fit 32 bits")
    tail = (pull_payment_id or "").encode()
    return Key(cmac(issuer, _CARD_KEY + uid.raw + version.to_bytes(4, "little") + tail))


@lru_cache(maxsize=16)
def k1(issuer: Key) -> Key:
    """The key that opens `p` of every card of this issuer.

    Remembered, because every tap needs it; whoever holds the issuer key holds this one too.
    """
    return Key(cmac(issuer, _K1))


def k2(issuer: Key, uid: Uid, version: int, pull_payment_id: str | None = None) -> Key:
    """The key that signs one card's taps, without deriving the other four."""
    return Key(cmac(card_key(issuer, uid, version, pull_payment_id), _K2))


def derive(issuer: Key, uid: Uid, version: int, pull_payment_id: str | None = None) -> CardKeys:
    """All five keys of one card."""
    root = card_key(issuer, uid, version, pull_payment_id)
    return CardKeys(
        Key(cmac(root, _K0)),
        k1(issuer),
        *(Key(cmac(root, label)) for label in (_K2, _K3, _K4)),
    )


def card_id(issuer: Key, uid: Uid) -> bytes:
    """16 bytes that name a card without giving its UID away; the same for every version."""
    return cmac(issuer, _CARD_ID + uid.raw)
