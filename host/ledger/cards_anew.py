"""A card whose chip counts anew is a new card in the books, beside the old one's payouts.

Payouts are unique by card and counter (THREATS 3). A chip that was wiped and made again counts its
taps from the start, so it gets a row of its own. The old row stays, wiped, for its payouts' sake,
and gives its UID up for one that no chip has.
"""

from __future__ import annotations

import secrets
from typing import Final

from host.ledger import audit, cards
from host.ledger.records import Card, CardState, KeyScheme
from host.ntag424.values import Uid
from host.store.tx import Place, Tx

_RETIRED: Final = 0xFF
"""First byte of a retired UID; on a chip it is the maker's number (ISO/IEC 7816-6), never FF."""

_COPY: Final = """
    INSERT INTO cards (card_id, store_id, pull_payment_id, uid, alias, issuer_id, key_version,
        key_scheme, last_counter, state, starts_at, ends_at, limit_tap_msat, limit_day_msat,
        limit_month_msat, limit_count, pin_hash, pin_limit_msat, pin_tries, created_at)
    SELECT :card_id, store_id, pull_payment_id, :uid, alias, :issuer_id, :key_version,
        :key_scheme, :last_counter, :state, starts_at, ends_at, limit_tap_msat, limit_day_msat,
        limit_month_msat, limit_count, pin_hash, pin_limit_msat, pin_tries, :now
    FROM cards WHERE card_id = :old
"""


def free_id(tx: Tx, wanted: str) -> str:
    """`wanted`, or with a number behind it where an earlier life of the chip has that id."""
    card_id, number = wanted, 1
    while cards.get(tx, card_id) is not None:
        number += 1
        card_id = f"{wanted}-{number}"
    return card_id


def retire(tx: Tx, card: Card, person: str | None = None) -> None:
    """End a card's life in the books: wiped, and its UID free for the chip's next life."""
    uid = bytes([_RETIRED]) + secrets.token_bytes(6)
    tx.run(
        "UPDATE cards SET uid = :uid, state = 'wiped' WHERE card_id = :id",
        {"uid": uid.hex(), "id": card.card_id},
    )
    tx.event(
        "card.changed", store_id=card.store_id, subject=card.card_id, data={"change": "retire"}
    )
    audit.append(tx, person, "card.retire", card.card_id, {"uid": card.uid})


def retired(uid: str) -> bool:
    """Whether this is the UID of a card that has no chip any more."""
    return uid.startswith(f"{_RETIRED:02x}")


def succeed(
    tx: Tx,
    old: Card,
    *,
    issuer_id: str,
    key_version: int,
    last_counter: int,
    key_scheme: KeyScheme = KeyScheme.BOLTCARD,
    person: str | None = None,
) -> Card:
    """A new row with the old one's account, limits, PIN and state; the old one is retired."""
    card_id = free_id(tx, old.card_id)
    retire(tx, old, person)
    row = {
        "card_id": card_id,
        "old": old.card_id,
        "uid": old.uid,
        "issuer_id": issuer_id,
        "key_version": key_version,
        "key_scheme": key_scheme,
        "last_counter": last_counter,
        "state": CardState(old.state),
        "now": tx.now,
    }
    tx.run(_COPY, row)
    tx.event("card.changed", store_id=old.store_id, subject=card_id, data={"change": "succeed"})
    audit.append(tx, person, "card.succeed", card_id, {"key_version": key_version})
    made = cards.by_uid(tx, Uid.parse(old.uid))
    assert made is not None  # noqa: S101 - it was inserted two lines above
    return made


def set_pin_hash(tx: Tx, card_id: str, pin_hash: str, limit_msat: int) -> None:
    """Keep a PIN that was hashed before: hashing is slow, and the write lock is everyone's."""
    tx.run(
        "UPDATE cards SET pin_hash = :hash, pin_limit_msat = :limit, pin_tries = 0"
        " WHERE card_id = :id",
        {"hash": pin_hash, "limit": limit_msat, "id": card_id},
    )


def on_the_way(db: Place, card_id: str) -> bool:
    """Whether a payment of this card is not settled yet; its keys are then left alone."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT 1 FROM payouts WHERE boltcard_id = :id AND status IN ('Pending', 'Processing')",
            {"id": card_id},
        )
    )
    return row is not None
