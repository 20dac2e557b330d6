"""The balance page in a real browser: on a phone, light and dark, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from host.ledger import addresses, cards
from host.ledger.records import Limits
from host.money import sats
from host.web import WebServer
from tests.host.lnurl.test_balance_page import phone_of
from tests.support.browser import THEMES, new_context, overflow, shoot, watch
from tests.support.world import World, world

pytestmark = pytest.mark.browser


@pytest.fixture
def held(tmp_path: Path) -> Iterator[World]:
    """A card in a holder's hand."""
    with world(tmp_path, sats(125_400)) as shop:
        limits = Limits(tap_msat=sats(30_000), day_msat=sats(50_000), count=8)
        cards.set_limits(shop.db, shop.card.card_id, limits)
        addresses.give(shop.db, shop.card.card_id, "ann")
        yield shop


@pytest.fixture
def page_url(held: World) -> Iterator[str]:
    with WebServer(phone_of(held, fill=True).application, "127.0.0.1", 0) as server:
        yield f"{server.url}/balance"


@pytest.mark.parametrize("theme", THEMES)
def test_a_holder_sees_the_balance_on_a_phone_without_scripts(
    browser: Browser, held: World, page_url: str, theme: str
) -> None:
    tap = held.tap(1)
    with new_context(browser, "phone", theme) as context:
        page = context.new_page()
        complaints = watch(page)
        page.goto(f"{page_url}?p={tap['p']}&c={tap['c']}")
        expect(page.get_by_role("heading", name="Ann")).to_be_visible()
        expect(page.locator(".amount")).to_contain_text("125\u00a0400")
        expect(page.locator(".qr svg")).to_be_visible()
        assert overflow(page) == 0
        assert complaints == []
        shoot(page, f"balance-{theme}")


def test_the_address_that_a_phone_read_opens_the_page(
    browser: Browser, held: World, page_url: str
) -> None:
    tap = held.tap(1)
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(page_url)
        page.get_by_label("The address your phone read").fill(
            f"lnurlw://pay.example/ln?p={tap['p']}&c={tap['c']}"
        )
        page.get_by_role("button", name="Show my balance").click()
        expect(page.locator(".amount")).to_contain_text("125\u00a0400")
        assert page.url == page_url, "no tap stands in the address"
