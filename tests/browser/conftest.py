from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from dashboard import state
from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext, DemoInfo
from dashboard.live import MAX_STREAMS
from host.clock import MINUTE, ManualClock, SystemClock
from host.web import WebServer
from tests.support.browser import chromium, new_context, watch
from tests.support.shop import Shop
from tests.support.till_page import heard
from tests.support.two_tills import TwoTills
from tests.support.two_tills import two_tills as opened_tills

pytestmark = pytest.mark.browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(autouse=True)
def staying(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves the till's screen by itself stays for as long as a busy machine needs to look."""
    for one in state._STAYS_MS:
        monkeypatch.setitem(state._STAYS_MS, one, MINUTE - 1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
def shop(tmp_path: Path, clock: ManualClock) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, clock)
    yield shop
    shop.close()


@pytest.fixture
def site(shop: Shop) -> Iterator[str]:
    """The address of a dashboard over the shop."""
    context = DashboardContext(
        db=shop.db,
        clock=shop.clock,
        board=shop.board,
        terminal=shop.terminal,
        secret=b"s" * 32,
        demo=DemoInfo("http://127.0.0.1:9/enter/x"),
    )
    with WebServer(create_app(context), "127.0.0.1", 0, threads=MAX_STREAMS + 6) as server:
        yield server.url
        context.stopping.set()


@pytest.fixture
def window(browser: Browser, site: str, shop: Shop) -> Iterator[BrowserContext]:
    """A browser window of a touch screen's size in which a manager is signed in."""
    with new_context(browser) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        yield window


@pytest.fixture
def till(window: BrowserContext, site: str) -> Iterator[Page]:
    """The till page; whatever it complains about fails the test."""
    page = window.new_page()
    complaints = watch(page)
    page.goto(f"{site}/till")
    heard(page)
    yield page
    assert complaints == []


@pytest.fixture
def two_tills(browser: Browser, tmp_path: Path) -> Iterator[TwoTills]:
    """A shop with two terminals, each with a twin reader on a real driver, and a daemon."""
    with opened_tills(tmp_path / "home", browser) as tills:
        yield tills
