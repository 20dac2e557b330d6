"""Recent payments in a real browser: seen, found, printed, given back, and receipts as paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.access import COOKIE
from host.clock import MINUTE, ManualClock
from host.ledger import people, print_jobs, rates, refunds, sales, settings
from host.ledger.permissions import Role
from host.ledger.print_jobs import PrinterRow
from host.ledger.rates import Rate
from host.ledger.records import Card, Sale, SaleState
from host.ledger.sales import Basket
from host.money import sats
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.receipts.texts import short
from tests.support.browser import (
    SHOTS,
    SIZES,
    barriers,
    look_at,
    new_context,
    overflow,
    shoot,
    watch,
)
from tests.support.shop import Shop
from tests.support.till_page import heard

pytestmark = pytest.mark.browser

Take = Callable[..., Sale]
HEADER = ("Via Ñandú 5, 00100 Roma", "P. IVA 01234567890")


@pytest.fixture
def take(shop: Shop, clock: ManualClock) -> Take:
    """A shop in euros with a printer; what it gives is a paid sale."""
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET currency = 'EUR'"))
    rates.put(shop.db, Rate("EUR", "50000.00", "Kraken", clock.now()))
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(HEADER))
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=True)])
    cards: dict[str, Card] = {}

    def pay(amount_sat: int, alias: str = "Ann", note: str = "") -> Sale:
        clock.advance(MINUTE)
        worth = f"{amount_sat / 2000:.2f}"
        basket = Basket(note=note, fiat=worth, lines=(worth,))
        sale = sales.open(shop.db, "main", sats(amount_sat), terminal_id="till-1", basket=basket)
        assert isinstance(sale, Sale)
        if alias not in cards:
            cards[alias] = shop.card(alias)
        shop.tap(cards[alias])
        paid = sales.get(shop.db, sale.sale_id)
        assert paid is not None
        clock.advance(MINUTE)
        shop.dots()
        return paid

    return pay


def business(shop: Shop, take: Take) -> Sale:
    """An afternoon; the sale it hands out was given back in part."""
    take(2_400, "Ben's card", note="table 4")
    take(125_000, "Staff canteen 7")
    sale = take(21_000, note="two coffees, a cake, and one more for the lady in the corner")
    refunds.refund(shop.db, sale.sale_id, sats(6_000), "cold coffee")
    waits = shop.arm(900)
    sales.move(shop.db, waits.sale_id, SaleState.AUTHORISING)
    sales.move(shop.db, waits.sale_id, SaleState.CHECKING)
    sales.move(shop.db, waits.sale_id, SaleState.APPROVED)
    take(3_600, "Cem")
    return sale


def test_the_till_opens_its_recent_payments_and_comes_back(
    till: Page, site: str, shop: Shop, take: Take
) -> None:
    sale = take(21_000)
    till.reload()
    expect(till.locator("#entry")).to_be_visible()
    till.keyboard.press("5")
    till.get_by_role("link", name="Recent").click()
    dialog = till.get_by_role("dialog")
    expect(dialog.get_by_text("in 1 payment")).to_be_visible()
    expect(till).to_have_url(f"{site}/till/recent")
    till.keyboard.type("77")  # goes into the search and not into the amount
    expect(dialog.get_by_role("searchbox")).to_have_value("77")
    dialog.get_by_role("link", name=f"Payment {short(sale.sale_id)}").click()
    expect(dialog.get_by_role("heading", name="21\u00a0000 sats")).to_be_visible()
    expect(till).to_have_url(f"{site}/till/recent/{sale.sale_id}")
    till.go_back()
    expect(dialog.get_by_role("heading", name="Recent payments")).to_be_visible()
    till.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(till).to_have_url(f"{site}/till")
    expect(till.locator("#amount-text")).to_have_text("0.05")
    expect(till.get_by_role("link", name="Recent")).to_be_focused()
    till.get_by_role("link", name="Recent").click()
    dialog.get_by_role("link", name=f"Payment {short(sale.sale_id)}").click()
    expect(dialog.get_by_role("heading", name="21\u00a0000 sats")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(till).to_have_url(f"{site}/till")
    assert till.evaluate("history.state") is None  # not two pages further on
    till.get_by_role("link", name="Recent").click()
    expect(till).to_have_url(f"{site}/till/recent")
    till.go_back()
    expect(dialog).to_be_hidden()
    expect(till).to_have_url(f"{site}/till")


def test_a_payments_address_can_be_reloaded(
    window: BrowserContext, site: str, shop: Shop, take: Take
) -> None:
    sale = take(21_000)
    page = window.new_page()
    complaints = watch(page)
    page.goto(f"{site}/till/recent/{sale.sale_id}")
    expect(page.get_by_text("Boltcard Ann …0180")).to_be_visible()
    page.get_by_role("link", name="← Recent payments").click()
    expect(page.get_by_role("heading", name="Recent payments")).to_be_visible()
    assert complaints == []


def test_a_payment_is_found_by_euros_and_by_its_number(till: Page, shop: Shop, take: Take) -> None:
    wanted = take(21_000, "Ann")
    take(2_400, "Ben")
    till.reload()
    till.get_by_role("link", name="Recent").click()
    dialog = till.get_by_role("dialog")
    for sought in ("10,50", "21000", short(wanted.sale_id).lower()):
        dialog.get_by_role("searchbox").fill(sought)
        till.keyboard.press("Enter")
        expect(dialog.get_by_role("heading", name="Found")).to_be_visible()
        expect(dialog.get_by_role("row")).to_have_count(2)
        expect(dialog.get_by_text("Ann", exact=True)).to_be_visible()
        assert "q=" in till.url
        dialog.get_by_role("link", name="The last ten").click()
        expect(dialog.get_by_role("heading", name="Recent payments")).to_be_visible()
    dialog.get_by_role("searchbox").fill("1")
    dialog.get_by_role("button", name="Find").click()
    expect(dialog.get_by_text("No payment of the last 90 days fits “1”.")).to_be_visible()


def test_a_receipt_is_printed_then_copied(till: Page, shop: Shop, take: Take) -> None:
    sale = take(21_000)
    till.reload()
    till.get_by_role("link", name="Recent").click()
    dialog = till.get_by_role("dialog")
    dialog.get_by_role("link", name=f"Payment {short(sale.sale_id)}").click()
    dialog.get_by_role("button", name="Print the receipt").click()
    expect(dialog.get_by_role("status")).to_have_text("It is printed on bar.")
    with till.expect_response(lambda answer: answer.request.method == "POST"):
        dialog.get_by_role("button", name="Print a copy").click()
    expect(dialog.get_by_role("status")).to_have_text("It is printed on bar.")
    first, second = (print_jobs.take(shop.db, "bar") for _ in range(2))
    assert first is not None
    assert second is not None
    assert ("COPY" in first.lines, "COPY" in second.lines) == (False, True)


def test_a_cashiers_refund_is_approved_by_a_manager_in_the_dialog(
    browser: Browser, site: str, shop: Shop, take: Take
) -> None:
    people.create(shop.db, "Mona", Role.MANAGER, password="correct horse")
    sale = take(21_000)
    with new_context(browser) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(Role.CASHIER), "url": site}])
        page = window.new_page()
        page.goto(f"{site}/till")
        page.get_by_role("link", name="Recent").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("link", name=f"Payment {short(sale.sale_id)}").click()
        dialog.get_by_text("Give money back").click()
        dialog.get_by_label("Amount, sats").fill("5000")
        dialog.get_by_label("Reason").fill("cold coffee")
        dialog.get_by_label("Manager's name").fill("Mona")
        dialog.get_by_label("Manager's password").fill("wrong horse")
        dialog.get_by_role("button", name="Give it back").click()
        expect(dialog.get_by_role("alert")).to_contain_text("do not fit")
        expect(dialog.get_by_label("Amount, sats")).to_have_value("5000")
        expect(dialog.get_by_label("Manager's password")).to_have_value("")
        assert barriers(page) == []
        shoot(page, "recent-approval-touch-light")
        dialog.get_by_label("Manager's password").fill("correct horse")
        dialog.get_by_role("button", name="Give it back").click()
        expect(dialog.get_by_text("5 000 sats given back to the card.")).to_be_visible()
        expect(dialog.get_by_text("Partly refunded")).to_be_visible()
        expect(page).to_have_url(f"{site}/till/recent/{sale.sale_id}")
    kept = sales.get(shop.db, sale.sale_id)
    assert kept is not None
    assert refunds.refunded_msat(kept) == sats(5_000)
    job = print_jobs.take(shop.db, "bar")
    assert job is not None
    assert (job.kind, "cold coffee" in job.lines) == ("refund", True)


def test_a_receipt_that_was_not_printed_is_told_on_the_till_at_once(
    till: Page, shop: Shop, take: Take
) -> None:
    sale = take(21_000)
    till.reload()
    heard(till)
    print_jobs.add(
        shop.db, "main", "till-1", print_jobs.PrintKind.RECEIPT, "[]", subject=sale.sale_id
    )
    job = print_jobs.take(shop.db, "bar")
    assert job is not None
    print_jobs.fail(shop.db, job.job_id, "printer bar: the paper is out")
    told = till.get_by_text("Receipt not printed: printer bar: the paper is out")
    expect(told).to_be_visible()
    expect(till.locator("#entry")).to_be_visible()  # and nothing keeps anybody from charging
    shoot(till, "till-not-printed-touch-light")
    till.get_by_role("button", name="Print again").click()
    expect(told).to_be_hidden()
    print_jobs.fail(shop.db, job.job_id, "printer bar: the paper is out")
    expect(told).to_be_visible()
    till.get_by_role("button", name="Dismiss").click()
    expect(told).to_be_hidden()


def test_a_sale_that_begins_elsewhere_is_seen_at_once(till: Page, shop: Shop, take: Take) -> None:
    take(21_000)
    till.reload()
    heard(till)
    till.get_by_role("link", name="Recent").click()
    expect(till.get_by_role("dialog")).to_be_visible()
    shop.arm(900)
    expect(till.get_by_role("dialog")).to_be_hidden()
    expect(till.locator('#stage[data-state="ready"]')).to_be_visible()


def test_the_drawer_is_opened_from_the_till(till: Page, shop: Shop, take: Take) -> None:
    take(21_000)
    till.reload()
    till.get_by_role("link", name="Recent").click()
    till.get_by_role("button", name="Open the cash drawer").click()
    expect(till.get_by_role("dialog").get_by_role("status")).to_have_text("The cash drawer opens.")
    job = print_jobs.take(shop.db, "bar")
    assert job is not None
    assert job.kind == "drawer"


@pytest.mark.parametrize("size", SIZES)
def test_recent_payments_in_pictures_and_without_barriers(
    browser: Browser, site: str, shop: Shop, take: Take, size: str
) -> None:
    sale = business(shop, take)
    with new_context(browser, size) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        complaints = watch(page)
        page.goto(f"{site}/till")
        page.get_by_role("link", name="Recent").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("searchbox")).to_be_visible()
        look_at(page, f"recent-{size}")
        dialog.get_by_role("link", name=f"Payment {short(sale.sale_id)}").click()
        expect(dialog.get_by_text("Give money back")).to_be_visible()
        look_at(page, f"recent-details-{size}")
        for name, path in (
            ("recent-page", "till/recent"),
            ("recent-found", "till/recent?q=10.50"),
            ("receipt", f"till/receipts/{sale.sale_id}"),
        ):
            page.goto(f"{site}/{path}")
            look_at(page, f"{name}-{size}")
        assert complaints == []


@pytest.mark.parametrize(("language", "paper_mm"), [("en", 80), ("es", 58)])
def test_a_receipt_on_paper_is_the_receipt_and_nothing_else(
    window: BrowserContext, site: str, shop: Shop, take: Take, language: str, paper_mm: int
) -> None:
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(HEADER, (), language, paper_mm=paper_mm))
    sale = business(shop, take)
    page = window.new_page()
    page.set_viewport_size({"width": round(paper_mm / 25.4 * 96), "height": 900})
    page.goto(f"{site}/till/receipts/{sale.sale_id}")
    page.emulate_media(media="print")
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.locator(".paper")).to_be_visible()
    assert overflow(page) <= 0
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"receipt-paper-{paper_mm}-{language}.png", full_page=True)


def test_a_receipt_reads_and_prints_without_any_script(
    browser: Browser, site: str, shop: Shop, take: Take
) -> None:
    sale = take(21_000)
    with browser.new_context(java_script_enabled=False) as window:
        window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
        page = window.new_page()
        page.goto(f"{site}/till/receipts/{sale.sale_id}")
        expect(page.get_by_text("TOTAL")).to_be_visible()
        page.get_by_role("link", name="Payment").click()
        page.get_by_role("button", name="Print the receipt").click()
        expect(page.get_by_role("status")).to_have_text("It is printed on bar.")
