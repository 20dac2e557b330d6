"""One-time links for the phone apps: `boltcard://program?url=…` and `boltcard://reset?url=…`.

Keys leave the host here and nowhere else, so a link is made by a technician, works once, for ten
minutes, and only its hash is kept (THREATS 7). A program link serves one card that is not in use;
a reset link serves the one card it was made for, and only together with a fresh tap of it. Neither
a UID nor a tap alone ever gets a key. Every offer, redemption and refusal is audited.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from json import dumps, loads
from typing import Any, TypeVar
from urllib.parse import quote

from host.clock import MINUTE
from host.keyring import Keyring
from host.ledger import audit, cards, cards_anew, taps
from host.ledger.records import Card, CardState
from host.ledger.taps import VerifiedTap
from host.ntag424 import keys
from host.ntag424.keys import CardKeys
from host.ntag424.sun import SunMessage
from host.ntag424.values import Uid
from host.store.engine import Engine
from host.store.tx import Row, Tx
from provisioning import journal
from provisioning.decide import Books
from provisioning.keysets import Derived, KeyRoom
from provisioning.orders import NewCard

T = TypeVar("T")

LIFETIME_MS = 10 * MINUTE


class LinkUse(StrEnum):
    """What the phone is to do."""

    PROGRAM = "program"
    RESET = "reset"


class LinkRefused(Exception):
    """The link gives nothing, in words for the phone; nothing is told of why it might have."""


@dataclass(frozen=True, slots=True)
class PhoneLink:
    """A link that was just made: the only time its token is seen."""

    use: LinkUse
    token: str = field(repr=False)
    expires_at: int

    def deep_link(self, base_url: str) -> str:
        """What the QR code holds; `base_url` is where the host answers, such as
        `https://pay.example.com/phone`.
        """
        return f"boltcard://{self.use}?url={quote(f'{base_url}/{self.token}', safe='')}"


def offer_program(
    db: Engine, store_id: str, card: NewCard, url_base: str, *, person: str
) -> PhoneLink:
    """A link that programs one card, whichever is held to the phone, if it is not in use."""
    facts = {"card": card.to_json(), "url_base": url_base}
    return _offer(db, LinkUse.PROGRAM, store_id, facts, person)


def offer_reset(db: Engine, card: Card, *, person: str) -> PhoneLink:
    """A link that hands out this card's keys to wipe it."""
    return _offer(db, LinkUse.RESET, card.store_id, {"card_id": card.card_id}, person)


def _offer(
    db: Engine, use: LinkUse, store_id: str, facts: dict[str, Any], person: str
) -> PhoneLink:
    journal.prepare(db)
    token = secrets.token_urlsafe(24)

    def write(tx: Tx) -> int:
        tx.run("DELETE FROM provisioning_links WHERE expires_at < :now", {"now": tx.now})
        row = {
            "token_hash": _hash(token),
            "use": use,
            "store_id": store_id,
            "facts": dumps(facts),
            "person_id": person,
            "expires_at": tx.now + LIFETIME_MS,
        }
        tx.run(
            "INSERT INTO provisioning_links (token_hash, use, store_id, facts, person_id,"
            " expires_at) VALUES (:token_hash, :use, :store_id, :facts, :person_id, :expires_at)",
            row,
        )
        audit.append(tx, person, f"card.link.{use}", facts.get("card_id"), {"store_id": store_id})
        return tx.now + LIFETIME_MS

    return PhoneLink(use, token, db.transaction(write))


def redeem_program(db: Engine, keyring: Keyring, token: str, uid: Uid) -> dict[str, Any]:
    """The answer to the app's `{"UID": …}`: five keys and the address, once.

    The card is in the books from now on: whoever holds the keys can make it sign, so it is as good
    as made. Raises `LinkRefused`.
    """
    room = KeyRoom(keyring)

    def write(tx: Tx) -> tuple[CardKeys, str, NewCard]:
        link = _take(tx, LinkUse.PROGRAM, token)
        row = cards.by_uid(tx, uid)
        if journal.open_job(tx, uid) is not None or (row and row.state is not CardState.WIPED):
            raise LinkRefused("this card is in use")
        facts = loads(link["facts"])
        card = NewCard.from_json(facts["card"])
        version = 1 + max(journal.newest_version(tx, uid), row.key_version if row else 0)
        derived = Derived(room.issuers[0].issuer_id, version)
        if row is not None:
            cards_anew.retire(tx, row, link["person_id"])
        journal.note_handed_out(
            tx, uid, link["store_id"], derived, facts["url_base"], link["person_id"]
        )
        _register(tx, keyring, uid, derived, card, link)
        return room.derive(derived, uid).keys, facts["url_base"], card

    five, base, card = _audited(db, LinkUse.PROGRAM, write)
    return _answer(five) | {
        "protocol_name": "new_bolt_card_response",
        "protocol_version": "1",
        "card_name": card.alias,
        "LNURLW_BASE": base,
        "lnurlw_base": base,
    }


def _register(
    tx: Tx, keyring: Keyring, uid: Uid, derived: Derived, card: NewCard, link: Row
) -> None:
    made = cards.register(
        tx,
        card_id=cards_anew.free_id(tx, keys.card_id(keyring.newest.key, uid).hex()),
        uid=uid,
        store_id=link["store_id"],
        pull_payment_id=card.pull_payment_id,
        alias=card.alias,
        issuer_id=derived.issuer_id,
        key_version=derived.version,
        limits=card.limits,
        starts_at=card.starts_at,
        ends_at=card.ends_at,
        person=link["person_id"],
    )
    if card.pin_hash is not None:
        cards_anew.set_pin_hash(tx, made.card_id, card.pin_hash, card.pin_limit_msat or 0)


def redeem_reset(db: Engine, keyring: Keyring, token: str, message: SunMessage) -> dict[str, Any]:
    """The answer to the app's `{"LNURLW": …}`: the keys of the card that tapped, once.

    The card pays no more from now on. Raises `LinkRefused`.
    """
    tap = taps.verify(db, keyring.issuers, message)

    def write(tx: Tx) -> CardKeys:
        link = _take(tx, LinkUse.RESET, token)
        wanted = loads(link["facts"])["card_id"]
        row = cards.get(tx, wanted)
        if not isinstance(tap, VerifiedTap) or row is None or tap.card_id != wanted:
            raise LinkRefused("this link is for another card")
        if tap.counter <= row.last_counter:
            raise LinkRefused("this tap was used already: tap again")
        if row.state is CardState.WIPED or cards_anew.on_the_way(tx, wanted):
            raise LinkRefused("this card cannot be wiped now")
        cards.wipe(tx, wanted, link["person_id"])
        return KeyRoom(keyring).derive(_key_set(row), tap.uid).keys

    return _answer(_audited(db, LinkUse.RESET, write)) | {"version": 1, "action": "wipe"}


def _key_set(row: Card) -> Derived:
    derived = Books(row).key_set
    if derived is None:
        raise LinkRefused("this card has no keys of ours")
    return derived


def _take(tx: Tx, use: LinkUse, token: str) -> Row:
    """The link's row, used up in this transaction; undone with it when the card is refused."""
    row = tx.one(
        "SELECT * FROM provisioning_links WHERE token_hash = :hash AND use = :use"
        " AND expires_at > :now",
        {"hash": _hash(token), "use": use, "now": tx.now},
    )
    if row is None:
        raise LinkRefused("this link is used up or too old")
    tx.run("DELETE FROM provisioning_links WHERE token_hash = :hash", {"hash": _hash(token)})
    return row


def _audited(db: Engine, use: LinkUse, write: Callable[[Tx], T]) -> T:
    """Redeem in one transaction with its audit row; a refusal is noted in one of its own."""

    def noted(tx: Tx) -> T:
        result = write(tx)
        audit.append(tx, None, f"card.link.{use}.redeemed", None)
        return result

    journal.prepare(db)
    try:
        return db.transaction(noted)
    except LinkRefused as refused:
        facts = {"why": str(refused)}
        db.transaction(lambda tx: audit.append(tx, None, f"card.link.{use}.refused", None, facts))
        raise


def _hash(token: str) -> str:
    """The token has 192 random bits, so a fast hash keeps it as well as a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()


def _answer(five: CardKeys) -> dict[str, Any]:
    """Both spellings, for apps of either school (PROTOCOL 11)."""
    named = {f"k{number}": key.reveal().hex() for number, key in enumerate(five)}
    return named | {name.upper(): value for name, value in named.items()}
