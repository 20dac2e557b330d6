"""X and Z reports: what they say, and that nobody changes it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from host.clock import HOUR, MINUTE, SECOND, ManualClock
from host.ledger import audit, books, payouts, rates, sales, stores, z_reports
from host.ledger.errors import NotAllowed, NotFound
from host.ledger.rates import Rate
from host.ledger.records import SaleState
from host.ledger.z_reports import ZReport
from host.money import MSAT_PER_SAT
from host.store.errors import StoreError
from host.store.sqlite import connect
from tests.support.books import STORE, Shop, made, preimage_of, shop
from tests.support.tills import Tills

MADRID = ZoneInfo("Europe/Madrid")


@pytest.fixture
def tills(here: Shop) -> Tills:
    return Tills(here)


def ledger_msat(tills: Tills) -> int:
    """What the ledger's entries come to: what left the account for sales, less what went back."""
    row = tills.here.db.one(
        "SELECT -sum(available_msat) FROM entries WHERE kind IN ('hold', 'release', 'refund')"
    )
    assert row is not None
    return int(row[0])


def test_a_report_says_who_took_what_by_which_method(tills: Tills) -> None:
    tills.pay(1_000, "till-1", "Ann", tip_sat=100)
    tills.abroad(500, "till-1", "Ben")
    tills.give_back(tills.pay(300, "till-1", "Ann"), 50)
    tills.paid_twice(70, "till-1")
    sales.cancel(tills.here.db, tills.arm(9, "till-1").sale_id)
    body = z_reports.interim(tills.here.db, STORE, "till-1")
    assert body["total"] == {
        "sales": 4,
        "gross_msat": 1_870_000,
        "tips_msat": 100_000,
        "refunds": 1,
        "refunds_msat": 50_000,
        "net_msat": 1_820_000,
    }
    methods = {one["method"]: (one["sales"], one["net_msat"]) for one in body["methods"]}
    assert methods == {"card": (3, 1_320_000), "foreign": (1, 500_000)}
    names = {one["name"]: one["net_msat"] for one in body["people"]}
    assert names == {"Ann": 1_370_000, "Ben": 500_000, "Mona": -50_000}
    assert body["late"] == {"count": 1, "amount_msat": 70_000}
    assert (body["declined"], body["cancelled"]) == (1, 1)
    assert body["open"] == []


def test_fiat_is_summed_at_the_rate_of_each_sale_as_its_receipt_rounds_it(tills: Tills) -> None:
    db = tills.here.db
    stores.set_currency(db, STORE, "EUR")
    for rate, amount in (("50000.00", 1_111), ("100000.00", 1_111)):
        rates.put(db, Rate("EUR", rate, "test", db.now))
        sale = tills.pay(amount, "till-1")
    tills.give_back(sale, 1_000)
    body = z_reports.interim(db, STORE, "till-1")
    assert body["currencies"] == [
        {
            "currency": "EUR",
            "sales": 2,
            "gross": "1.67",  # 0.5555 and 1.111, each rounded
            "tips": "0.00",
            "refunds": "1.00",
            "net": "0.67",
        }
    ]


def test_what_is_still_being_checked_is_named_and_comes_into_the_next_report(tills: Tills) -> None:
    db = tills.here.db
    sale = tills.arm(40, "till-1")
    payment_hash = tills.hand_over(sale)
    sales.move(db, sale.sale_id, SaleState.CHECKING)
    first = z_reports.close(db, STORE, "till-1")
    assert first.body["total"]["sales"] == 0
    assert [one["sale_id"] for one in first.body["open"]] == [sale.sale_id]
    tills.settle(payment_hash)
    second = z_reports.close(db, STORE, "till-1")
    assert (second.number, second.body["total"]["net_msat"]) == (2, 40_000)
    assert second.body["open"] == []


def test_a_clock_that_was_set_back_loses_nothing_and_counts_nothing_twice(tills: Tills) -> None:
    db = tills.here.db
    tills.pay(10, "till-1")
    first = z_reports.close(db, STORE, "till-1")
    tills.here.clock.advance(-3 * HOUR)
    tills.pay(20, "till-1")
    second = z_reports.close(db, STORE, "till-1")
    tills.here.clock.advance(2 * HOUR)
    tills.pay(30, "till-1")
    third = z_reports.close(db, STORE, "till-1")
    taken = [one.body["total"]["net_msat"] for one in (first, second, third)]
    assert taken == [10_000, 20_000, 30_000]
    assert second.span.until_at < second.span.from_at == first.span.until_at  # type: ignore[operator]


def test_fees_and_cash_for_top_ups_have_lines_of_their_own(tills: Tills) -> None:
    here = tills.here
    tills.top_up(100)
    tills.start("till-2", "Mona")
    tills.top_up(200)
    sent = made(here.offer(tills.card, 5, 30_000, max_fee_msat=2_000))
    payouts.take(here.db, 1)
    assert payouts.settle(here.db, sent.payout_id, preimage_of(sent), 2_500)
    whole, second = (z_reports.interim(here.db, STORE, row) for row in (None, "till-2"))
    assert whole["top_ups"] == {"count": 2, "amount_msat": 300_000}
    assert second["top_ups"] == {"count": 1, "amount_msat": 200_000}
    assert whole["fees"] == {"count": 1, "amount_msat": 500}  # the card bore 2 000
    assert whole["total"]["gross_msat"] == 0


def test_numbers_go_on_without_a_gap_in_a_row_of_each_terminal_and_of_the_store(
    tills: Tills,
) -> None:
    made_in_order = [
        z_reports.close(tills.here.db, STORE, row)
        for row in ("till-1", "till-1", None, "till-2", "till-1", None)
    ]
    assert [one.number for one in made_in_order] == [1, 2, 1, 1, 3, 2]
    assert [one.report_id for one in z_reports.recent(tills.here.db, STORE)] == [
        one.report_id for one in reversed(made_in_order)
    ]
    page = z_reports.recent(tills.here.db, STORE, before=made_in_order[3].report_id, limit=2)
    assert [one.report_id for one in page] == [
        made_in_order[2].report_id,
        made_in_order[1].report_id,
    ]


def test_a_report_carries_the_head_of_the_audit_trail(tills: Tills) -> None:
    before = audit.head(tills.here.db)
    report = z_reports.close(tills.here.db, STORE)
    assert report.body["audit"] == {"rows": before[0], "hash": before[1]}
    newest = audit.recent(tills.here.db, limit=1)[0]
    assert (newest.action, newest.subject) == ("report.close", report.report_id)
    assert newest.data["hash"] == report.hash.hex()


def test_only_those_who_may_close_the_till_make_z_reports(tills: Tills) -> None:
    db = tills.here.db
    with pytest.raises(NotAllowed):
        z_reports.close(db, STORE, "till-1", tills.person("Ann"))
    stores.create(db, "Other", store_id="other")
    with pytest.raises(NotAllowed):
        z_reports.close(db, "other", None, tills.person("Mona"))
    with pytest.raises(NotFound):
        z_reports.close(db, STORE, "nowhere")
    assert z_reports.close(db, STORE, "till-1", tills.person("Mona")).number == 1


def test_stores_do_not_see_each_other(tills: Tills) -> None:
    db = tills.here.db
    tills.pay(10, "till-1")
    stores.create(db, "Other", store_id="other")
    z_reports.close(db, STORE)
    assert z_reports.recent(db, "other") == []
    assert z_reports.close(db, "other").body["total"]["sales"] == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE z_reports SET number = 7",
        "DELETE FROM z_reports",
        "UPDATE till_lines SET amount_msat = 1",
        "DELETE FROM till_lines",
        "UPDATE sales SET settled_at = settled_at + 1",
        "UPDATE sales SET tip_msat = 1000",
    ],
)
def test_what_was_reported_is_never_changed(tills: Tills, sql: str) -> None:
    tills.pay(10, "till-1")
    z_reports.close(tills.here.db, STORE)
    with pytest.raises(StoreError):
        tills.here.db.transaction(lambda tx: tx.run(sql))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE z_reports SET body = replace(body, '10000', '20000') WHERE number = 1", "changed"),
        ("UPDATE z_reports SET until_at = 5 WHERE number = 2", "changed"),
        ("DELETE FROM z_reports WHERE number = 1", "does not take up"),
        ("UPDATE till_lines SET amount_msat = 11000 WHERE line_id = 1", "come to something else"),
        ("DELETE FROM till_lines WHERE line_id = 1", "is told to the tills as None"),
        ("UPDATE till_lines SET kind = 'refund', method = NULL", "stand for nothing"),
    ],
)
def test_the_books_find_what_somebody_changed_behind_the_schema(
    broken: Shop, sql: str, words: str
) -> None:
    tills = Tills(broken)
    tills.pay(10, "till-1")
    for _ in range(2):
        z_reports.close(broken.db, STORE)
    conn = connect(broken.db.path, "rw")
    for table in ("z_reports", "till_lines"):
        for what in ("stay", "remain"):
            conn.execute(f"DROP TRIGGER {table}_{what}")
    conn.execute(sql)
    conn.close()
    assert any(words in problem for problem in books.check(broken.db).problems)


def test_a_report_made_while_sales_are_paid_leaves_every_one_in_exactly_one(tills: Tills) -> None:
    """Two threads: one pays, one makes reports as fast as it can."""
    db, closed, over = tills.here.db, list[ZReport](), threading.Event()

    def close() -> None:
        while not over.is_set():
            closed.append(z_reports.close(db, STORE, "till-1"))

    thread = threading.Thread(target=close)
    thread.start()
    try:
        for amount in range(1, 41):
            tills.pay(amount, "till-1")
    finally:
        over.set()
        thread.join(10)
    closed.append(z_reports.close(db, STORE, "till-1"))
    assert sum(one.body["total"]["net_msat"] for one in closed) == ledger_msat(tills)
    subjects = [
        line.subject
        for one in closed
        for line in db.read(lambda tx, one=one: list(z_reports.lines(tx, one)))  # type: ignore[misc]
    ]
    assert len(subjects) == len(set(subjects)) == 40


CHANGES = {
    "clocks go forward": ("2026-03-28 20:00", "2026-03-30 06:00"),
    "clocks go back": ("2026-10-24 20:00", "2026-10-26 06:00"),
}


@pytest.fixture(params=list(CHANGES))
def madrid(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Tills, str]]:
    """A bar in Madrid whose day ends at 04:00, on the evening before the clocks change."""
    start = datetime.fromisoformat(CHANGES[request.param][0]).replace(tzinfo=MADRID)
    with shop(tmp_path, ManualClock(int(start.timestamp() * 1000))) as here:
        place = "timezone = 'Europe/Madrid', cutoff_hour = 4"
        here.db.transaction(lambda tx: tx.run(f"UPDATE stores SET {place}"))  # noqa: S608
        yield Tills(here), request.param
        here.clean()


def business_day(at: int) -> str:
    """By the wall clock alone, another way than the ledger's: the day changes at 04:00."""
    wall = datetime.fromtimestamp(at / 1000, MADRID)
    return (wall.date() - timedelta(days=wall.hour < 4)).isoformat()


def test_days_across_a_change_of_the_clocks_add_up_to_the_ledger(
    madrid: tuple[Tills, str],
) -> None:
    tills, change = madrid
    clock = tills.here.clock
    end = int(datetime.fromisoformat(CHANGES[change][1]).replace(tzinfo=MADRID).timestamp() * 1000)
    hours = 33 if change == "clocks go forward" else 35
    assert end - clock.now() == hours * HOUR
    by_hand: dict[str, int] = {}
    reports, amount = [], 0
    while clock.now() < end:
        amount += 1
        sale = tills.pay(amount, "till-1", tip_sat=amount // 7)
        if amount % 5 == 0:
            tills.give_back(sale, 1)
        day = business_day(clock.now())
        by_hand[day] = by_hand.get(day, 0) + (amount - (amount % 5 == 0)) * MSAT_PER_SAT
        clock.advance(20 * MINUTE + 7 * SECOND)
        if amount % 10 == 0:
            reports.append(z_reports.close(tills.here.db, STORE, "till-1"))
    reports.append(z_reports.close(tills.here.db, STORE, "till-1"))
    whole = z_reports.interim(tills.here.db, STORE)
    assert sum(one.body["total"]["net_msat"] for one in reports) == ledger_msat(tills)
    assert whole["total"]["net_msat"] == ledger_msat(tills)
    assert {one["day"]: one["net_msat"] for one in whole["days"]} == by_hand
    assert len(by_hand) == 3
    offsets = {one.body["until"]["offset"] for one in reports}
    assert offsets == {"+0100", "+0200"}
