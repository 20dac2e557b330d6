"""What is keyed in at the till, in a real browser: units, lines, notes, tips, QR codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext
from dashboard.live import MAX_STREAMS
from host.bolt11 import Network
from host.ledger import incoming, rates, sales, settings, stores
from host.ledger.rates import Rate
from host.ledger.records import Sale, SaleMethod
from host.ledger.tips import TIPS, Tips
from host.lightning.embedded import EmbeddedWallet
from host.money import sats
from host.screen import Screen
from host.web import WebServer
from tests.support.browser import SIZES, look_at, new_context, overflow, watch
from tests.support.shop import Shop
from tests.support.till_page import heard, stage

pytestmark = pytest.mark.browser

SMALL = (320, 640)


@pytest.fixture
def site(shop: Shop, tmp_path: Path) -> Iterator[str]:
    """A dashboard over the shop, with the shop's wallet, in euros and with tips."""
    wallet = EmbeddedWallet(tmp_path / "net.db", "shop", shop.clock)
    screen = Screen(shop.db, wallet, shop.clock, Network.REGTEST)
    context = DashboardContext(
        shop.db, shop.clock, shop.board, shop.terminal, b"s" * 32, screen=screen
    )
    with WebServer(create_app(context), "127.0.0.1", 0, threads=MAX_STREAMS + 6) as server:
        yield server.url
        context.stopping.set()
    screen.stop()
    wallet.close()


def euros(shop: Shop, **more: int) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    rates.put(shop.db, Rate("EUR", "60000.00", "fixed", shop.clock.now(), **more))


def offer_tips(shop: Shop) -> None:
    settings.put(shop.db, "main", TIPS, Tips(on=True, percents=(5, 10)))


def keys(page: Page, *names: str) -> None:
    for name in names:
        for key in [name] if len(name) > 1 and name.isalpha() else name:
            page.keyboard.press(key)


def armed(shop: Shop) -> Sale:
    sale = sales.current(shop.db, "till-1")
    assert sale is not None
    return sale


# -- the store's currency ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        (["1250"], "12.50"),
        (["7"], "0.07"),
        (["12.5"], "12.50"),
        (["12.50", "Backspace"], "12.50"),
        (["12.57", "Backspace"], "12.50"),
        (["12.5", "Backspace", "Backspace"], "0.12"),
        ([".5"], "0.50"),
        (["3,999"], "3.99"),
        (["123456700"], "1\u00a0234\u00a0567.00"),
        (["12.5+3", "Delete"], "12.50"),
        (["12.5+", "Backspace", "0"], "125.00"),
    ],
)
def test_digits_shift_in_by_cents_and_a_point_begins_them(
    till: Page, shop: Shop, typed: list[str], amount: str
) -> None:
    euros(shop)
    till.reload()
    keys(till, *typed)
    expect(till.locator("#amount-text")).to_have_text(amount)
    expect(till.locator("#amount-unit")).to_have_text("EUR")


def test_a_bill_in_euros_is_charged_in_euros_and_told_in_both(till: Page, shop: Shop) -> None:
    euros(shop)
    till.reload()
    keys(till, "1250+3.5")
    expect(till.locator("#fiat")).to_have_text("≈ 26\u00a0667\u00a0sats")
    till.get_by_role("button", name="Charge 16.00\u00a0EUR").click()
    ready = stage(till, "ready")
    expect(ready).to_contain_text("16.00 EUR")
    expect(ready).to_contain_text("26\u00a0667 sats")
    assert (armed(shop).fiat, armed(shop).amount_msat) == ("16.00", sats(26_667))


def test_the_unit_is_switched_by_key_while_nothing_is_typed_and_remembered(
    till: Page, shop: Shop
) -> None:
    euros(shop)
    till.reload()
    till.keyboard.press("*")
    expect(till.get_by_role("button", name="sats", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    keys(till, "21")
    expect(till.locator("#amount-text")).to_have_text("21")
    till.get_by_role("button", name="EUR", exact=True).click()
    expect(till.locator("#hint")).to_have_text("Clear the amount first: CC")
    till.reload()
    expect(till.locator("#amount-text")).to_have_text("21")
    keys(till, "Escape", "*")
    expect(till.locator("#amount-text")).to_have_text("0.00")


def test_a_stale_rate_warns_beside_the_amount(till: Page, shop: Shop) -> None:
    euros(shop, stale_at=0)
    till.reload()
    expect(till.locator("#fiat.old")).to_contain_text("rate of")


@pytest.mark.parametrize("typed", ["123456", "1234567", "999999999"])
def test_no_digit_is_cut_off_on_a_small_phone(till: Page, shop: Shop, typed: str) -> None:
    euros(shop, stale_at=0)
    _resize(till, *SMALL)
    till.reload()
    till.evaluate("document.fonts.load('650 64px Inter').then(() => true)")
    keys(till, typed)
    _painted(till)
    outside = """(id) => {
      const panel = document.querySelector(".amount-panel").getBoundingClientRect();
      const box = document.getElementById(id).getBoundingClientRect();
      const out = [panel.left - box.left, box.right - panel.right, box.bottom - panel.bottom];
      return Math.max(0, ...out);
    }"""
    assert till.evaluate(outside, "amount-text") == 0
    assert till.evaluate(outside, "fiat") == 0


# -- lines and the note --------------------------------------------------------------------------


def test_a_line_can_be_read_and_removed_and_the_focus_stays_useful(till: Page) -> None:
    keys(till, "1800+300+21")
    expect(till.locator("#lines li span")).to_have_text(["1\u00a0800", "300"])
    till.get_by_role("button", name="Remove item 1: 1\u00a0800\u00a0sats").click()
    expect(till.locator("#lines li span")).to_have_text(["300"])
    expect(till.locator("#amount-text")).to_have_text("321")
    expect(till.locator("#amount")).to_be_focused()


def test_many_lines_scroll_by_themselves_and_nothing_is_cut_off(till: Page) -> None:
    _resize(till, *SMALL)
    keys(till, *(f"{n}+" for n in range(100, 112)))
    expect(till.locator("#lines li").last).to_be_in_viewport()
    expect(till.locator("#amount-text")).to_be_in_viewport()
    assert overflow(till) <= 0


def test_a_note_is_written_by_keyboard_alone_and_stands_with_the_sale(
    till: Page, shop: Shop
) -> None:
    keys(till, "21", "/")
    expect(till.locator("#note")).to_be_focused()
    till.keyboard.type("Table 4/7+")
    till.keyboard.press("Enter")
    expect(till.locator("#amount")).to_be_focused()
    expect(till.locator("#note-shown")).to_have_text("Table 4/7+")
    till.reload()
    keys(till, "/")
    till.keyboard.type("no")
    till.keyboard.press("Escape")
    till.keyboard.press("Enter")
    expect(stage(till, "ready")).to_contain_text("Table 4/7+")
    assert armed(shop).note == "Table 4/7+"
    shop.tap(shop.card("Ann"))
    stage(till, "approved")
    till.keyboard.press("Enter")
    expect(till.locator("#note-shown")).to_have_text("Note")


# -- tips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pressed", "tip"), [("Enter", 0), ("0", 0), ("1", 50), ("2", 100), ("Escape", None)]
)
def test_a_tip_is_chosen_by_one_key(till: Page, shop: Shop, pressed: str, tip: int | None) -> None:
    offer_tips(shop)
    till.reload()
    keys(till, "1000", "Enter")
    asks = stage(till, "tip")
    expect(asks.get_by_role("button", name="5 % 50\u00a0sats")).to_be_visible()
    expect(till.locator("#stage-main")).to_be_focused()
    till.keyboard.press(pressed)
    if tip is None:
        expect(till.locator("#amount")).to_be_focused()
        assert sales.current(shop.db, "till-1") is None
        return
    stage(till, "ready")
    assert (armed(shop).amount_msat, armed(shop).tip_msat) == (sats(1_000 + tip), sats(tip))


def test_a_tip_of_ones_own_is_typed(till: Page, shop: Shop) -> None:
    offer_tips(shop)
    till.reload()
    keys(till, "1000", "Enter")
    stage(till, "tip").get_by_role("button", name="Own amount").click()
    expect(till.locator("#asks")).to_have_text("Tip for 1\u00a0000\u00a0sats")
    keys(till, "+7")
    expect(till.locator("#charge-text")).to_have_text("Charge 1\u00a0000\u00a0sats + 7\u00a0sats")
    till.keyboard.press("Escape")
    stage(till, "tip")
    keys(till, "3", "77", "Enter")
    expect(stage(till, "ready")).to_contain_text("with a tip of 77\u00a0sats")
    assert (armed(shop).amount_msat, armed(shop).tip_msat) == (sats(1_077), sats(77))
    till.keyboard.press("Escape")
    stage(till, "cancelled")
    till.keyboard.press("Enter")
    expect(till.locator("#amount-text")).to_have_text("1\u00a0000")


def test_a_refused_sale_is_told_beside_the_amount_and_not_on_the_tips(
    window: BrowserContext, site: str, shop: Shop
) -> None:
    offer_tips(shop)
    page = window.new_page()
    page.goto(f"{site}/till")
    heard(page)
    keys(page, "1000", "Enter")
    stage(page, "tip")
    settings.put(shop.db, "main", TIPS, Tips())
    page.keyboard.press("2")
    expect(page.locator("#hint")).to_contain_text("This amount cannot be charged")
    expect(page.locator("#amount-text")).to_have_text("1\u00a0000")


# -- the QR code ---------------------------------------------------------------------------------


def show_code(page: Page) -> None:
    keys(page, "21", "Enter")
    stage(page, "ready")
    page.keyboard.press("q")
    stage(page, "qr")


def test_a_code_is_shown_paid_and_approved(till: Page, shop: Shop) -> None:
    show_code(till)
    loaded = "document.getElementById('qr-image').decode().then(() => true)"
    assert till.evaluate(loaded)
    (code,) = incoming.offered(shop.db, armed(shop).sale_id)
    expect(till.locator("#qr-text")).to_have_value(code.bolt11)
    incoming.settle(shop.db, code.payment_hash)
    expect(stage(till, "approved")).to_contain_text("21 sats")
    expect(till.locator("#qr")).to_be_hidden()
    paid = sales.latest(shop.db, "till-1")
    assert paid is not None
    assert paid.method is SaleMethod.INVOICE


def test_a_code_survives_a_reload_and_is_put_away_by_its_key(till: Page, shop: Shop) -> None:
    show_code(till)
    till.reload()
    words = stage(till, "qr")
    expect(words).to_contain_text("Scan to pay")
    for key in ("Enter", "5"):
        till.keyboard.press(key)
    stage(till, "qr")
    till.keyboard.press("q")
    expect(stage(till, "ready")).to_contain_text("Tap the card")
    shop.tap(shop.card("Ann"))
    stage(till, "approved")


def test_a_card_beside_a_code_is_told_in_words(till: Page, shop: Shop) -> None:
    show_code(till)
    shop.db.transaction(
        lambda tx: tx.event(
            "card.seen", store_id="main", subject="till-1", data={"sale_state": "qr"}
        )
    )
    words = "Card seen: put the code away first, then tap again"
    expect(till.locator("#stage-more")).to_have_text(words)
    expect(till.locator("#announce")).to_have_text(words)


def test_a_code_is_copied_as_text(till: Page, window: BrowserContext) -> None:
    window.grant_permissions(["clipboard-read", "clipboard-write"])
    show_code(till)
    till.get_by_role("button", name="Copy").click()
    expect(till.locator("#qr-copy")).to_have_text("Copied")
    copied = till.evaluate("navigator.clipboard.readText()")
    assert copied == till.locator("#qr-text").input_value()
    till.keyboard.press("Escape")
    stage(till, "cancelled")


# -- every new state: pictures, barriers, sizes --------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_new_state_is_without_barriers_and_fits(
    browser: Browser, site: str, shop: Shop, size: str
) -> None:
    euros(shop)
    settings.put(shop.db, "main", TIPS, Tips(on=True))
    with new_context(browser, size) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        complaints = watch(page)
        page.goto(f"{site}/till")
        heard(page)
        for name in _walk(page):
            expect(page.locator(".key.pressed")).to_have_count(0)
            look_at(page, f"till-{name}-{size}")
            _resize(page, *SMALL)
            assert overflow(page) <= 0, f"{name}, 320 px"
            _resize(page, *SIZES[size])
        assert complaints == []


def _resize(page: Page, width: int, height: int) -> None:
    """Another size of the window, once it is painted in it."""
    page.set_viewport_size({"width": width, "height": height})
    _painted(page)


def _painted(page: Page) -> None:
    """Wait until what was changed is on the screen: two frames."""
    frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(frame)


def _walk(page: Page) -> Iterator[str]:
    """Go through the states that a sale in euros with a tip and a code has."""
    keys(page, "1250+3.5+420/")
    page.keyboard.type("Table 4")
    page.keyboard.press("Enter")
    yield "euros"
    page.keyboard.press("Enter")
    stage(page, "tip")
    yield "tip"
    keys(page, "4", "150")
    yield "own-tip"
    page.keyboard.press("Enter")
    stage(page, "ready")
    yield "ready-euros"
    page.keyboard.press("q")
    stage(page, "qr")
    page.evaluate("document.getElementById('qr-image').decode()")
    yield "qr"
    page.keyboard.press("Escape")
    stage(page, "cancelled")
    page.keyboard.press("Enter")
    page.locator("#sound").click()
    expect(page.locator("#volume")).to_be_visible()
    yield "sound"
