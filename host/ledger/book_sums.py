"""The sums of the books, computed again from single rows: balances, usage, windows, days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from host.ledger.records import PayoutStatus
from host.store.tx import Row, Tx

_COUNTS: Final = frozenset({PayoutStatus.PENDING, PayoutStatus.PROCESSING, PayoutStatus.COMPLETED})
"""Statuses that count as spent: paid, or on the way."""


def accounts(tx: Tx) -> Iterator[str]:
    """What an account has free, held and paid is what its entries say."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for account, kind, available, held in tx.each(
        "SELECT pull_payment_id, kind, available_msat, held_msat FROM entries"
    ):
        one = sums[account]
        one[0] += available
        one[1] += held
        if kind == "settle":
            one[2] -= available + held
    for row in tx.each(
        "SELECT pull_payment_id, balance_msat, held_msat, paid_msat FROM pull_payments"
    ):
        account, *kept = row
        for name, is_kept, is_right in zip(
            ("free", "held", "paid"), kept, sums[account], strict=True
        ):
            if is_kept != is_right:
                yield f"account {account}: {name} {is_kept} msat, its entries say {is_right}"


_BY_CARD: Final = """
    SELECT boltcard_id, created_at, status, amount, before_msat, before_count
    FROM payouts ORDER BY boltcard_id, created_at, id
"""

_CARDS: Final = """
    SELECT c.card_id, c.spent_msat, c.spent_count, c.newest_at, c.alias, c.store_id,
        u.total_payouts, u.total_amount, u.first_used, u.last_used, u.alias AS used_alias,
        u.store_id AS used_store
    FROM cards c LEFT JOIN boltcard_usage u ON u.boltcard_id = c.card_id ORDER BY c.card_id
"""


def per_card(tx: Tx) -> Iterator[str]:
    """Usage counts real outcomes; what was spent before each payout adds up (`windows`)."""
    payouts = groupby(tx.each(_BY_CARD), key=itemgetter(0))
    card_id, rows = next(payouts, (None, iter(())))
    for card in tx.each(_CARDS):
        mine: Iterator[Row] = iter(())
        if card_id == card["card_id"]:
            mine = rows
        sums = _Sums()
        yield from sums.add(card["card_id"], mine)
        yield from sums.compare(card)
        if card_id == card["card_id"]:
            card_id, rows = next(payouts, (None, iter(())))


class _Sums:
    """What one card's payouts come to."""

    def __init__(self) -> None:
        self.spent = [0, 0]
        self.used = [0, 0]
        self.first_used: int | None = None
        self.last_used: int | None = None
        self.newest_at = 0

    def add(self, card_id: str, rows: Iterator[Row]) -> Iterator[str]:
        """Add payouts in the order of time, and check what each says was spent before it."""
        for _, created_at, status, amount, before_msat, before_count in rows:
            if [before_msat, before_count] != self.spent:
                yield (
                    f"card {card_id}: before its payout of {created_at} it had spent"
                    f" {self.spent[0]} msat in {self.spent[1]},"
                    f" the payout says {before_msat} in {before_count}"
                )
                self.spent = [before_msat, before_count]
            self.newest_at = created_at
            if status in _COUNTS:
                self.spent[0] += amount
                self.spent[1] += 1
            if status == PayoutStatus.COMPLETED:
                self.used[0] += 1
                self.used[1] += amount
                self.first_used = created_at if self.first_used is None else self.first_used
                self.last_used = created_at

    def compare(self, card: Row) -> Iterator[str]:
        """What the card's own row and its usage say."""
        name = f"card {card['card_id']}"
        if [card["spent_msat"], card["spent_count"]] != self.spent:
            yield (
                f"{name}: spent {card['spent_msat']} msat in {card['spent_count']},"
                f" its payouts say {self.spent[0]} in {self.spent[1]}"
            )
        if card["newest_at"] < self.newest_at:
            yield f"{name}: newest payout at {card['newest_at']}, but one is of {self.newest_at}"
        kept = [card["total_payouts"] or 0, card["total_amount"] or 0]
        if kept != self.used:
            yield (
                f"usage of {name}: {kept[0]} payouts of {kept[1]} msat,"
                f" its payouts say {self.used[0]} of {self.used[1]}"
            )
        if (card["first_used"], card["last_used"]) != (self.first_used, self.last_used):
            yield f"usage of {name}: first or last use is not that of its payouts"
        if card["total_payouts"] is not None and (card["used_alias"], card["used_store"]) != (
            card["alias"],
            card["store_id"],
        ):
            yield f"usage of {name}: alias or store is not that of the card"


_BY_DAY: Final = """
    SELECT store_id, day, boltcard_id, status, amount FROM payouts ORDER BY store_id, day, id
"""

_DAYS: Final = """
    SELECT store_id, day, boltcard_id, status, payouts, amount FROM daily_totals
    WHERE payouts <> 0 OR amount <> 0 ORDER BY store_id, day
"""


def days(tx: Tx) -> Iterator[str]:
    """The totals of each day, card and status are those of the payouts: one day at a time."""
    of_day = itemgetter(0, 1)
    counted = _by_day(tx.each(_BY_DAY), of_day, _count)
    kept = _by_day(tx.each(_DAYS), of_day, _keep)
    right, told = next(counted, None), next(kept, None)
    while right is not None or told is not None:
        day = min(one[0] for one in (right, told) if one is not None)
        is_right = right[1] if right is not None and right[0] == day else {}
        is_kept = told[1] if told is not None and told[0] == day else {}
        for key in sorted(is_right.keys() | is_kept.keys()):
            if is_right.get(key) != is_kept.get(key):
                yield (
                    f"daily total {' '.join((*day, *key))}:"
                    f" {_words(is_kept.get(key))}, the payouts say {_words(is_right.get(key))}"
                )
        if right is not None and right[0] == day:
            right = next(counted, None)
        if told is not None and told[0] == day:
            told = next(kept, None)


_Day = tuple[str, str]
_Totals = dict[tuple[str, str], tuple[int, int]]


def _by_day(rows: Iterator[Row], of_day: Any, gather: Any) -> Iterator[tuple[_Day, _Totals]]:
    for day, group in groupby(rows, key=of_day):
        yield day, gather(group)


def _count(rows: Iterator[Row]) -> _Totals:
    totals: _Totals = {}
    for _, _, card_id, status, amount in rows:
        payouts, msat = totals.get((card_id, status), (0, 0))
        totals[card_id, status] = (payouts + 1, msat + amount)
    return totals


def _keep(rows: Iterator[Row]) -> _Totals:
    return {(card_id, status): (payouts, msat) for _, _, card_id, status, payouts, msat in rows}


def _words(total: tuple[int, int] | None) -> str:
    return f"{total[0]} payouts of {total[1]} msat" if total else "none"
