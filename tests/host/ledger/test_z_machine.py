"""Whatever happens at tills, by any clock: each millisatoshi is in exactly one report."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from host.clock import DAY, HOUR, ManualClock
from host.ledger import books, sales, shifts, z_reports
from host.ledger.records import Sale, SaleState
from host.ledger.refunds import refunded_msat
from host.ledger.till_report import Body
from host.money import MSAT_PER_SAT
from tests.support.books import STORE, shop
from tests.support.tills import TILLS, Tills

AMOUNTS = st.integers(2, 50)
TILL = st.sampled_from(TILLS)
NAME = st.sampled_from(["Ann", "Ben"])
Row = str | None
"""A row of Z reports: a terminal's, or None for the store's."""


def taken(body: Body) -> Counter[str]:
    """The money of a report, by what it is."""
    total = body["total"]
    return Counter(
        {
            "gross": total["gross_msat"],
            "tips": total["tips_msat"],
            "refunds": total["refunds_msat"],
            "late": body["late"]["amount_msat"],
            "top_ups": body["top_ups"]["amount_msat"],
        }
    )


class Reports(RuleBasedStateMachine):
    """Two tills; what was taken at each is counted here by hand, and by the reports."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()

    @initialize()
    def open(self) -> None:
        folder = self.exits.enter_context(tempfile.TemporaryDirectory())
        self.clock = ManualClock()
        self.tills = Tills(self.exits.enter_context(shop(Path(folder), self.clock)))
        self.db = self.tills.here.db
        self.taken: dict[Row, Counter[str]] = {row: Counter() for row in (*TILLS, None)}
        self.told: dict[Row, Counter[str]] = {row: Counter() for row in (*TILLS, None)}
        self.paid: list[Sale] = []
        self.handed: dict[str, bytes] = {}

    def teardown(self) -> None:
        self.exits.close()

    def note(self, till: Row, **amounts: int) -> None:
        sats = {name: amount * MSAT_PER_SAT for name, amount in amounts.items()}
        for row in {till, None}:
            self.taken[row].update(sats)

    def free(self, till: str) -> bool:
        """Whether a new sale may begin there."""
        return till not in self.handed

    @rule(amount=AMOUNTS, tip=st.integers(0, 1), till=TILL, name=NAME)
    def pay(self, amount: int, tip: int, till: str, name: str) -> None:
        if self.free(till):
            self.paid.append(self.tills.pay(amount, till, name, tip))
            self.note(till, gross=amount, tips=tip)

    @rule(amount=AMOUNTS, till=TILL, name=NAME)
    def hand_over(self, amount: int, till: str, name: str) -> None:
        if self.free(till):
            sale = self.tills.arm(amount, till, name)
            self.handed[till] = self.tills.hand_over(sale)
            sales.move(self.db, sale.sale_id, SaleState.CHECKING)

    @precondition(lambda self: self.handed)
    @rule(data=st.data())
    def comes_at_last(self, data: Any) -> None:
        till = data.draw(st.sampled_from(sorted(self.handed)))
        sale = sales.latest(self.db, till)
        self.tills.settle(self.handed.pop(till))
        assert sale is not None
        self.note(till, gross=sale.amount_msat // MSAT_PER_SAT)

    @rule(amount=AMOUNTS, till=TILL)
    def paid_twice(self, amount: int, till: str) -> None:
        if self.free(till):
            self.paid.append(self.tills.paid_twice(amount, till))
            self.note(till, gross=amount, late=amount)

    @precondition(lambda self: self.paid)
    @rule(data=st.data(), amount=st.integers(1, 9))
    def refund(self, data: Any, amount: int) -> None:
        sale = self.tills.now(data.draw(st.sampled_from(self.paid)))
        amount = min(amount, (sale.amount_msat - refunded_msat(sale)) // MSAT_PER_SAT)
        if amount:
            self.tills.give_back(sale, amount)
            self.note(sale.terminal_id, refunds=amount)

    @rule(amount=AMOUNTS, name=st.sampled_from(["Mona"]))
    def top_up(self, amount: int, name: str) -> None:
        self.tills.top_up(amount, name)
        who = self.tills.person(name).person_id
        open_now = [s for s in shifts.recent(self.db, STORE, person_id=who) if s.open]
        self.note(open_now[0].terminal_id if open_now else None, top_ups=amount)

    @rule(amount=AMOUNTS, till=TILL)
    def give_up(self, amount: int, till: str) -> None:
        if self.free(till):
            sales.cancel(self.db, self.tills.arm(amount, till).sale_id)

    @rule(till=TILL, name=st.sampled_from(["Ann", "Ben", "Mona"]))
    def shift(self, till: str, name: str) -> None:
        who = self.tills.person(name)
        open_now = shifts.current(self.db, till, who.person_id)
        if open_now is None:
            shifts.start(self.db, till, who)
        else:
            shifts.finish(self.db, open_now.shift_id, who)

    @rule(row=st.sampled_from([*TILLS, None]))
    def close(self, row: Row) -> None:
        self.told[row].update(taken(z_reports.close(self.db, STORE, row).body))

    @rule(move=st.sampled_from([1, 60_000, HOUR, DAY, -HOUR, -2 * DAY]))
    def pass_time(self, move: int) -> None:
        self.clock.advance(move)

    @invariant()
    def all_z_and_the_x_are_what_was_taken(self) -> None:
        for row in self.taken:
            x = z_reports.interim(self.db, STORE, row)
            assert self.told[row] + taken(x) == +self.taken[row]
            parts = sum((one["net_msat"] for one in x["days"]), 0)
            assert parts == x["total"]["net_msat"]
            for name in ("methods", "people", "terminals"):
                assert sum(one["net_msat"] for one in x[name]) == parts

    @invariant()
    def the_books_are_clean(self) -> None:
        assert books.check(self.db).problems == []


TestReports = Reports.TestCase
TestReports.settings = settings(max_examples=15, stateful_step_count=35, deadline=None)
