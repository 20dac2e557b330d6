"""Lightning addresses: a name before the @ under which money is paid in for a card (LUD-16)."""

from __future__ import annotations

import re
from typing import Final

from host.ledger import audit, cards
from host.ledger.errors import LedgerError, NotFound, Taken
from host.store.tx import Place, Tx

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def give(db: Place, card_id: str, name: str | None, person: str | None = None) -> None:
    """Let a card have this name, in place of an earlier one; None takes it away.

    A name is public, and whoever guesses it learns that it is there; so it is given only when a
    holder wants one. Raises `Taken` when another card has it.
    """

    def change(tx: Tx) -> None:
        if cards.get(tx, card_id) is None:
            raise NotFound(f"card_id: there is no card {card_id}")
        if name is not None and not _NAME.fullmatch(name):
            raise LedgerError("name: small letters, digits and . _ -, at most 64")
        if name is not None and card_of(tx, name) not in (None, card_id):
            raise Taken("name: another card has this address")
        tx.run("DELETE FROM card_addresses WHERE card_id = :id", {"id": card_id})
        if name is not None:
            row = {"name": name, "id": card_id, "now": tx.now}
            tx.run("INSERT INTO card_addresses VALUES (:name, :id, :now)", row)
        audit.append(tx, person, "card.address", card_id, {"name": name})

    db.transaction(change)


def card_of(db: Place, name: str) -> str | None:
    """The id of the card that has this name."""
    sql = "SELECT card_id FROM card_addresses WHERE name = :name"
    row = db.read(lambda tx: tx.one(sql, {"name": name}))
    return str(row[0]) if row else None


def of(db: Place, card_id: str) -> str | None:
    """The name that a card has."""
    sql = "SELECT name FROM card_addresses WHERE card_id = :id"
    row = db.read(lambda tx: tx.one(sql, {"id": card_id}))
    return str(row[0]) if row else None
