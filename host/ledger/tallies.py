"""Sums kept beside the payouts, so that no screen ever counts: usage of a card, totals of a day.

Both change in the transaction that changes the payout, and `books` proves them from scratch.
"""

from __future__ import annotations

from typing import Final

from host.ledger.records import Payout, PayoutStatus
from host.store.tx import Tx

USED: Final = """
    INSERT INTO boltcard_usage (boltcard_id, alias, total_payouts, total_amount, first_used,
        last_used, store_id)
    SELECT card_id, alias, 1, :amount, :created_at, :created_at, store_id
    FROM cards WHERE card_id = :boltcard_id
    ON CONFLICT (boltcard_id) DO UPDATE SET
        total_payouts = total_payouts + 1,
        total_amount = total_amount + :amount,
        first_used = CASE WHEN first_used < :created_at THEN first_used ELSE :created_at END,
        last_used = CASE WHEN last_used > :created_at THEN last_used ELSE :created_at END
"""
"""A real outcome of a card: counted by the time of the tap, not of the settlement."""

ADD: Final = """
    INSERT INTO daily_totals (store_id, day, boltcard_id, status, payouts, amount)
    VALUES (:store_id, :day, :boltcard_id, :status, 1, :amount)
    ON CONFLICT (store_id, day, boltcard_id, status) DO UPDATE SET
        payouts = payouts + 1, amount = amount + :amount
"""

_MOVE: Final = """
    INSERT INTO daily_totals (store_id, day, boltcard_id, status, payouts, amount)
    VALUES (:store_id, :day, :boltcard_id, :was, 0, 0),
        (:store_id, :day, :boltcard_id, :status, 1, :amount)
    ON CONFLICT (store_id, day, boltcard_id, status) DO UPDATE SET
        payouts = payouts + CASE status WHEN :was THEN -1 ELSE 1 END,
        amount = amount + CASE status WHEN :was THEN -:amount ELSE :amount END
"""
"""One statement for both columns; that of the old status is there, because it was counted."""


def used(tx: Tx, payout: Payout) -> None:
    """Count a payout that was completed."""
    tx.run(
        USED,
        {
            "boltcard_id": payout.boltcard_id,
            "amount": payout.amount_msat,
            "created_at": payout.created_at,
        },
    )


def move(tx: Tx, payout: Payout, to: PayoutStatus) -> None:
    """Move a payout from the column of its old status to that of its new one."""
    tx.run(
        _MOVE,
        {
            "store_id": payout.store_id,
            "day": payout.day,
            "boltcard_id": payout.boltcard_id,
            "was": payout.status,
            "status": to,
            "amount": payout.amount_msat,
        },
    )
