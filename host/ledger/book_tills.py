"""A proof of the books: the lines of the tills stand for what happened, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from host.store.tx import Tx

# What each kind of line stands for, from where it is decided: subject, store, amount and tip.
_SOURCES: Final = {
    "sale": """
        SELECT sale_id AS subject, store_id, amount_msat AS amount, tip_msat AS tip
        FROM sales WHERE settled_at IS NOT NULL
    """,
    "refund": """
        SELECT e.entry_id AS subject, s.store_id, e.available_msat AS amount, 0 AS tip
        FROM entries e JOIN payouts p ON p.payout_id = e.payout_id
        JOIN sales s ON s.sale_id = p.sale_id
        WHERE e.kind = 'refund' AND e.kind NOT IN ('hold', 'release', 'settle')
    """,
    "late": """
        SELECT lower(hex(i.payment_hash)) AS subject, s.store_id, i.amount_msat AS amount, 0 AS tip
        FROM sale_invoices i JOIN sales s ON s.sale_id = i.sale_id WHERE i.state = 'late'
    """,
    "top-up": """
        SELECT e.entry_id AS subject, a.store_id, e.available_msat AS amount, 0 AS tip
        FROM entries e JOIN pull_payments a ON a.pull_payment_id = e.pull_payment_id
        WHERE e.kind = 'top-up' AND e.kind NOT IN ('hold', 'release', 'settle')
            AND e.entry_id NOT LIKE '%.top-up'
    """,
    "fee": """
        SELECT payout_id AS subject, store_id, fee_msat - fee_held_msat AS amount, 0 AS tip
        FROM payouts WHERE status = 'Completed' AND fee_msat > fee_held_msat
    """,
}

_MISSING: Final = """
    SELECT w.subject, w.amount, l.amount_msat AS told FROM ({source}) w
    LEFT JOIN till_lines l ON l.subject = w.subject AND l.kind = '{kind}'
        AND l.kind NOT IN ('declined', 'cancelled')
    WHERE l.line_id IS NULL OR l.amount_msat <> w.amount OR l.tip_msat <> w.tip
        OR l.store_id <> w.store_id
"""

_COUNTS: Final = """
    SELECT (SELECT count(*) FROM ({source})) AS happened,
        (SELECT count(*) FROM till_lines WHERE kind = '{kind}'
            AND kind NOT IN ('declined', 'cancelled')) AS told
"""


def lines(tx: Tx) -> Iterator[str]:
    """Each sale, refund, late payment, top-up in cash and fee has its line, and no line is more."""
    for kind, source in _SOURCES.items():
        for row in tx.each(_MISSING.format(kind=kind, source=source)):
            yield (
                f"{kind} {row['subject']} of {row['amount']} msat is told to the tills as"
                f" {row['told']}"
            )
        counts = tx.one(_COUNTS.format(kind=kind, source=source))
        if counts is not None and counts["told"] > counts["happened"]:
            more = counts["told"] - counts["happened"]
            yield f"tills: {more} lines of kind {kind} stand for nothing"
