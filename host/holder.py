"""A holder at the shop's reader: whose card lies there, and what is on it. No tap is spent."""

from __future__ import annotations

from collections.abc import Sequence

from host.keyring import Issuer
from host.ledger import balance, taps
from host.ledger.balance import Balance
from host.ledger.codes import Code, Refused
from host.ledger.taps import VerifiedTap
from host.ntag424.errors import CardError
from host.ntag424.ndef import NdefError
from host.ntag424.read import read_tap_url
from host.ntag424.sun import SunFormatError, parse_url
from host.readers.base import CardGone, CardLink, CardRefused, SeveralCards
from host.store.engine import Engine


def tap_at(db: Engine, issuers: Sequence[Issuer], link: CardLink) -> VerifiedTap | Refused:
    """The tap of the card that lies on a reader of ours, if it is a card of ours."""
    try:
        message = parse_url(read_tap_url(link.transceive)).message
    except CardGone:
        return Refused(Code.MOVED_TOO_SOON)
    except SeveralCards:
        return Refused(Code.TWO_CARDS)
    except (SunFormatError, CardRefused, CardError, NdefError):
        return Refused(Code.CARD_UNREADABLE)
    return taps.verify(db, issuers, message)


def balance_at(db: Engine, issuers: Sequence[Issuer], link: CardLink) -> Balance | Refused:
    """What is on the card that lies on a reader of ours.

    Whoever stands there holds the card, so it needs no newest tap; but the shop sees a balance
    only with its holder there, and for a card of ours.
    """
    tap = tap_at(db, issuers, link)
    if isinstance(tap, Refused):
        return tap
    found = balance.of(db, tap.card_id)
    return found if found is not None else Refused(Code.CARD_UNKNOWN)
