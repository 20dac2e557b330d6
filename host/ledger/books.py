"""The proof: entries, payouts, balances, usage, daily totals and audit trail agree, or who not.

Everything that is kept as a sum is computed again from the single rows, on one snapshot. Rows are
streamed in the order of an index, so memory grows with accounts and cards, never with payouts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from host.ledger import (
    audit,
    book_history,
    book_rollups,
    book_sales,
    book_sums,
    book_tills,
    book_topups,
    wallets,
    z_reports,
)
from host.money import sat_text
from host.store.tx import Place, Tx

MAX_PROBLEMS: Final = 100
"""Named at most; where that many are wrong, the rest is told by a backup."""


@dataclass(frozen=True, slots=True)
class BooksReport:
    """What was proven, line by line, and every disagreement by name."""

    ok: bool
    lines: list[str]
    problems: list[str]


def check(db: Place) -> BooksReport:
    """Prove the books on one snapshot; nothing is written and nobody waits (in WAL mode)."""
    return db.read(_check)


def _check(tx: Tx) -> BooksReport:
    problems = list(islice(chain.from_iterable(find(tx) for find in PROOFS), MAX_PROBLEMS))
    return BooksReport(not problems, list(_lines(tx)), problems)


def _lines(tx: Tx) -> Iterator[str]:
    one = tx.one(
        "SELECT (SELECT count(*) FROM pull_payments) AS accounts,"
        " (SELECT count(*) FROM cards) AS cards,"
        " (SELECT coalesce(sum(payouts), 0) FROM daily_totals) AS payouts,"
        " (SELECT count(*) FROM entries) AS entries,"
        " (SELECT count(*) FROM audit) AS audited,"
        " (SELECT coalesce(sum(payouts), 0) FROM history_days) AS imported"
    )
    free = held = paid = 0
    for row in tx.each("SELECT balance_msat, held_msat, paid_msat FROM pull_payments"):
        free, held, paid = free + row[0], held + row[1], paid + row[2]
    if one is not None:
        yield ", ".join(_counted(one[name], name) for name in ("accounts", "cards", "payouts"))
        yield f"{_counted(one['entries'], 'entries')}, {_counted(one['audited'], 'audit rows')}"
        if one["imported"]:
            yield f"{_counted(one['imported'], 'imported payouts')}, which moved nothing here"
        yield f"free {sat_text(free)} sat, held {sat_text(held)} sat, paid {sat_text(paid)} sat"
    yield from (one.words for one in wallets.elsewhere(tx))


def _counted(number: int, many: str) -> str:
    """`1 card`, `2 cards`."""
    one = f"{many[:-3]}y" if many.endswith("ies") else many[:-1]
    return f"{number} {one if number == 1 else many}"


_MOVEMENTS: Final = """
    SELECT p.payout_id, p.status, p.amount, p.fee_msat, p.fee_held_msat, p.pull_payment_id,
        h.kind AS h_kind, h.available_msat AS h_available, h.held_msat AS h_held,
        h.pull_payment_id AS h_account,
        e.kind AS e_kind, e.available_msat AS e_available, e.held_msat AS e_held,
        e.pull_payment_id AS e_account
    FROM payouts p
    LEFT JOIN entries h ON h.entry_id = p.payout_id || '.hold'
    LEFT JOIN entries e ON e.entry_id = p.payout_id || '.end'
    WHERE (p.route = 'lightning' AND p.fee_held_msat NOT IN (0, coalesce(p.fee_limit_msat, -1)))
        OR h.kind IS NOT 'hold' OR h.pull_payment_id <> p.pull_payment_id
        OR h.available_msat <> -(p.amount + p.fee_held_msat) OR h.held_msat <> -h.available_msat
        OR e.kind IS NOT CASE p.status WHEN 'Completed' THEN 'settle' WHEN 'Failed' THEN 'release'
            WHEN 'Cancelled' THEN 'release' END
        OR e.pull_payment_id <> p.pull_payment_id OR e.held_msat <> -h.held_msat
        OR e.available_msat <> CASE p.status
            WHEN 'Completed' THEN p.fee_held_msat - min(p.fee_msat, p.fee_held_msat)
            ELSE p.amount + p.fee_held_msat END
    ORDER BY p.id
"""


def _movements(tx: Tx) -> Iterator[str]:
    """Each payout has the entries its status asks for, of its own amount, on its own account."""
    for row in tx.each(_MOVEMENTS):
        yield (
            f"payout {row['payout_id']} is {row['status']}, but its entries are"
            f" {row['h_kind'] or 'no hold'} ({row['h_available']}, {row['h_held']}) and"
            f" {row['e_kind'] or 'no end'} ({row['e_available']}, {row['e_held']})"
        )


def _proofs_of_payment(tx: Tx) -> Iterator[str]:
    """A completed Lightning payout carries the preimage of its payment hash."""
    sql = (
        "SELECT payout_id, payment_hash, preimage FROM payouts"
        " WHERE preimage IS NOT NULL ORDER BY id"
    )
    for row in tx.each(sql):
        if hashlib.sha256(row["preimage"]).digest() != row["payment_hash"]:
            yield f"payout {row['payout_id']}: the preimage does not fit the payment hash"


def _cards(tx: Tx) -> Iterator[str]:
    """No payout has a counter above its card's; a spent tap can never come again."""
    sql = """
        SELECT c.card_id, c.last_counter, max(p.counter) AS spent FROM cards c
        JOIN payouts p ON p.boltcard_id = c.card_id AND p.key_version = c.key_version
        GROUP BY c.card_id HAVING spent > c.last_counter
    """
    for row in tx.each(sql):
        yield (
            f"card {row['card_id']}: last counter {row['last_counter']},"
            f" but counter {row['spent']} was spent"
        )


def _sales(tx: Tx) -> Iterator[str]:
    """A sale settled here is approved and points at its payout, and the other way round."""
    sql = """
        SELECT p.payout_id, p.sale_id, s.state FROM payouts p
        LEFT JOIN sales s ON s.sale_id = p.sale_id
        WHERE p.route = 'internal' AND (s.state IS NOT 'approved'
            OR s.payout_id IS NOT p.payout_id OR s.amount_msat <> p.amount
            OR p.status <> 'Completed')
        UNION ALL
        SELECT s.payout_id, s.sale_id, s.state FROM sales s
        LEFT JOIN payouts p ON p.payout_id = s.payout_id
        WHERE s.payout_id IS NOT NULL AND p.sale_id IS NOT s.sale_id
    """
    for row in tx.each(sql):
        yield f"sale {row['sale_id']} is {row['state']} and payout {row['payout_id']} differs"


def _references(tx: Tx) -> Iterator[str]:
    """Every row that another one names is there."""
    for row in tx.each("PRAGMA foreign_key_check"):
        yield f"{row[0]}: row {row[1]} names a row of {row[2]} that is not there"


PROOFS: Final[tuple[Callable[[Tx], Iterator[str]], ...]] = (
    book_sums.accounts,
    _movements,
    _proofs_of_payment,
    book_sums.per_card,
    book_sums.days,
    book_rollups.rollups,
    _cards,
    _sales,
    book_topups.top_ups,
    book_topups.refunds,
    book_sales.other_sales,
    book_tills.lines,
    z_reports.problems,
    book_history.history,
    audit.problems,
    _references,
)
