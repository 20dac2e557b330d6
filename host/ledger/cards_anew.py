"""A chip that was wiped and is made again is a new card in the books, beside the old one.

The next holder may have another account, another store even; payouts, usage and limits of the one
before are none of his. The old row stays, wiped, for its payouts' sake, and gives its UID up for
one that no chip has.
"""

from __future__ import annotations

import secrets
from typing import Final

from host.ledger import audit, cards
from host.ledger.records import Card
from host.store.tx import Place, Tx

_RETIRED: Final = 0xFF
"""First byte of a retired UID; on a chip it is the maker's number (ISO/IEC 7816-6), never FF."""


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
