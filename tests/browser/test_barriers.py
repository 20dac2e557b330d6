"""No page has a barrier that axe-core knows (WCAG 2.2 A and AA, and its best practices)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from dashboard.access import COOKIE
from host.clock import ManualClock
from host.ledger import stores
from tests.support.browser import barriers, new_context
from tests.support.busy import business, failed, lightning
from tests.support.others import foreign, on_screen, past
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def full(shop: Shop, clock: ManualClock) -> list[str]:
    """A shop with everything in it, and the addresses of its pages."""
    made = business(shop, clock, days=6)
    failed(shop, made.cards[1], 1_500, "no route to the recipient")
    lightning(shop, made.cards[2], 4_200)
    theirs = foreign(shop, 2_500).sale_id
    on_screen(shop, 3_000)
    old = past(shop)
    stores.create(shop.db, "Second shop", store_id="second")  # so that there is one to choose
    shop.dots()
    newest = made.made[-1]
    return [
        *("overview?status=Completed", "payouts", f"payouts/{newest.payout_id}", f"payouts/{old}"),
        *("sales?state=approved", f"sales/{theirs}", f"sales/{newest.sale_id}"),
        *("cards", f"cards/{made.cards[0].card_id}"),
        *("pull-payments", f"pull-payments/{shop.account.pull_payment_id}"),
        *("audit?action=card.", "reports", "people", "terminals", "history", "settings"),
        *("me", "status", "till", "nothing"),
    ]


@pytest.mark.parametrize(("size", "theme"), [("desk", "light"), ("phone", "dark")])
def test_no_page_has_a_barrier(
    browser: Browser, site: str, shop: Shop, clock: ManualClock, size: str, theme: str
) -> None:
    paths = full(shop, clock)
    with new_context(browser, size, theme) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        for path in paths:
            page.goto(f"{site}/{path}")
            assert barriers(page) == [], path
        page.goto(f"{site}/overview")
        page.locator("[data-detail]").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert barriers(page) == []
        window.clear_cookies()
        page.goto(f"{site}/sign-in")
        assert barriers(page) == []
