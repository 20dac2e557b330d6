"""Money by hand, settings and the history of another system, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from host.ledger import fees, pull_payments, stores
from host.ledger.fees import FeePayer
from host.money import sats
from tests.support.browser import watch
from tests.support.others import PAST, foreign
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()


def test_a_sale_is_found_and_given_back(page: Page, site: str, shop: Shop) -> None:
    complaints = watch(page)
    shop.pay(shop.card("Ann"), 1_000)
    foreign(shop, 2_500)
    page.goto(f"{site}/overview")
    expect(page.locator("#others")).to_contain_text("2\u00a0500 sats")
    page.get_by_role("link", name="All sales").click()
    page.get_by_label("Paid by").select_option("card")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Sale ").click()
    page.get_by_text("Give money back").click()
    page.get_by_label("Amount, sats").fill("1001")
    page.get_by_label("Reason").fill("cold coffee")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("alert")).to_contain_text("more than was paid")
    page.get_by_label("Amount, sats").fill("400")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("status").filter(has_text="back on the card")).to_be_visible()
    expect(page.get_by_text("Partly refunded")).to_be_visible()
    assert complaints == []


def test_a_card_is_filled_and_an_account_pays_its_fees(page: Page, site: str, shop: Shop) -> None:
    ann = shop.card("Ann")
    page.goto(f"{site}/cards/{ann.card_id}")
    page.get_by_text("Fill the card with cash").click()
    page.get_by_label("Amount, sats").fill("250")
    page.get_by_label("Reason").fill("cash at the bar")
    page.get_by_role("button", name="Fill it").click()
    expect(page.get_by_role("status").filter(has_text="The money is on the card")).to_be_visible()
    account = pull_payments.get(shop.db, ann.pull_payment_id)
    assert account
    assert account.balance_msat == sats(1_000_250)
    page.goto(f"{site}/pull-payments/{ann.pull_payment_id}")
    page.get_by_text("Change the fees").click()
    page.get_by_label("Who pays for sending").select_option("store")
    page.get_by_label("At most, sats").fill("2")
    page.get_by_label("and millionths of the amount").fill("5000")
    page.get_by_role("button", name="Save the fees").click()
    expect(page.get_by_text("the store pays")).to_be_visible()
    assert fees.get(shop.db, ann.pull_payment_id).payer is FeePayer.STORE


def test_the_business_day_is_changed_and_a_wrong_zone_named(
    page: Page, site: str, shop: Shop
) -> None:
    page.goto(f"{site}/overview")
    page.locator(".manage > summary").click()
    page.get_by_role("link", name="Settings").click()
    day = page.locator("#day")
    day.get_by_label("Time zone").fill("Nowhere/Land")
    day.get_by_role("button", name="Save").click()
    expect(day.get_by_role("alert")).to_contain_text("timezone: not known")
    expect(day.get_by_label("Time zone")).to_have_value("Nowhere/Land")
    day.get_by_label("Time zone").fill("Europe/Vienna")
    day.get_by_label("The day begins at").select_option("4")
    day.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="past days stay")).to_be_visible()
    store = stores.get(shop.db, "main")
    assert store
    assert (store.timezone, store.cutoff_hour) == ("Europe/Vienna", 4)


def test_a_history_is_taken_in_and_stands_in_the_list(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    complaints = watch(page)
    good, bad = tmp_path / "flash_payouts.csv", tmp_path / "bad.csv"
    good.write_text(PAST.format(day="2026-10-01"))
    bad.write_text(PAST.format(day="yesterday"))
    shop.pay(shop.card("Ann"), 5)
    page.goto(f"{site}/history")
    page.get_by_label("File, CSV or JSON").set_input_files(bad)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("line 2, created_at: write a time like")
    page.get_by_label("File, CSV or JSON").set_input_files(good)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status").filter(has_text="Taken in: 2 new")).to_be_visible()
    page.get_by_role("link", name="All imported payouts").click()
    expect(page.locator("#rows tr")).to_have_count(2)
    page.get_by_role("link", name="Payout 7Kq1xYz").click()
    expect(page.get_by_role("dialog")).to_contain_text("moved no money in this ledger")
    assert complaints == []
