"""The PIN pad in a real browser: by keyboard, by touch, and what it never shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from dashboard.live import MAX_STREAMS
from host.clock import MINUTE
from host.ledger import incoming, rates, sales, stores
from host.ledger.codes import Code
from host.ledger.rates import Rate
from host.ledger.records import SaleState
from host.pinpad import PinPad
from host.web import WebServer
from tests.support.browser import SIZES, new_context, overflow, shoot, watch
from tests.support.pins import PIN, PinDesk
from tests.support.shop import Shop
from tests.support.till_page import keys, ready, stage

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(shop: Shop) -> PinDesk:
    return PinDesk(shop, PinPad())


@pytest.fixture
def site(shop: Shop, desk: PinDesk) -> Iterator[str]:
    """A dashboard whose PINs go to the desk."""
    context = DashboardContext(
        db=shop.db,
        clock=shop.clock,
        board=shop.board,
        terminal=shop.terminal,
        secret=b"s" * 32,
        pads=desk.pads,
    )
    with WebServer(create_app(context), "127.0.0.1", 0, threads=MAX_STREAMS + 6) as server:
        yield server.url
        context.stopping.set()


def asked(page: Page, desk: PinDesk, amount_sat: int = 2100) -> None:
    """A sale whose card asks for its PIN."""
    desk.shop.arm(amount_sat)
    desk.lay(desk.card())
    expect(page.locator("#pinpad")).to_be_visible()
    stage(page, "pin")


def test_the_pin_is_typed_on_the_keyboard(till: Page, desk: PinDesk) -> None:
    asked(till, desk)
    expect(till.locator("#stage")).to_contain_text("Enter the PIN")
    ok = till.locator("#stage-main")
    expect(ok).to_be_disabled()
    for key in "73914":
        till.keyboard.press(key)
    till.keyboard.press("Backspace")
    expect(till.locator("#pin-dots .filled")).to_have_count(4)
    expect(till.locator("#pin-count")).to_have_text("4 of at least 4 digits")
    assert PIN not in till.content()
    till.keyboard.press("Enter")
    expect(till.locator('#stage[data-state="approved"]')).to_be_visible()
    expect(till.locator("#pinpad")).to_be_hidden()
    assert PIN not in till.url + till.evaluate("JSON.stringify([localStorage, sessionStorage])")


def test_a_wrong_pin_says_how_many_tries_are_left_and_begins_empty(
    till: Page, desk: PinDesk
) -> None:
    asked(till, desk)
    for digit in "1234":
        till.locator(f'[data-pin="{digit}"]').click()
    till.locator("#stage-main").click()
    expect(till.locator("#stage-says")).to_have_text("Wrong PIN, 2 tries left")
    stage(till, "pin")
    expect(till.locator("#pin-dots .filled")).to_have_count(0)
    for digit in PIN:
        till.locator(f'[data-pin="{digit}"]').click()
    till.keyboard.press("Enter")
    expect(till.locator('#stage[data-state="approved"]')).to_be_visible()


def test_another_card_pays_while_a_pin_is_asked_for(till: Page, desk: PinDesk) -> None:
    asked(till, desk)
    till.keyboard.press("1")
    desk.lay(desk.shop.card("Ben"))
    expect(till.locator('#stage[data-state="approved"]')).to_contain_text("Ben")


def test_a_pin_that_comes_after_a_restart_says_to_tap_again(
    window: BrowserContext, site: str, desk: PinDesk
) -> None:
    page = window.new_page()
    page.goto(f"{site}/till")
    ready(page)
    asked(page, desk)
    desk.pads.forget("till-1")  # what waits is in memory alone
    for digit in PIN:
        page.keyboard.press(digit)
    page.keyboard.press("Enter")
    expect(page.locator("#stage-more")).to_have_text("The tap is too old. Tap again.")
    desk.lay(desk.shop.card("Ben"))
    expect(page.locator('#stage[data-state="approved"]')).to_contain_text("Ben")


def test_escape_cancels_the_sale(till: Page, desk: PinDesk) -> None:
    asked(till, desk)
    till.keyboard.press("Escape")
    expect(till.locator('#stage[data-state="cancelled"]')).to_be_visible()
    expect(till.locator("#pinpad")).to_be_hidden()


def test_money_for_a_closed_sale_stands_on_the_till_until_it_is_noted(
    till: Page, desk: PinDesk
) -> None:
    shop = desk.shop
    sale = shop.arm(2100)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    incoming.offer(shop.db, sale, bytes(32), "lnbcrt1", shop.clock.now() + MINUTE, "cards.example")
    words = {"words": "Daily limit reached"}
    incoming.decline(shop.db, sale.sale_id, Code.FOREIGN_REFUSED, words)
    declined = till.locator('#stage[data-state="declined"]')
    expect(declined).to_contain_text("Daily limit reached")
    shoot(till, "till-foreign-refused-touch-light")
    till.keyboard.press("Escape")
    expect(till.locator("#stage")).not_to_have_attribute("data-state", "declined")
    incoming.settle(shop.db, bytes(32))
    late = till.locator("#late")
    expect(late).to_contain_text("2\u00a0100 sats were paid by a card of cards.example")
    shoot(till, "till-paid-late-touch-light")
    assert overflow(till) <= 0
    late.get_by_role("button", name="Noted").click()
    expect(late).to_be_hidden()


@pytest.mark.parametrize(
    ("size", "theme"), list(zip(SIZES, ("light", "dark", "light"), strict=True))
)
def test_the_pin_pad_fits_every_screen(
    browser: Browser, site: str, desk: PinDesk, size: str, theme: str
) -> None:
    shop = desk.shop
    stores.set_currency(shop.db, "main", "EUR")
    rates.put(shop.db, Rate("EUR", "60000.00", "fixed", shop.clock.now(), stale_at=0))
    with new_context(browser, size, theme) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        complaints = watch(page)
        page.goto(f"{site}/till")
        ready(page)
        keys(page, "*2100")  # in sats
        expect(page.locator("#fiat")).to_contain_text("1.26\u00a0EUR, rate of")
        shoot(page, f"till-rate-{size}-{theme}")
        asked(page, desk)
        page.keyboard.press("7")
        shoot(page, f"till-pin-{size}-{theme}")
        assert overflow(page) <= 0
        box = page.locator('[data-pin="5"]').bounding_box()
        assert box is not None
        assert box["height"] >= 56
        expect(page.locator("#stage-main")).to_be_in_viewport()
        expect(page.locator('[data-pin="0"]')).to_be_in_viewport()
        assert complaints == []
