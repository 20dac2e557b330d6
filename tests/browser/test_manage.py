"""What managers change, by hand in a real browser: a card, an account, a person, a password."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from host.ledger import cards
from host.ledger.records import CardState, Limits
from host.money import sats
from tests.support.browser import watch
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()


def test_a_card_is_blocked_unblocked_and_limited(page: Page, site: str, shop: Shop) -> None:
    ann = shop.card("Ann")
    complaints = watch(page)
    page.goto(f"{site}/cards")
    page.get_by_role("link", name="Ann").click()
    page.get_by_role("button", name="Block the card").click()
    expect(page.get_by_role("status").filter(has_text="The card is blocked")).to_be_visible()
    kept = cards.get(shop.db, ann.card_id)
    assert kept
    assert kept.state is CardState.FROZEN
    page.get_by_role("button", name="Unblock the card").click()
    expect(page.get_by_role("button", name="Block the card")).to_be_visible()
    page.get_by_text("Change the limits").click()
    page.get_by_label("24 hours, sats").fill("a lot")
    page.get_by_role("button", name="Save the limits").click()
    expect(page.get_by_role("alert")).to_contain_text("limit_day")
    page.get_by_label("24 hours, sats").fill("5000")
    page.get_by_role("button", name="Save the limits").click()
    expect(page.get_by_role("progressbar", name="Last 24 hours")).to_be_visible()
    kept = cards.get(shop.db, ann.card_id)
    assert kept
    assert kept.limits == Limits(day_msat=sats(5_000))
    assert complaints == []


def test_an_account_is_opened_and_funded(page: Page, site: str, shop: Shop) -> None:
    page.goto(f"{site}/overview")
    page.locator(".manage > summary").click()
    page.get_by_role("link", name="Pull payments").click()
    page.get_by_text("Open a pull payment").click()
    page.get_by_label("Name").fill("Volunteers")
    page.get_by_role("button", name="Open it").click()
    page.get_by_role("link", name="Volunteers").click()
    page.get_by_text("Add money").click()
    page.get_by_label("Amount, sats").fill("21000")
    page.get_by_label("Where it comes from").fill("cash")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("definition").filter(has_text="21\u00a0000 sats").first).to_be_visible()
    page.locator(".manage > summary").click()
    page.get_by_role("link", name="Audit trail").click()
    expect(page.get_by_text("pull_payment.fund")).to_have_count(2)


def test_a_menu_closes_by_esc_and_by_a_click_beside_it(page: Page, site: str) -> None:
    page.goto(f"{site}/cards")
    menu = page.get_by_role("link", name="Audit trail")
    page.locator(".manage > summary").click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.locator(".manage > summary").click()
    page.get_by_role("heading", name="Cards", exact=True).click()
    expect(menu).to_be_hidden()


def test_a_link_for_somebody_new_is_shown_once(page: Page, site: str) -> None:
    page.goto(f"{site}/people")
    page.get_by_text("Add somebody").click()
    page.get_by_label("Name").fill("Zoe")
    page.get_by_role("button", name="Add them").click()
    page.get_by_role("row", name="Zoe").get_by_role("button", name="Sign-in link").click()
    expect(page.get_by_text("/sign-in/link/")).to_be_visible()
    page.goto(f"{site}/people")
    expect(page.get_by_text("/sign-in/link/")).to_have_count(0)
