"""A store's settings: each change says what it does, is audited, and holds from now on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from host.clock import DAY, HOUR, ManualClock
from host.ledger import audit, books, rates, stores
from host.ledger.rates import Rate
from host.ledger.records import Store
from tests.support.forms import csrf_of
from tests.support.shop import Shop


def save(client: FlaskClient, section: str, query: str = "", **form: str) -> str:
    """A section's form as the browser sends it, and the page that comes after."""
    data = form | {"csrf_token": csrf_of(client), "inside": "1"}
    return client.post(f"/settings/{section}{query}", data=data, follow_redirects=True).text


def store(shop: Shop, store_id: str = "main") -> Store:
    found = stores.get(shop.db, store_id)
    assert found
    return found


def test_a_store_is_renamed_and_the_trail_says_by_whom(manager: FlaskClient, shop: Shop) -> None:
    page = save(manager, "name", name="Corner  café")
    assert "The store has its new name" in page
    assert "Corner café · times in" in page
    row = next(row for row in audit.recent(shop.db) if row.action == "store.change")
    assert row.data == {"name": "Corner café", "was_name": "Corner shop"}
    assert row.person_id is not None
    save(manager, "name", name="Corner café")
    assert [row.action for row in audit.recent(shop.db, limit=500)].count("store.change") == 1


@pytest.mark.parametrize(
    ("section", "form", "told"),
    [
        ("name", {"name": " "}, "name: 1 to 120 characters"),
        ("money", {"currency": "euro please"}, "currency: write a code like EUR"),
        ("day", {"timezone": "Mars/Base", "cutoff_hour": "0"}, "timezone: not known"),
        ("day", {"timezone": "../../etc/passwd", "cutoff_hour": "0"}, "timezone: not known"),
        ("day", {"timezone": "UTC", "cutoff_hour": "24"}, "cutoff_hour: must be 0 to 23"),
        ("day", {"timezone": "UTC", "cutoff_hour": "x"}, "cutoff_hour: must be a whole number"),
        ("day", {"timezone": "UTC", "cutoff_hour": ""}, "cutoff_hour: must be 0 to 23"),
    ],
)
def test_what_cannot_be_right_is_named_inside_its_section(
    manager: FlaskClient, shop: Shop, section: str, form: dict[str, str], told: str
) -> None:
    before = store(shop)
    page = save(manager, section, **form)
    part = page[page.index(f'id="{section}"') :]
    assert told in part[: part.index("</section>")]
    assert store(shop) == before


def test_a_new_business_day_begins_now_and_past_days_stay(
    manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    at = datetime(2026, 3, 2, 23, 30, tzinfo=ZoneInfo("Europe/Rome")).timestamp()
    clock.advance(int(at * 1000) - clock.now() - 1)
    manager.set_cookie(COOKIE, shop.session())  # the old one has ended meanwhile
    ann = shop.card("Ann")
    old = shop.pay(ann, 5).payout
    page = save(manager, "day", timezone="Europe/Rome", cutoff_hour="4")
    assert "past days stay as they are" in page
    assert "What is paid before 04:00 still belongs to the day before" in page
    clock.advance(3 * HOUR)  # half past two
    assert (old.day, shop.pay(ann, 6).payout.day) == ("2026-03-02", "2026-03-02")
    clock.advance(2 * HOUR)
    assert shop.pay(ann, 7).payout.day == "2026-03-03"
    save(manager, "day", timezone="Pacific/Auckland", cutoff_hour="0")
    assert shop.pay(ann, 8).payout.day == "2026-03-03"
    assert "2026-03-02" in manager.get(f"/payouts/{old.payout_id}").text
    assert books.check(shop.db).ok


def test_the_rate_of_the_currency_is_shown_with_its_age(
    manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    assert "counts in satoshi alone" in manager.get("/settings").text
    page = save(manager, "money", currency="eur")
    assert store(shop).currency == "EUR"
    assert "No rate of EUR is known here" in page
    rates.put(shop.db, Rate("EUR", "91234.50", "here", clock.now(), stale_at=clock.now() + HOUR))
    page = manager.get("/settings").text
    assert "91\u00a0234.50 EUR" in page
    assert "Stale" not in page
    clock.advance(HOUR)
    assert "Stale" in manager.get("/settings").text


def test_each_store_has_its_own_settings(manager: FlaskClient, shop: Shop) -> None:
    stores.create(shop.db, "Second", store_id="second")
    save(manager, "name", "?storeId=second", name="Beach bar")
    assert (store(shop).name, store(shop, "second").name) == ("Corner shop", "Beach bar")


def test_a_section_that_is_not_there_is_not_found(manager: FlaskClient) -> None:
    data = {"csrf_token": csrf_of(manager)}
    assert manager.post("/settings/nothing", data=data).status_code == 404


def test_overview_follows_the_new_day_at_once(
    manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    shop.pay(shop.card("Ann"), 5)
    save(manager, "day", timezone="UTC", cutoff_hour="20")
    clock.advance(DAY // 24)
    assert "1 Mar" in manager.get("/overview").text
