"""Whose tap is it? The MAC first: until it holds, nothing is written and nothing is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from host.keyring import Issuer
from host.ledger.codes import Code, Refused
from host.ledger.records import KeyScheme
from host.ntag424 import keys, sun
from host.ntag424.sun import PiccData, SunMessage
from host.ntag424.values import Key, Uid
from host.store.tx import Place, Row

COUNTER_MAX: Final = 0xFF_FFFF
"""The chip stops here (AN12196): a card that says so is used up."""

UNKNOWN_VERSIONS: Final = range(4)
"""Key versions tried for a UID we do not know, to tell a stranger of ours from a forgery."""

_CARD: Final = """
    SELECT card_id, pull_payment_id, issuer_id, key_version, key_scheme, last_counter
    FROM cards WHERE uid = :uid
"""


@dataclass(frozen=True, slots=True)
class VerifiedTap:
    """A tap whose MAC holds; `gap` is how often the card was read elsewhere since it last paid."""

    card_id: str
    uid: Uid
    counter: int
    key_version: int
    gap: int = 0


def verify(db: Place, issuers: Sequence[Issuer], message: SunMessage) -> VerifiedTap | Refused:
    """Prove a tap against our issuer keys, newest first. Reads only.

    Refused: `sun_invalid` when no key of ours signed it, `card_unknown` when one did but the card
    is not in our books, `counter_exhausted` at the chip's last counter.
    """
    for issuer, picc in _candidates(issuers, message):
        row = _card(db, picc.uid)
        if row is not None and row["issuer_id"] == issuer.issuer_id:
            if not sun.verify(_k2(issuer, picc.uid, row), picc, message.c):
                return Refused(Code.SUN_INVALID)
            if picc.counter >= COUNTER_MAX:
                return Refused(Code.COUNTER_EXHAUSTED)
            gap = max(0, picc.counter - row["last_counter"] - 1)
            return VerifiedTap(row["card_id"], picc.uid, picc.counter, row["key_version"], gap)
        if row is None and _ours(issuer, picc, message.c):
            return Refused(Code.CARD_UNKNOWN)
    return Refused(Code.SUN_INVALID)


def _candidates(
    issuers: Sequence[Issuer], message: SunMessage
) -> Iterator[tuple[Issuer, PiccData]]:
    """The issuers whose K1 opens `p`; by chance one in 256 wrong ones does too."""
    for issuer in issuers:
        picc = sun.decrypt(keys.k1(issuer.key), message.p)
        if picc is not None:
            yield issuer, picc


def _card(db: Place, uid: Uid) -> Row | None:
    return db.one(_CARD, {"uid": uid.hex()})


def _k2(issuer: Issuer, uid: Uid, row: Row) -> Key:
    mixed_in = row["pull_payment_id"] if row["key_scheme"] == KeyScheme.PULL_PAYMENT else None
    return keys.k2(issuer.key, uid, row["key_version"], mixed_in)


def _ours(issuer: Issuer, picc: PiccData, mac: bytes) -> bool:
    return any(
        sun.verify(keys.k2(issuer.key, picc.uid, version), picc, mac)
        for version in UNKNOWN_VERSIONS
    )
