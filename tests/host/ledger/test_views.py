"""What screens read: pages by key, sums that were kept, the guide's tables to the letter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.clock import DAY, HOUR
from host.ledger import payouts, stores, views
from host.ledger.days import business_day
from host.ledger.errors import NotFound
from host.ledger.records import Payout, PayoutStatus
from host.ledger.views import CardTotal, DayTotal, Filter
from host.money import btc_text, sats
from host.store.driver import sqlite3
from tests.support.books import STORE, Shop, made, preimage_of

TEN = sats(10)


def several(here: Shop, number: int) -> list[Payout]:
    """Payments of two cards in turn, half a day apart; newest first."""
    two = [here.card(), here.card()]
    found = []
    for n in range(number):
        here.clock.advance(DAY // 2)
        found.append(made(here.pay(two[n % 2], n + 1, sats(n + 1))))
    return found[::-1]


def test_payouts_come_in_pages_newest_first(here: Shop) -> None:
    everything = several(here, 7)
    pages, before = [], None
    while page := views.recent_payouts(here.db, STORE, before=before, limit=3):
        pages.append(page)
        before = page[-1].payout_id
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == everything
    assert views.recent_payouts(here.db, "elsewhere") == []
    assert views.recent_payouts(here.db, STORE, before="nothing") == []


def test_a_page_stays_whole_while_payments_come_in(here: Shop) -> None:
    everything = several(here, 4)
    first = views.recent_payouts(here.db, STORE, limit=2)
    made(here.pay(here.card(), 1, TEN))
    rest = views.recent_payouts(here.db, STORE, before=first[-1].payout_id)
    assert [*first, *rest] == everything


def test_lists_are_narrowed_by_status_card_and_day(here: Shop) -> None:
    everything = several(here, 6)
    failed = made(here.offer(here.card(), 1, TEN))
    payouts.take(here.db, 1)
    payouts.fail(here.db, failed.payout_id, "no route")
    cases = [
        (Filter(status=PayoutStatus.COMPLETED), everything),
        (Filter(card_id=everything[0].boltcard_id), everything[::2]),
        (
            Filter(since_day=everything[3].day, until_day=everything[2].day),
            [one for one in everything if everything[3].day <= one.day <= everything[2].day],
        ),
        (Filter(card_id=everything[0].boltcard_id, until_day="1999-01-01"), []),
    ]
    for only, expected in cases:
        assert views.recent_payouts(here.db, STORE, only=only) == expected
        assert views.count_payouts(here.db, STORE, only) == len(expected)
        listed = here.db.read(lambda tx, only=only: list(views.each_payout(tx, STORE, only)))
        assert listed == expected[::-1]
    (one,) = views.recent_payouts(here.db, STORE, only=Filter(status=PayoutStatus.FAILED))
    assert one.payout_id == failed.payout_id


def test_a_list_of_one_card_is_paged_by_key_too(here: Shop) -> None:
    everything = several(here, 8)
    only = Filter(card_id=everything[0].boltcard_id)
    first = views.recent_payouts(here.db, STORE, only=only, limit=2)
    rest = views.recent_payouts(here.db, STORE, only=only, before=first[-1].payout_id)
    assert [*first, *rest] == everything[::2]


def test_counts_stop_at_their_cap(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    several(here, 5)
    monkeypatch.setattr(views, "COUNT_CAP", 3)
    assert views.count_payouts(here.db, STORE) == 4


def test_totals_are_by_day_and_status(here: Shop) -> None:
    card = here.card()
    day = views.today(here.db, STORE)
    made(here.pay(card, 1, sats(3)))
    made(here.pay(card, 2, sats(4)))
    held = made(here.offer(card, 3, sats(5)))
    assert views.totals(here.db, STORE, day, day) == [
        DayTotal(day, PayoutStatus.COMPLETED, 2, sats(7)),
        DayTotal(day, PayoutStatus.PENDING, 1, sats(5)),
    ]
    here.clock.advance(DAY)
    payouts.take(here.db, 1)
    payouts.settle(here.db, held.payout_id, preimage_of(held))
    assert views.totals(here.db, STORE, day, views.today(here.db, STORE)) == [
        DayTotal(day, PayoutStatus.COMPLETED, 3, sats(12))
    ]


def test_the_cards_that_paid_most_come_first(here: Shop) -> None:
    one, two = here.card(alias="one"), here.card(alias="two")
    day = views.today(here.db, STORE)
    made(here.pay(one, 1, sats(3)))
    made(here.pay(two, 1, sats(4)))
    made(here.offer(one, 2, sats(90)))
    assert views.top_cards(here.db, STORE, day, day) == [
        CardTotal(two.card_id, "two", 1, sats(4)),
        CardTotal(one.card_id, "one", 1, sats(3)),
    ]
    assert [usage.alias for usage in views.usage(here.db, STORE)] == ["one", "two"]
    assert views.usage(here.db, "elsewhere") == []


def test_the_views_are_the_guides_tables_to_the_letter(here: Shop) -> None:
    payout = made(here.pay(here.card(alias="Bob"), 1, sats(123_45)))
    held = made(here.offer(here.card(), 1, sats(1)))
    row, second = here.db.read(lambda tx: tx.all("SELECT * FROM flash_payouts ORDER BY id"))
    assert row.keys() == [
        *("id", "payout_id", "pull_payment_id", "store_id", "amount", "currency", "status"),
        *("created_at", "completed_at", "boltcard_id", "boltcard_ntag", "recipient_address"),
        *("transaction_id", "error_message", "metadata"),
    ]
    assert row["amount"] == btc_text(payout.amount_msat) == "0.00012345"
    assert (row["currency"], row["status"]) == ("BTC", "Completed")
    assert row["created_at"] == row["completed_at"] == "2023-11-14 22:13:20"
    assert (second["payout_id"], second["completed_at"]) == (held.payout_id, None)
    assert second["recipient_address"] == held.recipient_address
    (usage,) = here.db.read(lambda tx: tx.all("SELECT * FROM flash_boltcard_usage"))
    assert usage.keys() == [
        *("boltcard_id", "alias", "total_payouts", "total_amount", "first_used", "last_used"),
        "store_id",
    ]
    assert tuple(usage)[1:] == (
        *("Bob", 1, "0.00012345", "2023-11-14 22:13:20", "2023-11-14 22:13:20", STORE),
    )


@given(st.integers(1, 21_000_000 * 100_000_000))
def test_btc_text_of_the_views_is_exact(amount_sat: int) -> None:
    conn = sqlite3.connect(":memory:")
    try:
        (text,) = conn.execute(
            "SELECT printf('%d.%08d', :a / 100000000000, :a / 1000 % 100000000)",
            {"a": sats(amount_sat)},
        ).fetchone()
    finally:
        conn.close()
    assert text == btc_text(sats(amount_sat))


@pytest.mark.parametrize(
    ("utc", "timezone", "cutoff", "day"),
    [
        ("2026-03-29T00:59:59", "Europe/Vienna", 2, "2026-03-28"),
        ("2026-03-29T01:00:00", "Europe/Vienna", 2, "2026-03-29"),
        ("2026-03-29T03:59:59", "Europe/Vienna", 6, "2026-03-28"),
        ("2026-03-29T04:00:00", "Europe/Vienna", 6, "2026-03-29"),
        ("2026-10-25T04:59:59", "Europe/Vienna", 6, "2026-10-24"),
        ("2026-10-25T05:00:00", "Europe/Vienna", 6, "2026-10-25"),
        ("2026-01-01T04:29:59", "Asia/Kolkata", 10, "2025-12-31"),
        ("2026-01-01T04:30:00", "Asia/Kolkata", 10, "2026-01-01"),
        ("2026-01-01T11:59:59", "Pacific/Auckland", 1, "2026-01-01"),
        ("2026-01-01T12:00:00", "Pacific/Auckland", 1, "2026-01-02"),
        ("2026-01-01T00:00:00", "UTC", 0, "2026-01-01"),
    ],
)
def test_a_business_day_begins_at_its_hour_on_the_wall_also_when_clocks_change(
    utc: str, timezone: str, cutoff: int, day: str
) -> None:
    at = int(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000)
    assert business_day(at, timezone, cutoff) == day


def test_a_change_of_time_zone_moves_no_money_between_days(here: Shop) -> None:
    held = made(here.offer(here.card(), 1, TEN))
    here.db.transaction(
        lambda tx: tx.run("UPDATE stores SET timezone = 'Pacific/Auckland', cutoff_hour = 5")
    )
    here.clock.advance(HOUR)
    payouts.take(here.db, 1)
    payouts.settle(here.db, held.payout_id, preimage_of(held))
    assert views.totals(here.db, STORE, held.day, held.day) == [
        DayTotal(held.day, PayoutStatus.COMPLETED, 1, TEN)
    ]
    assert views.today(here.db, STORE) != held.day
    with pytest.raises(NotFound):
        views.today(here.db, "nothing")
    assert stores.get(here.db, "nothing") is None
