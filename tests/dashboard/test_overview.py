"""The overview: figures, charts and the list behind them, for the filters of its address."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from dashboard import payouts as payouts_room
from dashboard.filters import DEFAULT_DAYS
from host.clock import DAY, MINUTE, ManualClock
from host.ledger import cards
from host.ledger.records import Card
from host.ledger.views_payouts import MAX_CARDS
from tests.support.busy import failed, lightning
from tests.support.others import past
from tests.support.shop import Shop

Page = str


def figures(page: Page) -> dict[str, str]:
    return dict(re.findall(r'data-figure="(\w+)">([^<]+)<', page))


def rows(page: Page) -> list[str]:
    return re.findall(r'data-payout="([^"]+)"', page)


@pytest.fixture
def ann(shop: Shop) -> Card:
    return shop.card("Ann")


def test_four_figures_tell_the_last_thirty_days(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    ben = shop.card("Ben")
    shop.pay(ann, 1_000)
    shop.pay(ben, 500)
    lightning(shop, ann, 40)
    failed(shop, ben, 7, "no route")
    page = manager.get("/overview").text
    assert figures(page) == {"total": "3", "pending": "1", "completed": "2", "cards": "2"}
    assert "1\u00a0540 sats" in page
    assert "1\u00a0500 sats" in page
    assert "1 failed or cancelled, not counted" in page
    assert "Last 30 days" in page


def test_each_figure_says_how_it_differs_from_as_many_days_before(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    shop.pay(ann, 1)
    shop.pay(ann, 1)
    clock.advance(DEFAULT_DAYS * DAY)
    shop.pay(ann, 1)
    page = manager_page(manager, shop)
    assert figures(page)["total"] == "1"
    assert "−50 % against the 30 days before" in page
    assert "as in the 30 days before" in page  # one active card then, one now


def manager_page(manager: FlaskClient, shop: Shop, query: str = "") -> Page:
    """The overview after time has passed: sessions end, so the manager comes in again."""
    from dashboard.access import COOKIE

    manager.set_cookie(COOKIE, shop.session())
    return manager.get(f"/overview{query}").text


def test_a_new_payout_changes_the_figures_at_once(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    assert figures(manager.get("/overview").text)["total"] == "0"
    shop.pay(ann, 1)
    assert figures(manager.get("/overview").text)["total"] == "1"


def test_figures_are_kept_for_a_minute_while_nothing_happens(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    shop.pay(ann, 1)
    manager.get("/overview")
    shop.db.transaction(lambda tx: tx.run("UPDATE daily_totals SET payouts = 9"))  # without event
    clock.advance(MINUTE - 1)
    assert figures(manager.get("/overview").text)["total"] == "1"
    clock.advance(1)
    assert figures(manager.get("/overview").text)["total"] == "9"


def test_the_period_before_is_read_again_when_one_of_its_payouts_ends(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    from host.ledger import payouts

    old = lightning(shop, ann, 50)
    clock.advance(DEFAULT_DAYS * DAY)
    shop.pay(shop.card("Ben"), 1)
    page = manager_page(manager, shop)
    assert "−100 % against the 30 days before" in page  # pending then, none now
    payouts.cancel(shop.db, old.payout_id, "given up")
    page = manager.get("/overview").text
    assert "−100 %" not in page
    assert "none in the 30 days before" in page


def test_the_charts_are_tables_whose_rows_lead_to_their_days_and_cards(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 1_000)
    page = manager.get("/overview").text
    assert page.count("data-pending=") == DEFAULT_DAYS
    assert 'startDate=2026-03-02&amp;endDate=2026-03-02">2 Mar</a>' in page
    assert f"boltcardId={ann.card_id}" in page
    assert "The most came on 2 Mar. 29 of 30 days had no payout." in page
    assert "Ann paid the most: 1\u00a0000 sats in 1 payout." in page


@pytest.mark.parametrize(
    ("since", "bars", "label"),
    [("2025-12-01", 14, "week of 2 Mar"), ("2024-01-01", 27, "Mar 2026")],
)
def test_long_ranges_are_drawn_by_weeks_or_months(
    manager: FlaskClient, shop: Shop, ann: Card, since: str, bars: int, label: str
) -> None:
    shop.pay(ann, 5)
    page = manager.get(f"/overview?startDate={since}").text
    page = manager.get(f"/overview?startDate={since}&endDate=2026-03-02").text
    assert page.count("data-pending=") == bars
    assert f">{label}</a>" in page


def test_filters_narrow_the_list_and_stand_as_chips_that_take_them_out(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    ben = shop.card("Ben 100%")
    hers = shop.pay(ann, 1).payout.payout_id
    his = failed(shop, ben, 7, "no route").payout_id
    assert rows(manager.get("/overview").text) == [his, hers]
    for query in ("status=Failed", "boltcardId=100%25", f"boltcardId={ben.card_id}"):
        page = manager.get(f"/overview?{query}").text
        assert rows(page) == [his], query
        assert 'class="chip" href="/overview"' in page, query
    assert rows(manager.get("/overview?boltcardId=%25&status=Completed").text) == []
    assert rows(manager.get("/overview?boltcardId=04%20A1%20B2%20C3%20D4%2001").text) == [hers]
    page = manager.get("/overview?startDate=2026-02-01&endDate=2026-02-28").text
    assert rows(page) == []
    assert "1 Feb 2026 – 28 Feb 2026" in page
    assert "No payouts for these filters" in page


def test_pages_of_a_filtered_list_keep_their_filters(
    manager: FlaskClient, shop: Shop, ann: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts_room, "PER_PAGE", 2)
    shop.pay(shop.card("Ben"), 1)
    made = [shop.pay(ann, amount).payout.payout_id for amount in (1, 2, 3, 4, 5)]
    shop.pay(shop.card("Cem"), 1)
    seen, path = [], "/overview?boltcardId=ann&status=Completed"
    while path:
        page = manager.get(path).text
        seen += rows(page)
        found = re.search(r'id="more" href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert seen == made[::-1]


def test_a_name_that_many_cards_have_merges_their_payouts(manager: FlaskClient, shop: Shop) -> None:
    made = []
    for number in range(MAX_CARDS):
        made.append(shop.pay(shop.card(f"Staff {number}"), 1 + number).payout.payout_id)
    assert rows(manager.get("/overview?boltcardId=staff").text) == made[::-1]
    shop.card("Staff too many")
    page = manager.get("/overview?boltcardId=staff")
    assert page.status_code == 400
    assert "boltcardId: more than 20 cards match" in page.text


def test_all_there_is_is_asked_for_by_dates_beyond_the_books(
    manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    shop.pay(shop.card("Ann"), 5)
    past(shop, days=400)
    for query in ("startDate=2000-01-01", "startDate=1971-01-01&endDate=9000-01-01"):
        got = manager.get(f"/api/stats?{query}").get_json()
        assert (got["startDate"], got["endDate"]) == ("2025-01-26", "2026-03-02")
        assert (got["completedCount"], got["failedCount"]) == (2, 1)
        assert manager.get(f"/api/payouts?{query}").get_json()["count"] == 3
    for query in (
        "startDate=1971-01-01&endDate=1999-01-01",
        "startDate=2100-01-01&endDate=8000-01-01",
    ):
        assert manager.get(f"/api/payouts?{query}").get_json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("startDate=yesterday", "startDate"),
        ("startDate=0001-01-01", "startDate"),
        ("endDate=2026-02-30", "endDate"),
        ("endDate=9999-12-31", "endDate"),
        ("startDate=2026-03-02&endDate=2026-03-01", "startDate"),
        ("status=completed", "status"),
        ("boltcardId=" + "x" * 121, "boltcardId"),
        ("boltcardId=a%00b", "boltcardId"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(
    manager: FlaskClient, query: str, field: str
) -> None:
    answer = manager.get(f"/overview?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.get_json()["detail"] == {"field": field}


def test_an_alias_is_text_wherever_it_stands(manager: FlaskClient, shop: Shop) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    card = shop.card(nasty)
    payout = failed(shop, card, 5, nasty)
    paths = (
        "/overview",
        f"/payouts/{payout.payout_id}",
        "/cards",
        f"/cards/{card.card_id}",
        "/overview?boltcardId=%3Cscript%3E%22%27",
    )
    for path in paths:
        page = manager.get(path).text
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path


def test_a_payout_explains_its_tap_and_tells_its_life(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 1)
    shop.counters[ann.card_id] += 3
    payout = shop.pay(ann, 2).payout
    page = manager.get(f"/payouts/{payout.payout_id}").text
    assert "The card was read 3 times since its last payment without paying here" in page
    steps = re.findall(r"<strong>([^<]+)</strong> <time", page)
    assert steps == ["Sale opened", "Card tapped", "Money held", "Paid"]
    lost = failed(shop, ann, 9, "no route to the recipient")
    page = manager.get(f"/payouts/{lost.payout_id}").text
    steps = re.findall(r"<strong>([^<]+)</strong> <time", page)
    assert steps == ["Card tapped", "Money held", "Handed to the wallet", "Money free again"]
    assert "no route to the recipient" in page
    waiting = lightning(shop, ann, 9)
    assert "Waiting to be paid" in manager.get(f"/payouts/{waiting.payout_id}").text


def test_a_renamed_card_is_renamed_in_the_charts_at_once(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 1)
    assert "Ann paid the most" in manager.get("/overview").text
    cards.rename(shop.db, ann.card_id, "Anna")
    assert "Anna paid the most" in manager.get("/overview").text
