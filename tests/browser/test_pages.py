"""Payouts, cards, sign-in and status in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dashboard import payouts
from dashboard.access import COOKIE
from host.clock import ManualClock
from host.ledger import people
from host.ledger.permissions import Role
from tests.support.browser import new_context, overflow, watch
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def test_a_new_payout_appears_on_top_by_itself(
    window: BrowserContext, site: str, shop: Shop
) -> None:
    ann = shop.card("Ann")
    shop.pay(ann, 21)
    page = window.new_page()
    complaints = watch(page)
    page.goto(f"{site}/payouts")
    expect(page.locator("#live-note")).to_have_text("Live")
    fresh = shop.pay(ann, 125_000).payout
    first = page.locator("#rows tr").first
    expect(first).to_have_attribute("data-payout", fresh.payout_id)
    expect(first).to_contain_text("125\u00a0000 sats")
    expect(page.locator("#rows tr")).to_have_count(2)
    assert complaints == []


def test_the_first_payout_ends_the_empty_page(
    window: BrowserContext, site: str, shop: Shop
) -> None:
    page = window.new_page()
    page.goto(f"{site}/payouts")
    expect(page.locator("#live-note")).to_have_text("Live")
    shop.pay(shop.card("Ann"), 21)
    expect(page.locator("#rows tr")).to_have_count(1)


def test_older_payouts_are_added_below(
    window: BrowserContext, site: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "PER_PAGE", 2)
    ann = shop.card("Ann")
    made = [shop.pay(ann, amount).payout.payout_id for amount in (1, 2, 3, 4, 5)]
    page = window.new_page()
    page.set_viewport_size({"width": 1024, "height": 1_600})  # whoever scrolls gets more unasked
    page.goto(f"{site}/payouts")
    for count in (4, 5):
        page.get_by_role("link", name="Load more").click()
        expect(page.locator("#rows tr")).to_have_count(count)
    shown = [row.get_attribute("data-payout") for row in page.locator("#rows tr").all()]
    assert shown == made[::-1]
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)
    expect(page.locator("#rows tr").last.locator("[data-detail]")).to_be_focused()


def test_payouts_are_read_without_javascript(
    browser: Browser, site: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "PER_PAGE", 1)
    ann = shop.card("Ann")
    old, _ = shop.pay(ann, 21).payout, shop.pay(ann, 22)
    with browser.new_context(java_script_enabled=False) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        page.goto(f"{site}/payouts")
        page.get_by_role("link", name="Load more").click()
        page.get_by_role("link", name=old.payout_id).click()
        expect(page.get_by_role("heading", name="21 sats")).to_be_visible()
        page.goto(f"{site}/cards")
        expect(page.get_by_text("43 sats")).to_be_visible()


def test_a_person_signs_in_and_out(browser: Browser, site: str, shop: Shop) -> None:
    people.create(shop.db, "ada", Role.CASHIER, password="correct horse")
    with new_context(browser) as window:
        page = window.new_page()
        page.goto(f"{site}/till")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
        page.get_by_label("Password").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("#entry")).to_be_visible()
        expect(page.get_by_role("link", name="Payouts")).to_have_count(0)
        page.get_by_role("button", name="Sign out ada").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_dots_stay_true_on_pages_without_a_stream(
    window: BrowserContext, site: str, shop: Shop
) -> None:
    page = window.new_page()
    page.clock.install()
    page.goto(f"{site}/status")
    shop.dots(lightning=False)
    page.clock.run_for(5_500)
    expect(page.locator('[data-part-panel="lightning"] .part-state')).to_have_text("down")
    expect(page.locator("#dots .down")).to_have_text("Lightning down")


def test_no_page_is_wider_than_a_small_phone(
    window: BrowserContext, site: str, shop: Shop, clock: ManualClock
) -> None:
    payout = shop.pay(shop.card("A card with quite a long name, longer than most"), 99).payout
    shop.dots(reader=False, lightning=False)
    page = window.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    paths = (
        *("/till", "/overview", "/payouts", f"/payouts/{payout.payout_id}", "/cards"),
        *(f"/cards/{payout.boltcard_id}", "/pull-payments", "/reports", "/people", "/terminals"),
        *(f"/pull-payments/{payout.pull_payment_id}", "/audit", "/me", "/status", "/nothing"),
    )
    for path in paths:
        page.goto(f"{site}{path}")
        assert overflow(page) <= 0, path
    window.clear_cookies()
    page.goto(f"{site}/sign-in")
    assert overflow(page) <= 0
