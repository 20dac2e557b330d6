"""The till as an app in a real browser: it can be installed, and without its host it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from dashboard.live import MAX_STREAMS
from host.web import WebServer
from tests.support.browser import barriers, new_context, overflow, shoot
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def host(shop: Shop) -> Iterator[WebServer]:
    """A dashboard that a test may take away."""
    context = DashboardContext(shop.db, shop.clock, shop.board, shop.terminal, b"s" * 32)
    with WebServer(create_app(context), "127.0.0.1", 0, threads=MAX_STREAMS + 6) as server:
        yield server
        context.stopping.set()


@pytest.fixture
def device(browser: Browser, host: WebServer, shop: Shop) -> Iterator[BrowserContext]:
    """A device on which the till's worker may run."""
    with new_context(browser, worker=True) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": host.url}])
        yield window


@pytest.fixture
def till(device: BrowserContext, host: WebServer) -> Page:
    """The till, once its worker answers for it."""
    page = device.new_page()
    page.goto(f"{host.url}/till")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.evaluate(
        """navigator.serviceWorker.controller ? true : new Promise((done) =>
             navigator.serviceWorker.addEventListener("controllerchange", () => done(true)))"""
    )
    return page


def cached(page: Page) -> list[str]:
    """The paths of everything that the worker keeps."""
    found: list[str] = page.evaluate(
        """async () => {
             const kept = [];
             for (const name of await caches.keys())
               for (const request of await (await caches.open(name)).keys())
                 kept.push(new URL(request.url).pathname);
             return kept;
           }"""
    )
    return found


def test_the_browser_finds_nothing_wrong_with_the_manifest(
    device: BrowserContext, till: Page
) -> None:
    asked = device.new_cdp_session(till)
    told: dict[str, Any] = asked.send("Page.getAppManifest")
    assert told["errors"] == []
    assert told["url"].endswith("/till/app.webmanifest")
    troubles: dict[str, Any] = asked.send("Page.getInstallabilityErrors")
    wrong = {one["errorId"] for one in troubles["installabilityErrors"]}
    assert wrong <= {"in-incognito"}  # a test's window always is; nothing else stands in the way


def test_only_files_and_the_page_without_a_host_are_kept(till: Page) -> None:
    till.keyboard.press("5")
    till.keyboard.press("Enter")
    expect(till.locator('#stage[data-state="ready"]')).to_be_visible()
    till.reload()
    kept = cached(till)
    assert "/till/offline" in kept
    others = [one for one in kept if not one.startswith("/static/") and one != "/till/offline"]
    assert others == []


def test_without_its_host_the_till_says_so_and_never_shows_an_old_state(
    till: Page, host: WebServer, device: BrowserContext, shop: Shop
) -> None:
    shop.arm(2100)
    expect(till.locator('#stage[data-state="ready"]')).to_be_visible()
    device.set_offline(True)
    till.reload()
    expect(till.get_by_role("heading", name="No connection to the till's host")).to_be_visible()
    expect(till.get_by_text("Nothing is charged from this screen.")).to_be_visible()
    assert till.evaluate("fetch('/till/state').then(() => 'answered', () => 'nobody')") == "nobody"
    expect(till.get_by_role("link", name="Try again")).to_be_focused()
    assert overflow(till) <= 0
    shoot(till, "till-offline-touch-light")
    device.set_offline(False)
    expect(till.locator('#stage[data-state="ready"]')).to_be_visible()  # it comes back by itself


def test_the_page_without_a_host_has_no_barrier_and_fits_a_small_phone(
    till: Page, host: WebServer
) -> None:
    till.goto(f"{host.url}/till/offline")
    till.set_viewport_size({"width": 320, "height": 640})
    assert overflow(till) <= 0
    assert barriers(till) == []
