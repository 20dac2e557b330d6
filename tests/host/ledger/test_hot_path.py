"""What a claim costs does not grow: the same few statements, and none that looks at every row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from host.clock import ManualClock
from host.ledger import claims, payouts, sales, taps, views
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import PayoutStatus
from host.ledger.views import Filter
from host.store.tx import Tx
from tests.support.books import Shop, made, preimage_of
from tests.support.ledger import STORE, TERMINAL, fill

AMOUNT = 1_000

FEW = ("CONSTANT", "VALUES CLAUSE", "(subquery", "payouts_pending", "sales_unknown")
"""What may be gone through: values at hand, a capped list, and indexes of what is unresolved."""


class Watch:
    """Remembers every statement, and how SQLite would go about it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self.plans: dict[str, list[str]] = {}
        execute = Tx._execute

        def watched(tx: Tx, sql: str, params: object) -> object:
            self.statements.append(sql)
            if sql not in self.plans and not sql.startswith(("EXPLAIN", "PRAGMA")):
                plan = tx._conn.execute(f"EXPLAIN QUERY PLAN {sql}", params or {})  # type: ignore[arg-type]
                self.plans[sql] = [row["detail"] for row in plan]
            return execute(tx, sql, params)  # type: ignore[arg-type]

        monkeypatch.setattr(Tx, "_execute", watched)

    def scans(self, *small: str) -> list[str]:
        """Steps that look at a whole table or sort, except of the tables that stay small."""
        return [
            f"{detail}: {' '.join(sql.split())}"
            for sql, plan in self.plans.items()
            for detail in plan
            if "TEMP B-TREE" in detail
            or (detail.startswith("SCAN") and not any(word in detail for word in (*FEW, *small)))
        ]


def test_a_claim_runs_a_handful_of_statements_and_no_scan(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill(here.db, 20, 400)
    sale = sales.open(here.db, STORE, AMOUNT, terminal_id=TERMINAL)
    watch = Watch(monkeypatch)
    request = ClaimRequest(filled.tap(3), AMOUNT, Source.TILL, sale_id=sale.sale_id)  # type: ignore[union-attr]
    assert isinstance(claims.claim(here.db, request), Claimed)
    assert len(watch.statements) <= 14
    assert watch.scans() == []


def test_nothing_in_the_life_of_a_payment_scans(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = here.card()
    watch = Watch(monkeypatch)
    for counter, end in enumerate((payouts.fail, payouts.postpone, None), start=1):
        payout = made(here.offer(card, counter, AMOUNT))
        if end is None:
            payouts.cancel(here.db, payout.payout_id, "x")
            continue
        payouts.take(here.db, 5)
        payouts.due(here.db)
        end(here.db, payout.payout_id, "x")
        payouts.settle(here.db, payout.payout_id, preimage_of(payout))
    sales.unfinished(here.db)
    sales.expire_due(here.db)
    # Every terminal is asked for its newest sale; of the audit trail the last line alone is read.
    assert watch.scans("SCAN t", "SCAN audit") == []


@pytest.mark.parametrize(
    "look",
    [
        lambda here: views.recent_payouts(here.db, STORE),
        lambda here: views.recent_payouts(here.db, STORE, before="x"),
        lambda here: views.recent_payouts(here.db, STORE, only=Filter(card_id="1" * 32)),
        lambda here: views.recent_payouts(here.db, STORE, only=Filter(since_day="2020-01-01")),
        lambda here: views.recent_payouts(
            here.db, STORE, only=Filter(status=PayoutStatus.FAILED, until_day="2030-01-01")
        ),
        lambda here: views.count_payouts(here.db, STORE),
        lambda here: views.totals(here.db, STORE, "2020-01-01", "2030-01-01"),
        lambda here: sales.recent(here.db, TERMINAL),
    ],
)
def test_no_screen_scans_nor_sorts_payouts(
    here: Shop, monkeypatch: pytest.MonkeyPatch, look: Callable[[Shop], object]
) -> None:
    watch = Watch(monkeypatch)
    look(here)
    scans = [scan for scan in watch.scans() if "daily_totals" not in scan]
    assert scans == []


def test_reading_a_tap_takes_one_statement(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    taps._card(here.db, taps.Uid.parse("04000000000180"))
    assert len(watch.statements) == 1
    assert watch.scans() == []
    assert isinstance(here.clock, ManualClock)
