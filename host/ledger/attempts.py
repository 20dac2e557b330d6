"""Cards that a till refused, one row an attempt: when, which card, and why.

A row is written with the very step of the sale that says so (`sales.move`). What it can name is
what was proven: a card of ours by its tap, another one by the issuer that its address names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from host.ledger.codes import Code
from host.ledger.records import typed
from host.store.tx import Place, Row, Tx


@dataclass(frozen=True, slots=True)
class Laid:
    """Which card was laid down, as far as anybody knows."""

    card_id: str | None = None
    host: str = ""


NOBODY: Final = Laid()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refusal at a till; the alias is what the card is called now."""

    at: int
    sale_id: str
    amount_msat: int
    code: Code
    words: str
    """What another issuer said, cleaned by the client."""
    host: str
    card_id: str | None
    alias: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {3: Code}))


_ATTEMPTS: Final = """
    SELECT a.at, a.sale_id, s.amount_msat, a.code, a.words, a.host, a.card_id, c.alias
    FROM attempts a JOIN sales s ON s.sale_id = a.sale_id
    LEFT JOIN cards c ON c.card_id = a.card_id WHERE a.code <> 'pin_required'
"""
"""To be asked for the PIN is kept, and is no refusal."""

_OF_SALE: Final = f"{_ATTEMPTS} AND a.sale_id = :id ORDER BY a.attempt_id"

_OF_CARD: Final = f"""
    {_ATTEMPTS} AND a.card_id = :id AND s.store_id = :store_id
    ORDER BY a.attempt_id DESC LIMIT :limit
"""


def note(tx: Tx, sale_id: str, code: Code, laid: Laid, words: str) -> None:
    """Write one down, inside the transaction that declines the sale."""
    tx.run(
        "INSERT INTO attempts (at, sale_id, card_id, host, code, words)"
        " VALUES (:now, :sale_id, :card_id, :host, :code, :words)",
        {
            "now": tx.now,
            "sale_id": sale_id,
            "card_id": laid.card_id,
            "host": laid.host,
            "code": code,
            "words": words,
        },
    )


def of_sale(db: Place, sale_id: str) -> list[Attempt]:
    """What was refused before a sale was paid or given up, in its order."""
    return [Attempt.of(row) for row in db.read(lambda tx: tx.all(_OF_SALE, {"id": sale_id}))]


def of_card(db: Place, card_id: str, store_id: str, *, limit: int = 20) -> list[Attempt]:
    """Where a card was refused at a store's tills, the newest first."""
    params = {"id": card_id, "store_id": store_id, "limit": limit}
    return [Attempt.of(row) for row in db.read(lambda tx: tx.all(_OF_CARD, params))]
