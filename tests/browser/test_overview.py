"""The overview in a real browser: charts, filters, details in a dialog, and a list that is live."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard import payouts
from dashboard.access import COOKIE
from host.clock import ManualClock
from host.ledger.records import Card
from tests.support.browser import watch
from tests.support.busy import lightning
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def ann(shop: Shop) -> Card:
    return shop.card("Ann")


def total(page: Page) -> str:
    return page.locator('[data-figure="total"]').inner_text()


def test_figures_charts_and_list_follow_a_new_payout(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 21)
    page = window.new_page()
    complaints = watch(page)
    page.goto(f"{site}/overview")
    expect(page.locator("#live-note")).to_have_text("Live")
    expect(page.locator("#live-age")).to_contain_text("updated")
    expect(page.locator("#trend")).to_be_visible()
    fresh = shop.pay(shop.card("Ben"), 125_000).payout
    expect(page.locator("#rows tr").first).to_have_attribute("data-payout", fresh.payout_id)
    expect(page.locator('[data-figure="total"]')).to_have_text("2")
    expect(page.locator("#top-words")).to_contain_text("Ben paid the most")
    assert complaints == []


def test_a_paused_page_stays_as_it_is_until_it_goes_on(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 21)
    page = window.new_page()
    page.goto(f"{site}/overview")
    expect(page.locator("#live-note")).to_have_text("Live")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-note")).to_have_text("Paused")
    shop.pay(ann, 22)
    expect(page.locator("#live-age")).to_contain_text("something is new")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#rows tr")).to_have_count(2)


def test_a_payout_that_no_longer_fits_the_filter_leaves_the_list(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    from host.ledger import payouts as ledger

    payout = lightning(shop, ann, 21)
    page = window.new_page()
    page.goto(f"{site}/payouts?status=Pending")
    expect(page.locator("#live-note")).to_have_text("Live")
    expect(page.locator("#rows tr")).to_have_count(1)
    ledger.cancel(shop.db, payout.payout_id, "given up")
    expect(page.get_by_text("No payouts for these filters")).to_be_visible()


def test_details_open_in_a_dialog_with_an_address_of_their_own(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    first, second = shop.pay(ann, 21).payout, shop.pay(ann, 22).payout
    page = window.new_page()
    complaints = watch(page)
    page.goto(f"{site}/overview?boltcardId=Ann")
    link = page.get_by_role("link", name=f"Payout {first.payout_id}")
    link.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("0.00000021 BTC")
    expect(dialog).to_contain_text("It follows the card's last payment directly.")
    expect(page).to_have_url(re.compile(f"/payouts/{first.payout_id}"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{site}/overview?boltcardId=Ann")
    expect(link).to_be_focused()
    page.get_by_role("link", name=f"Payout {second.payout_id}").click()
    expect(dialog).to_contain_text("0.00000022 BTC")
    page.go_back()
    expect(dialog).to_be_hidden()
    page.go_forward()
    expect(dialog).to_contain_text("0.00000022 BTC")
    page.reload()
    expect(page.get_by_role("heading", name="22 sats")).to_be_visible()
    assert complaints == []


def test_a_click_on_a_bar_narrows_the_overview_to_it(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 21)
    shop.pay(shop.card("Ben"), 9)
    page = window.new_page()
    page.goto(f"{site}/overview")
    box = page.locator("#top").bounding_box()
    assert box
    upper_bar = {"x": box["width"] / 2, "y": box["height"] / 4}
    page.locator("#top").click(position=upper_bar)  # type: ignore[arg-type]
    expect(page).to_have_url(re.compile(f"boltcardId={ann.card_id}"))
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator(".chip")).to_have_text("Card Ann")
    page.locator(".chip").click()
    expect(page.locator("#rows tr")).to_have_count(2)


def test_a_changed_field_is_a_changed_address(
    window: BrowserContext, site: str, shop: Shop, ann: Card
) -> None:
    shop.pay(ann, 21)
    page = window.new_page()
    page.goto(f"{site}/overview")
    page.get_by_role("combobox", name="Status").select_option("Failed")
    expect(page).to_have_url(re.compile("status=Failed"))
    expect(page).not_to_have_url(re.compile("boltcardId"))
    expect(page.get_by_text("No payouts for these filters")).to_be_visible()
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Boltcard")).to_be_enabled()


def test_scrolling_down_brings_older_payouts(
    window: BrowserContext,
    site: str,
    shop: Shop,
    ann: Card,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payouts, "PER_PAGE", 15)
    made = [shop.pay(ann, amount).payout.payout_id for amount in range(1, 41)]
    page = window.new_page()
    page.goto(f"{site}/overview")
    expect(page.locator("#rows tr")).to_have_count(15)
    page.mouse.move(400, 400)
    page.mouse.wheel(0, 9_000)
    expect(page.locator("#rows tr")).not_to_have_count(15)
    page.mouse.wheel(0, 9_000)
    expect(page.locator("#rows tr")).to_have_count(40)
    shown = [row.get_attribute("data-payout") for row in page.locator("#rows tr").all()]
    assert shown == made[::-1]
    fresh = shop.pay(ann, 99).payout.payout_id
    expect(page.locator("#rows tr")).to_have_count(41)
    expect(page.locator("#rows tr").first).to_have_attribute("data-payout", fresh)


def test_everything_is_read_without_javascript(
    browser: Browser, site: str, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    shop.pay(ann, 21_000)
    with browser.new_context(java_script_enabled=False) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        page.goto(f"{site}/overview")
        assert total(page) == "1"
        expect(page.locator("#trend-table")).to_be_visible()
        page.get_by_role("searchbox", name="Boltcard").fill("Nobody")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("No payouts for these filters")).to_be_visible()
        page.get_by_role("link", name="Take out the filter").click()
        page.locator("#top-table").get_by_role("link", name="Ann").click()
        expect(page).to_have_url(re.compile("boltcardId="))
        page.locator("#rows").get_by_role("link", name="Ann").click()
        expect(page.get_by_role("heading", name="Ann")).to_be_visible()
        expect(page.get_by_role("img", name="21 000 sats in the last 30 days")).to_be_visible()
