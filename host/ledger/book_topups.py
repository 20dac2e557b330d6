"""The books of what came in and what was given back: each once, each where it belongs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from host.ledger.refunds import REFUNDED
from host.store.tx import Tx

_TOP_UPS: Final = """
    SELECT lower(hex(i.payment_hash)) AS name, i.state, i.amount_msat, e.available_msat
    FROM topup_invoices i
    LEFT JOIN entries e ON e.entry_id = lower(hex(i.payment_hash)) || '.top-up'
    WHERE (i.state = 'paid') <> (e.entry_id IS NOT NULL) OR (e.entry_id IS NOT NULL AND (
        e.kind <> 'top-up' OR e.available_msat <> i.amount_msat OR e.held_msat <> 0
        OR e.pull_payment_id <> i.pull_payment_id OR e.card_id IS NOT i.card_id))
"""

_STRAY: Final = """
    SELECT e.entry_id FROM entries e
    WHERE e.kind = 'top-up' AND e.kind NOT IN ('hold', 'release', 'settle')
        AND e.entry_id LIKE '%.top-up' AND NOT EXISTS (SELECT 1 FROM topup_invoices i
            WHERE lower(hex(i.payment_hash)) || '.top-up' = e.entry_id)
"""

_REFUNDS: Final = """
    SELECT e.payout_id, sum(e.available_msat) AS given, max(p.amount) AS amount,
        max(p.status) AS status, max(s.sale_id) AS sale_id, max(s.data) AS data,
        max(e.pull_payment_id <> p.pull_payment_id OR e.held_msat <> 0) AS astray
    FROM entries e JOIN payouts p ON p.payout_id = e.payout_id
    LEFT JOIN sales s ON s.payout_id = p.payout_id
    WHERE e.kind = 'refund' AND e.kind NOT IN ('hold', 'release', 'settle')
    GROUP BY e.payout_id
"""

_NOTED: Final = """
    SELECT s.sale_id, s.data FROM sales s
    WHERE s.data LIKE '%refunded_msat%' AND NOT EXISTS (SELECT 1 FROM entries e
        WHERE e.payout_id = s.payout_id AND e.kind = 'refund'
        AND e.kind NOT IN ('hold', 'release', 'settle'))
"""


def top_ups(tx: Tx) -> Iterator[str]:
    """Each invoice that was paid has its one entry, of its amount, on its account; no other has."""
    for row in tx.each(_TOP_UPS):
        yield (
            f"top-up {row['name']} is {row['state']} with {row['amount_msat']} msat,"
            f" but its entry says {row['available_msat']}"
        )
    for row in tx.each(_STRAY):
        yield f"entry {row['entry_id']} is of a top-up that never was"


def refunds(tx: Tx) -> Iterator[str]:
    """No payment is given back above its amount, nor one that was not made; the sale says it."""
    for row in tx.each(_REFUNDS):
        if row["given"] > row["amount"] or row["status"] != "Completed" or row["astray"]:
            yield (
                f"payout {row['payout_id']} is {row['status']} with {row['amount']} msat,"
                f" but {row['given']} were given back"
            )
        if row["sale_id"] is not None and json.loads(row["data"]).get(REFUNDED) != row["given"]:
            yield f"sale {row['sale_id']}: {row['given']} msat were given back, it says otherwise"
    for row in tx.each(_NOTED):
        yield f"sale {row['sale_id']} says it was refunded, but nothing was given back"
