"""The till and every page in Spanish: chosen in the browser, spoken by live results too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from dashboard.language import COOKIE as LANGUAGE
from host.clock import ManualClock
from host.ledger import settings
from host.receipts.choices import RECEIPTS, ReceiptChoices
from tests.browser.test_barriers import full
from tests.support.browser import barriers, new_context, overflow, shoot
from tests.support.shop import Shop
from tests.support.till_page import heard, ready, stage

pytestmark = pytest.mark.browser


def speak(page: Page, name: str) -> None:
    page.locator("#sound").click()
    page.get_by_role("button", name=name).click()


def charge(page: Page, digits: str) -> None:
    for key in digits:
        page.keyboard.press(key)
    page.keyboard.press("Enter")


def test_a_sale_in_spanish_and_back_in_english(till: Page, shop: Shop) -> None:
    ann = shop.card("Ann")
    speak(till, "Español")
    expect(till.locator("html")).to_have_attribute("lang", "es")
    ready(till)
    expect(till.get_by_role("link", name="Caja", exact=True)).to_be_visible()
    charge(till, "2100")
    expect(till.locator("#stage")).to_contain_text("Acerque la tarjeta")
    shop.tap(ann)
    expect(till.locator("#stage-says")).to_have_text("Pagado")
    expect(till.locator("#announce")).to_contain_text("Pagado. 2\u00a0100 sats.")
    stage(till, "approved")
    till.keyboard.press("Enter")
    speak(till, "English")
    expect(till.locator("html")).to_have_attribute("lang", "en")
    heard(till)
    expect(stage(till, "approved")).to_contain_text("Paid")
    till.keyboard.press("Enter")
    expect(till.locator("#entry")).to_be_visible()


def test_a_shop_that_writes_spanish_receipts_speaks_spanish(
    browser: Browser, site: str, shop: Shop
) -> None:
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(language="es"))
    with new_context(browser) as window:
        page = window.new_page()
        page.goto(f"{site}/sign-in")
        expect(page.get_by_label("Nombre")).to_be_visible()
        page.get_by_role("button", name="English").click()
        expect(page.get_by_label("Name")).to_be_visible()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_page_is_right_in_spanish_too(
    browser: Browser, site: str, shop: Shop, clock: ManualClock, size: str
) -> None:
    paths = full(shop, clock)
    with new_context(browser, size) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        window.add_cookies([{"name": LANGUAGE, "value": "es", "url": site}])
        page = window.new_page()
        for path in paths:
            page.goto(f"{site}/{path}")
            expect(page.locator("html")).to_have_attribute("lang", "es")
            assert overflow(page) <= 0, path
            assert barriers(page) == [], path
            shoot(page, f"es-{path.partition('?')[0].replace('/', '-')[:24]}-{size}")
