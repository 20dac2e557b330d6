"""A holder at the counter's screen, in a real browser: the page follows the reader by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.clock import MINUTE, ManualClock
from host.ledger import cards
from host.ledger.records import Card
from host.visits import Step, Visits
from host.web import WebServer
from tests.support.browser import barriers, new_context, overflow, watch
from tests.support.shop import Shop

pytestmark = pytest.mark.browser
PIN = "7391"


@dataclass
class Desk:
    """A dashboard whose reader is lent to holders, and that reader."""

    shop: Shop
    visits: Visits
    url: str

    def read(self, card: Card) -> None:
        """The reader has read this card."""
        visit = self.visits.at(self.shop.terminal)
        assert visit is not None
        if visit.card_id is None:
            self.visits._put(visit, self.visits._looked(visit, self.shop.next_tap(card), None))
        else:
            self.visits._put(visit, replace(visit, step=Step.CHOOSE))


@pytest.fixture
def desk(shop: Shop) -> Iterator[Desk]:
    visits = Visits(shop.db, ())
    context = DashboardContext(
        shop.db, shop.clock, shop.board, shop.terminal, b"s" * 32, visits=visits
    )
    with WebServer(create_app(context), "127.0.0.1", 0, threads=8) as server:
        yield Desk(shop, visits, server.url)
        context.stopping.set()


@pytest.fixture(params=[("touch", "light"), ("phone", "dark")], ids=["touch", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[Page]:
    with new_context(browser, *request.param) as window:
        cookie = {"name": COOKIE, "value": desk.shop.session(), "url": desk.url}
        window.add_cookies([cookie])  # type: ignore[list-item]
        page = window.new_page()
        complaints = watch(page)
        yield page
        assert complaints == []


def fits(page: Page) -> None:
    assert overflow(page) == 0
    assert barriers(page) == []


def test_a_holder_sees_the_card_and_the_till_is_back(
    desk: Desk, page: Page, clock: ManualClock
) -> None:
    card = desk.shop.card("Ann")
    desk.shop.pay(card, 2_100)
    clock.advance(MINUTE)  # it is on the till's screen no more
    desk.shop.dots()
    cards.set_pin(desk.shop.db, card.card_id, PIN)
    page.goto(f"{desk.url}/till")
    page.get_by_role("link", name="Balance").click()
    fits(page)
    page.get_by_role("button", name="Show a balance").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lay down your card")
    fits(page)
    desk.read(card)
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the PIN of this card")
    fits(page)
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Show my balance").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("997\u00a0900 sats")
    fits(page)
    page.get_by_role("button", name="Done").click()
    expect(page).to_have_url(f"{desk.url}/till")


def test_a_holder_types_a_new_pin_twice_on_the_pad(desk: Desk, page: Page) -> None:
    card = desk.shop.card("Ann")
    page.goto(f"{desk.url}/cards/{card.card_id}")
    page.get_by_role("button", name="Let the holder choose a PIN").click()
    desk.read(card)
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a PIN for Ann")
    for name in ("New PIN", "Once more"):
        page.get_by_label(name).focus()
        for digit in PIN:
            page.get_by_role("button", name=digit, exact=True).click()
    fits(page)
    page.get_by_role("button", name="Set my PIN").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The PIN of Ann is set")
    kept = cards.get(desk.shop.db, card.card_id)
    assert kept is not None
    assert kept.pin_limit_msat == 0
