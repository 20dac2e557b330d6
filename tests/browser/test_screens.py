"""Pictures of every state at three sizes, light and dark, for people to look at (./screenshots).

What is asserted is little: nothing is wider than its window, and no page complains.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from hardware.twin.bench import Bench, Lights
from hardware.twin.counter import serve
from hardware.twin.store import Drawer
from host.clock import ManualClock
from host.ledger import cards, refunds, sales
from host.ledger.codes import Code
from host.ledger.records import CardState, SaleState
from tests.support.browser import SIZES, THEMES, Camera, new_context, watch
from tests.support.busy import business, lightning
from tests.support.others import foreign, on_screen, past
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

LOOKS = [(size, theme) for size in SIZES for theme in THEMES]


@pytest.mark.parametrize("size", SIZES)
def test_the_till_in_every_state(browser: Browser, site: str, shop: Shop, size: str) -> None:
    with new_context(browser, size) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        complaints = watch(page)
        page.goto(f"{site}/till")
        camera = Camera(page, size)
        _entry(page, camera)
        _sale(page, shop, camera)
        shop.dots(reader=False)
        page.keyboard.press("Escape")
        expect(page.locator('#stage[data-state="blocked"]')).to_be_visible()
        camera.take("till-blocked")
        assert complaints == []


def _entry(page: Page, camera: Camera) -> None:
    expect(page.locator("#entry")).to_be_visible()
    camera.take("till-idle")
    for key in "1800+300":
        page.keyboard.press(key)
    expect(page.locator(".key.pressed")).to_have_count(0)
    camera.take("till-amount")


def _sale(page: Page, shop: Shop, camera: Camera) -> None:
    sale = shop.arm(2100)
    steps = (
        (None, None),
        (SaleState.READING, None),
        (SaleState.DECLINED, Code.LIMIT_DAY),
        (SaleState.CANCELLED, None),
    )
    for state, code in steps:
        if state is not None:
            sales.move(shop.db, sale.sale_id, state, code=code)
        name = (state or SaleState.READY).value
        expect(page.locator(f'#stage[data-state="{name}"]')).to_be_visible()
        camera.take(f"till-{name}")
    sale = shop.arm(125_000)
    for state in (SaleState.AUTHORISING, SaleState.CHECKING):
        sales.move(shop.db, sale.sale_id, state)
        expect(page.locator(f'#stage[data-state="{state.value}"]')).to_be_visible()
        camera.take(f"till-{state.value}")
    sales.move(shop.db, sale.sale_id, SaleState.APPROVED)
    expect(page.locator('#stage[data-state="approved"]')).to_be_visible()
    camera.take("till-approved")


@pytest.mark.parametrize("size", SIZES)
def test_the_other_pages(
    browser: Browser, site: str, shop: Shop, clock: ManualClock, size: str
) -> None:
    with new_context(browser, size) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        complaints = watch(page)
        camera = Camera(page, size)
        for path in ("overview", "payouts", "cards"):
            page.goto(f"{site}/{path}")
            camera.take(f"{path}-empty")
        for name, path in _busy(shop, clock).items():
            page.goto(f"{site}/{path}")
            camera.take(name)
        page.goto(f"{site}/overview")
        page.locator("[data-detail]").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        camera.take("payout-dialog")
        window.clear_cookies()
        page.goto(f"{site}/sign-in")
        camera.take("sign-in")
        assert complaints == []


def _busy(shop: Shop, clock: ManualClock) -> dict[str, str]:
    """Weeks of business, a card in every state; what to look at, by name."""
    made = business(shop, clock, days=12)
    waiting = lightning(shop, made.cards[4], 4_200)
    cards.set_state(shop.db, made.cards[1].card_id, CardState.FROZEN)
    theirs = foreign(shop, 21_500).sale_id
    on_screen(shop, 3_000)
    refunds.refund(shop.db, str(made.made[-1].sale_id), 200_000, "cold coffee")
    old = past(shop)
    shop.dots()
    named = (
        "overview",
        "payouts",
        "cards",
        "reports",
        "audit",
        "people",
        "terminals",
        "me",
        "status",
        "sales",
        "history",
        "settings",
    )
    return {name: name for name in named} | {
        "payout": f"payouts/{made.made[-1].payout_id}",
        "payout-waiting": f"payouts/{waiting.payout_id}",
        "payout-imported": f"payouts/{old}",
        "sale": f"sales/{made.made[-1].sale_id}",
        "sale-foreign": f"sales/{theirs}",
        "card": f"cards/{made.cards[0].card_id}",
        "pull-payments": "pull-payments",
        "pull-payment": f"pull-payments/{shop.account.pull_payment_id}",
    }


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_virtual_counter(browser: Browser, tmp_path: Path, size: str, theme: str) -> None:
    drawer = Drawer(tmp_path / "cards")
    for name in ("alice", "bob", "carol", "mallory"):
        drawer.create(name)
    with (
        Bench(drawer) as bench,
        serve(bench, till_url="http://127.0.0.1:9/") as url,
        new_context(browser, size, theme) as window,
    ):
        page = window.new_page()
        complaints = watch(page)
        page.goto(url)
        camera = Camera(page, size, theme)
        bench.show(Lights((True, False, False, False)))
        expect(page.locator("#panel-big")).to_have_text("Ready")
        camera.take("counter-ready")
        page.get_by_role("button", name="alice: lay it on the reader").click()
        bench.show(Lights((True, True, True, True), approved=True, buzzer=True))
        expect(page.locator("#panel-big")).to_have_text("Approved")
        camera.take("counter-approved")
        bench.lay("bob")
        bench.show(Lights(declined=True))
        expect(page.locator("#panel-big")).to_have_text("Declined")
        camera.take("counter-declined")
        assert complaints == []
