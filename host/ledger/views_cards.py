"""Cards as lists, and what one of them has left of its limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from host.clock import DAY
from host.ledger import windows
from host.ledger.records import CARD_COLUMNS, USAGE_COLUMNS, Card, CardState, Usage
from host.ledger.views_payouts import like
from host.ledger.windows import Spent
from host.store.tx import Place, Tx

MONTH_MS: Final = 30 * DAY


@dataclass(frozen=True, slots=True)
class CardList:
    """Which cards; an empty text is every card, and a state of None every state."""

    store_id: str
    text: str = ""
    state: CardState | None = None
    pull_payment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What a card spent, or is spending, in the rolling windows of its limits."""

    day: Spent
    month: Spent


def page(db: Place, which: CardList, *, after: str | None = None, limit: int = 50) -> list[Card]:
    """Cards, oldest first; `after` the last card's id for the page after it."""
    params = {
        "store_id": which.store_id,
        "state": which.state,
        "account": which.pull_payment_id,
        "text": which.text,
        "start": like(which.text.lower().replace(" ", "").replace(":", "")) + "%",
        "part": f"%{like(which.text)}%",
        "after": after,
        "limit": limit,
    }
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {CARD_COLUMNS} FROM cards WHERE store_id = :store_id"  # noqa: S608
            " AND (:state IS NULL OR state = :state)"
            " AND (:account IS NULL OR pull_payment_id = :account)"
            " AND (:text = '' OR card_id LIKE :start ESCAPE '!' OR uid LIKE :start ESCAPE '!'"
            " OR alias LIKE :part ESCAPE '!')"
            " AND (:after IS NULL OR (created_at, card_id) > (SELECT created_at, card_id"
            " FROM cards WHERE card_id = :after AND store_id = :store_id))"
            " ORDER BY created_at, card_id LIMIT :limit",
            params,
        )
    )
    return [Card.of(row) for row in rows]


def usage_of(db: Place, card_ids: Iterable[str]) -> dict[str, Usage]:
    """What these cards ever paid; those that never paid are not in it."""

    def look(tx: Tx) -> dict[str, Usage]:
        sql = f"SELECT {USAGE_COLUMNS} FROM boltcard_usage WHERE boltcard_id = :id"  # noqa: S608
        rows = [tx.one(sql, {"id": card_id}) for card_id in card_ids]
        return {row["boltcard_id"]: Usage.of(row) for row in rows if row is not None}

    return db.read(look)


def used(db: Place, card_id: str) -> Used:
    """What a card used of its limits up to now; zero for a card that is not there."""

    def look(tx: Tx) -> Used:
        row = tx.one(
            "SELECT spent_msat, spent_count FROM cards WHERE card_id = :id", {"id": card_id}
        )
        if row is None:
            return Used(Spent(0, 0), Spent(0, 0))
        ever = Spent(row["spent_msat"], row["spent_count"])
        return Used(
            windows.since(tx, card_id, ever, tx.now - DAY),
            windows.since(tx, card_id, ever, tx.now - MONTH_MS),
        )

    return db.read(look)
