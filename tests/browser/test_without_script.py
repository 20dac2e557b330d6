"""Every page of the managers' rooms is read without JavaScript, and its forms work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dashboard.access import COOKIE
from host.clock import ManualClock
from tests.support.busy import business
from tests.support.others import foreign, past
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def silent(browser: Browser, site: str, shop: Shop) -> Iterator[BrowserContext]:
    """A browser that runs no script, with a manager in it."""
    with browser.new_context(java_script_enabled=False) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        yield window


def test_every_page_says_what_it_has_to_say(
    silent: BrowserContext, site: str, shop: Shop, clock: ManualClock
) -> None:
    made = business(shop, clock, days=2)
    theirs, old = foreign(shop, 2_500), past(shop, 1)
    shop.dots()
    silent.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
    says = {
        "overview": "Sales without a payout",
        "payouts": "Imported",
        f"payouts/{made.made[0].payout_id}": "Timeline",
        f"payouts/{old}": "moved no money in this ledger",
        "sales": "Another issuer's card",
        f"sales/{theirs.sale_id}": "cards.example",
        "cards": "Ann",
        f"cards/{made.cards[0].card_id}": "Usage by day",
        "pull-payments": "Staff",
        f"pull-payments/{shop.account.pull_payment_id}": "Booked by hand",
        "reports": "By day",
        "people": "What each role may do",
        "terminals": "till-1",
        "settings": "Business day",
        "history": "flash_payouts.csv",
        "audit": "The chain",
        "status": "Reader",
        "me": "password",
    }
    page = silent.new_page()
    for path, words in says.items():
        page.goto(f"{site}/{path}")
        expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()
        assert page.locator("main").inner_text().strip(), path
        page.set_viewport_size({"width": 360, "height": 740})
        expect(page.locator("h1").first).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": 720})


def test_a_refund_is_refused_and_made_without_a_script(
    silent: BrowserContext, site: str, shop: Shop
) -> None:
    sale_id = shop.pay(shop.card("Ann"), 1_000).payout.sale_id
    page = silent.new_page()
    page.goto(f"{site}/sales/{sale_id}")
    page.get_by_text("Give money back").click()
    page.get_by_label("Amount, sats").fill("5000")
    page.get_by_label("Reason").fill("cold coffee")
    page.get_by_role("button", name="Give it back").click()
    form = page.locator("details.change[open]")
    expect(form.get_by_role("alert")).to_contain_text("amount: more than was paid")
    expect(form.get_by_label("Reason")).to_have_value("cold coffee")
    form.get_by_label("Amount, sats").fill("400")
    form.get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("The money is back on the card")).to_be_visible()
    expect(page.get_by_text("Partly refunded")).to_be_visible()
