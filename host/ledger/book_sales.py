"""The proof of the sums of sales that no payout stands behind: they are those of the sales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from host.store.tx import Tx

_DIFFER: Final = """
    SELECT store_id, quarter, method, sum(sales) AS sales, sum(amount) AS amount, sum(tip) AS tip
    FROM (SELECT store_id, settled_at / 900000 AS quarter, method, 1 AS sales,
            amount_msat AS amount, tip_msat AS tip
        FROM sales WHERE settled_at IS NOT NULL AND method <> 'card'
        UNION ALL SELECT store_id, quarter, method, -sales, -amount_msat, -tip_msat
        FROM other_sales)
    GROUP BY store_id, quarter, method
    HAVING sum(sales) <> 0 OR sum(amount) <> 0 OR sum(tip) <> 0
"""


def other_sales(tx: Tx) -> Iterator[str]:
    """Cards of other issuers and invoices on the screen, by the quarter of an hour."""
    for row in tx.each(_DIFFER):
        yield (
            f"other sales of {row['store_id']} in quarter {row['quarter']} by {row['method']}:"
            f" they differ by {row['sales']} of {row['amount']} msat, tips {row['tip']}"
        )
