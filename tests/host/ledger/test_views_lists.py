"""Lists and sums are found by an index, in its order: nothing is sorted, and no table is walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from host.clock import ManualClock
from host.ledger import books, views_payouts, views_totals
from host.ledger.records import PayoutStatus
from host.ledger.views_payouts import PayoutList
from host.ledger.views_totals import Range
from host.store.engine import Engine
from host.store.tx import Row, Tx
from tests.support.ledger import STORE, fill

T = TypeVar("T")
CARDS = (f"{1:032x}", f"{2:032x}")


class Spy:
    """A ledger that remembers how each statement of its readers is carried out."""

    def __init__(self, db: Engine) -> None:
        self._db = db
        self.plans: list[str] = []

    def read(self, fn: Callable[[Tx], T]) -> T:
        return self._db.read(lambda tx: fn(_Watched(tx, self.plans)))  # type: ignore[arg-type]

    def transaction(self, fn: Callable[[Tx], T]) -> T:
        raise AssertionError("a reader writes nothing")

    def one(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None:
        return self.read(lambda tx: tx.one(sql, params))

    @property
    def now(self) -> int:
        return self._db.now


class _Watched:
    def __init__(self, tx: Tx, plans: list[str]) -> None:
        self._tx = tx
        self._plans = plans

    def all(self, sql: str, params: Mapping[str, Any]) -> list[Row]:
        self._plans += [row["detail"] for row in self._tx.all(f"EXPLAIN QUERY PLAN {sql}", params)]
        return self._tx.all(sql, params)

    def one(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None:
        rows = self.all(sql, params or {})
        return rows[0] if rows else None


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(tmp_path / "ledger.db", ManualClock()) as db:
        fill(db, 5, 2_000, days=40)
        yield db


LISTS = [
    PayoutList(STORE, "2023-01-01", "2024-01-01"),
    PayoutList(STORE, "2023-01-01", "2024-01-01", PayoutStatus.COMPLETED),
    PayoutList(STORE, "2023-01-01", "2024-01-01", PayoutStatus.FAILED),
    PayoutList(STORE, "2023-01-01", "2024-01-01", cards=CARDS),
    PayoutList(STORE, "2023-01-01", "2024-01-01", PayoutStatus.FAILED, CARDS),
]


@pytest.mark.parametrize("which", LISTS)
def test_no_list_sorts_or_walks_through_payouts(db: Engine, which: PayoutList) -> None:
    spy = Spy(db)
    mark = views_payouts.page(db, LISTS[0], limit=900)[-1].payout_id
    views_payouts.page(spy, which)
    views_payouts.page(spy, which, before=mark)
    views_payouts.count(spy, which)
    assert next(views_payouts.batches(spy, which, size=10), None) is not None or which.status
    assert spy.plans
    for plan in spy.plans:
        assert not plan.startswith("SCAN payouts"), plan
        assert not plan.startswith("SCAN p"), plan
    lists = [plan for plan in spy.plans if "payouts_" in plan]
    assert lists
    if which.cards is None:
        assert not any("TEMP B-TREE" in plan for plan in spy.plans), spy.plans


def test_pages_in_a_row_are_the_whole_list_once(db: Engine) -> None:
    for which in LISTS[:2]:
        seen: list[int] = []
        before = None
        while found := views_payouts.page(db, which, before=before, limit=77):
            seen += [one.id for one in found]
            before = found[-1].payout_id
        assert seen == list(range(2_000, 0, -1))
        rows = [row["id"] for rows in views_payouts.batches(db, which, size=333) for row in rows]
        assert rows == list(range(1, 2_001))


def test_pages_of_cards_are_in_the_order_of_time(db: Engine) -> None:
    seen: list[int] = []
    before = None
    while found := views_payouts.page(db, LISTS[3], before=before, limit=33):
        seen += [one.id for one in found]
        before = found[-1].payout_id
    assert seen == [n for n in range(2_000, 0, -1) if (n - 1) % 5 in (0, 1)]
    assert views_payouts.count(db, LISTS[3]) == len(seen)


def test_a_mark_of_another_store_or_of_none_begins_nothing(db: Engine) -> None:
    newest = views_payouts.page(db, LISTS[0], limit=1)[0].payout_id
    elsewhere = PayoutList("elsewhere", "2023-01-01", "2024-01-01")
    assert views_payouts.page(db, elsewhere, before=newest) == []
    assert views_payouts.page(db, LISTS[0], before="none") == []


def test_sums_seek_in_the_daily_totals_and_agree_with_the_lists(db: Engine) -> None:
    spy = Spy(db)
    for cards in (None, CARDS):
        which = Range(STORE, "2023-01-01", "2024-01-01", cards)
        days = views_totals.by_day(spy, which)
        top = views_totals.top_cards(spy, which)
        count = views_payouts.count(db, PayoutList(STORE, "2023-01-01", "2024-01-01", cards=cards))
        assert sum(one.payouts for one in days) == sum(one.payouts for one in top) == count
        assert views_totals.active_cards(spy, which) == len(top) == (2 if cards else 5)
    assert not any(plan.startswith("SCAN daily_totals") for plan in spy.plans), spy.plans


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-01-01", "2026-01-31"),
        ("2026-01-01", "2026-03-02"),
        ("2026-01-02", "2026-01-31"),
        ("2026-01-15", "2026-03-15"),
        ("2026-01-31", "2026-03-01"),
        ("2026-02-01", "2026-02-28"),
        ("2026-02-10", "2026-02-20"),
        ("2025-12-31", "2026-03-31"),
    ],
)
def test_whole_months_and_the_days_around_them_are_the_days_of_the_range(
    tmp_path: Path, since: str, until: str
) -> None:
    clock = ManualClock(1_772_460_451_000)  # 2026-03-02T14:07:31Z
    with Engine.open(tmp_path / "ledger.db", clock) as db:
        fill(db, 7, 3_000, days=75)
        which = Range(STORE, since, until)
        sql = (
            "SELECT boltcard_id, sum(payouts), sum(amount) AS paid FROM daily_totals"
            " WHERE store_id = :store AND day BETWEEN :since AND :until"
            " GROUP BY boltcard_id ORDER BY paid DESC, boltcard_id"
        )
        params = {"store": STORE, "since": since, "until": until}
        right = [tuple(row) for row in db.read(lambda tx: tx.all(sql, params))]
        top = views_totals.top_cards(db, which, limit=-1)
        assert [(one.boltcard_id, one.payouts, one.amount_msat) for one in top] == right
        assert views_totals.active_cards(db, which) == len(right)
        assert sum(one.payouts for one in views_totals.by_day(db, which)) == sum(
            row[1] for row in right
        )
        assert books.check(db).ok
