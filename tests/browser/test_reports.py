"""Shifts and reports of tills in a real browser: a cashier's way, a manager's way, and paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from host.clock import HOUR, ManualClock
from host.ledger import people, rates, refunds, sales, shifts, stores
from host.ledger.permissions import Person, Role
from host.ledger.rates import Rate
from host.ledger.sales import Basket
from host.money import sats
from tests.support.browser import SIZES, Camera, look_at, new_context, watch
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def ann(shop: Shop, clock: ManualClock) -> Person:
    """A cashier with a shift in which something of everything happened."""
    db = shop.db
    stores.set_currency(db, "main", "EUR")
    rates.put(db, Rate("EUR", "91234.50", "test", db.now))
    who = people.create(db, "Ann", Role.CASHIER, store_id="main")
    card = shop.card("Card")
    shifts.start(db, "till-1", who, opening_minor=15_000)
    for amount, tip in ((12_500, 500), (4_200, 0), (99_999, 9_000)):
        basket = Basket(tip_msat=sats(tip), person_id=who.person_id)
        clock.advance(HOUR)
        sales.open(db, "main", sats(amount), terminal_id="till-1", basket=basket)
        shop.tap(card)
    paid = sales.latest(db, "till-1")
    assert paid is not None
    refunds.refund(db, paid.sale_id, sats(9_999), "cold soup")
    sales.open(db, "main", sats(700), terminal_id="till-1")
    return who


def sign_in(page: Page, site: str, token: str) -> None:
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": site}])


def test_a_cashier_finds_the_shift_from_the_till_and_closes_it(
    browser: Browser, site: str, shop: Shop
) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    with new_context(browser, "phone") as window:
        page = window.new_page()
        complaints = watch(page)
        sign_in(page, site, shop.session(Role.CASHIER))
        page.goto(f"{site}/till")
        page.get_by_role("link", name="Shift").click()
        page.get_by_role("button", name="Open the shift").click()
        expect(page.get_by_role("status")).to_contain_text("Your shift is open")
        page.get_by_label("Counted in the drawer").fill("220")
        page.get_by_role("button", name="Close the shift").click()
        expect(page.get_by_role("status")).to_contain_text("The shift is closed")
        assert complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_every_page_of_shifts_and_reports(
    browser: Browser, site: str, shop: Shop, ann: Person, size: str
) -> None:
    with new_context(browser, size) as window:
        page = window.new_page()
        complaints = watch(page)
        token = people.redeem(shop.db, people.one_time_link(shop.db, ann.person_id))
        sign_in(page, site, token or "")
        _look(page, f"{site}/shift", "shift", size)
        sign_in(page, site, shop.session())
        page.goto(f"{site}/reports/tills")
        page.locator("summary[aria-label='Close: Z report of Whole store']").click()
        page.get_by_role("button", name="Close it for good").locator("visible=true").click()
        expect(page.get_by_role("heading", name="Z report 1")).to_be_visible()
        _look(page, page.url, "report-z", size)
        _look(page, f"{site}/reports/tills/x?till=till-1", "report-x", size)
        _look(page, f"{site}/reports/tills", "report-tills", size)
        _look(page, f"{site}/reports/shifts", "report-shifts", size)
        page.get_by_role("link", name="Ann").click()
        _look(page, page.url, "report-shift", size)
        assert complaints == []


def test_narrow_paper_shows_the_strip_and_wide_paper_the_tables(
    browser: Browser, site: str, shop: Shop, ann: Person
) -> None:
    with new_context(browser) as window:
        page = window.new_page()
        sign_in(page, site, shop.session())
        page.goto(f"{site}/reports/tills/x?till=till-1")
        strip, table = page.locator(".strip"), page.locator(".report-sums").first
        expect(strip).to_be_hidden()
        page.emulate_media(media="print")
        expect(table).to_be_visible()
        expect(page.get_by_role("button", name="Print")).to_be_hidden()
        page.set_viewport_size({"width": 302, "height": 900})  # 80 mm
        expect(table).to_be_hidden()
        expect(strip).to_contain_text("X report")
        Camera(page, "80mm", "light").take("report-strip")


def _look(page: Page, url: str, name: str, size: str) -> None:
    """Its picture in the light and the dark, and what axe-core has to say."""
    page.goto(url)
    look_at(page, f"{name}-{size}")
