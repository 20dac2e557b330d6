"""The proof of the imported history: its days are the sums of its payouts, and it moved nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from host.store.tx import Tx

_DAYS: Final = """
    SELECT store_id, day, card, status, sum(payouts) AS payouts, sum(amount) AS amount FROM (
        SELECT store_id, day, coalesce(boltcard_id, '') AS card, status, 1 AS payouts, amount
        FROM history_payouts
        UNION ALL SELECT store_id, day, boltcard_id, status, -payouts, -amount FROM history_days)
    GROUP BY store_id, day, card, status HAVING sum(payouts) <> 0 OR sum(amount) <> 0
"""

_MOVED: Final = """
    SELECT h.payout_id FROM history_payouts h WHERE EXISTS
        (SELECT 1 FROM payouts p WHERE p.payout_id = h.payout_id)
    UNION ALL SELECT h.payout_id FROM history_payouts h WHERE EXISTS
        (SELECT 1 FROM entries e WHERE e.entry_id = h.payout_id || '.hold')
"""


def history(tx: Tx) -> Iterator[str]:
    """Totals of days agree with imported payouts, and none of those is in the books."""
    for row in tx.each(_DAYS):
        yield (
            f"imported days {row['store_id']} {row['day']} {row['card']} {row['status']}: the"
            f" payouts differ by {row['payouts']} of {row['amount']} msat"
        )
    for row in tx.each(_MOVED):
        yield f"imported payout {row['payout_id']} is a payout of ours, too"
