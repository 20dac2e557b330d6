"""The proof of the sums above the daily totals: of a store's day, and of a card's month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from host.store.tx import Tx

_STORE_DAYS: Final = """
    SELECT store_id || ' ' || day || ' ' || status AS name, sum(payouts) AS payouts,
        sum(amount) AS amount
    FROM (SELECT store_id, day, status, payouts, amount FROM daily_totals
        UNION ALL SELECT store_id, day, status, -payouts, -amount FROM store_days)
    GROUP BY store_id, day, status HAVING sum(payouts) <> 0 OR sum(amount) <> 0
"""

_CARD_MONTHS: Final = """
    SELECT store_id || ' ' || month || ' ' || boltcard_id || ' ' || status AS name,
        sum(payouts) AS payouts, sum(amount) AS amount
    FROM (SELECT store_id, substr(day, 1, 7) AS month, boltcard_id, status, payouts, amount
        FROM daily_totals
        UNION ALL SELECT store_id, month, boltcard_id, status, -payouts, -amount FROM card_months)
    GROUP BY store_id, month, boltcard_id, status HAVING sum(payouts) <> 0 OR sum(amount) <> 0
"""


def rollups(tx: Tx) -> Iterator[str]:
    """What a store's day and a card's month came to is what the daily totals say."""
    for title, sql in (("store's day", _STORE_DAYS), ("card's month", _CARD_MONTHS)):
        for row in tx.each(sql):
            yield (
                f"{title} {row['name']}: the daily totals differ by {row['payouts']} payouts"
                f" of {row['amount']} msat"
            )
