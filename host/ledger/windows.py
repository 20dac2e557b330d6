"""What a card spent since any moment, found with one look however much it spent.

Every payout keeps what the card had spent before it, in the order of time. So what was spent
since a moment is what was spent in all, less what had been spent before the first payout after
that moment. Failed and cancelled payouts are taken out of the sums again.

Payouts are made in the order of time, and of those on their way a card has one, its newest. So
the corrections below touch no row, but when the clock was set back; then they keep it exact.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from host.ledger.records import Payout
from host.store.tx import Row, Tx


def before(column: str, moment: str) -> str:
    """SQL: `before_msat` or `before_count` of the first payout of card `c` after a parameter."""
    return f"""(
        SELECT p.{column} FROM payouts p
        WHERE p.boltcard_id = c.card_id AND p.created_at > {moment}
        ORDER BY p.created_at, p.id LIMIT 1
    )"""  # noqa: S608 - both are written in this package


_FIRST_AFTER: Final = """
    SELECT before_msat, before_count FROM payouts
    WHERE boltcard_id = :card_id AND created_at > :moment
    ORDER BY created_at, id LIMIT 1
"""

_SHIFT: Final = """
    UPDATE payouts SET before_msat = before_msat + :msat, before_count = before_count + :count
    WHERE boltcard_id = :card_id
        AND (created_at > :moment OR (created_at = :moment AND id > :id))
"""

_TAKE_OUT: Final = """
    UPDATE cards SET spent_msat = spent_msat + :msat, spent_count = spent_count + :count
    WHERE card_id = :card_id
"""


NEWEST: Final = 1 << 62
"""Above every payout's number."""


class Spent(NamedTuple):
    """A sum of payouts that are paid or on their way."""

    msat: int
    taps: int


def since(tx: Tx, card_id: str, in_all: Spent, moment: int) -> Spent:
    """What a card spent after `moment` (epoch ms); `in_all` is what its row says."""
    first = tx.one(_FIRST_AFTER, {"card_id": card_id, "moment": moment})
    if first is None:
        return Spent(0, 0)
    return Spent(in_all.msat - first["before_msat"], in_all.taps - first["before_count"])


def place(tx: Tx, card_id: str, card: Row, amount_msat: int) -> dict[str, Any]:
    """The columns of a payout made now, and of its card after it."""
    before = Spent(card["spent_msat"], card["spent_count"])
    if tx.now < card["newest_at"]:  # the clock was set back: make room among what is in front
        later = since(tx, card_id, before, tx.now)
        before = Spent(before.msat - later.msat, before.taps - later.taps)
        row = {"card_id": card_id, "moment": tx.now, "id": NEWEST}
        tx.run(_SHIFT, row | {"msat": amount_msat, "count": 1})
    return {
        "before_msat": before.msat,
        "before_count": before.taps,
        "newest_at": max(tx.now, card["newest_at"]),
    }


def take_out(tx: Tx, payout: Payout) -> None:
    """A payout came to nothing: it counts in no sum any more."""
    row = {
        "card_id": payout.boltcard_id,
        "moment": payout.created_at,
        "id": payout.id,
        "msat": -payout.amount_msat,
        "count": -1,
    }
    tx.run(_TAKE_OUT, row)
    tx.run(_SHIFT, row)
