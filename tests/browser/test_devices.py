"""Trusted tills in a real browser: PINs, change of person, lock, several terminals and readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.access import COOKIE, DEVICE_COOKIE
from host.clock import MINUTE, ManualClock
from host.ledger import devices, people, sales, stores
from host.ledger.permissions import Person, Role
from host.ledger.records import SaleState
from tests.support.browser import SIZES, look_at, new_context, watch
from tests.support.running import wait_for
from tests.support.shop import Shop
from tests.support.till_page import heard, keys, ready, stage
from tests.support.two_tills import PIN, TwoTills, sign_in

pytestmark = pytest.mark.browser

Tablet = Callable[..., BrowserContext]


@pytest.fixture
def ann(shop: Shop) -> Person:
    return people.create(shop.db, "Ann", Role.CASHIER, store_id="main", pin=PIN)


@pytest.fixture
def bob(shop: Shop) -> Person:
    return people.create(shop.db, "Bob", Role.CASHIER, store_id="main", pin="8642")


@pytest.fixture
def tablet(browser: Browser, site: str, shop: Shop) -> Iterator[Tablet]:
    """Makes browsers that are trusted tills."""
    opened: list[BrowserContext] = []

    def make(terminal_id: str = "till-1", **look: str) -> BrowserContext:
        window = new_context(browser, **look)
        token = devices.trust(shop.db, "Counter tablet", terminal_id)[1]
        window.add_cookies([{"name": DEVICE_COOKIE, "value": token, "url": site}])
        opened.append(window)
        return window

    yield make
    for window in opened:
        window.close()


@pytest.fixture
def till(tablet: Tablet, site: str, ann: Person) -> Iterator[Page]:
    """A trusted till on which Ann has signed in; whatever it complains about fails the test."""
    page = tablet().new_page()
    complaints = watch(page)
    page.goto(f"{site}/till")
    sign_in(page, "Ann")
    ready(page)
    yield page
    # The browser says so itself when a PIN is wrong, and when a locked till asks for something.
    assert [one for one in complaints if "401" not in one and "403" not in one] == []


def test_a_cashier_signs_in_by_touch(tablet: Tablet, site: str, ann: Person) -> None:
    page = tablet().new_page()
    page.goto(f"{site}/till")
    page.get_by_role("link", name="Ann").click()
    for digit in "24688":
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Delete the last digit").click()
    box = page.get_by_role("button", name="5", exact=True).bounding_box()
    assert box is not None
    assert box["height"] >= 56
    page.get_by_role("button", name="OK").click()
    expect(page.locator("#entry")).to_be_visible()
    expect(page.get_by_role("link", name="Ann")).to_be_visible()


def test_wrong_pins_are_counted_and_then_the_pin_is_locked(
    tablet: Tablet, site: str, ann: Person
) -> None:
    page = tablet().new_page()
    page.goto(f"{site}/sign-in")
    page.get_by_role("link", name="Ann").press("Enter")
    expect(page.locator("#pin")).to_be_focused()
    for left in ("4 tries", "3 tries", "2 tries", "One try"):
        keys(page, "9999")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(f"{left} left")
        expect(page.locator("#pin")).to_be_focused()
    keys(page, "9999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Try again in 5 minutes")
    expect(page.locator("#pin")).to_have_count(0)
    page.get_by_role("link", name="Somebody else").press("Enter")
    expect(page.get_by_role("link", name="Ann")).to_contain_text("PIN locked")


def test_another_person_goes_on_with_the_open_sale_and_the_amount(
    till: Page, shop: Shop, bob: Person
) -> None:
    keys(till, "2100")
    till.get_by_role("link", name="Ann").click()
    sign_in(till, "Bob", "8642")
    ready(till)
    expect(till.locator("#amount-text")).to_have_text("2\u00a0100")
    till.keyboard.press("Enter")
    stage(till, "ready")
    till.get_by_role("link", name="Bob").click()
    till.get_by_role("link", name="Back, as Bob").click()
    heard(till)
    stage(till, "ready")
    till.get_by_role("link", name="Bob").click()
    sign_in(till, "Ann")
    heard(till)
    stage(till, "ready")
    sale = sales.current(shop.db, "till-1")
    assert sale is not None
    shop.tap(shop.card("Cleo"))
    stage(till, "approved")


def test_a_wrong_pin_leaves_the_one_before_signed_in(till: Page, bob: Person) -> None:
    till.get_by_role("link", name="Ann").click()
    sign_in(till, "Bob", "1357")
    expect(till.get_by_role("alert")).to_contain_text("Wrong PIN")
    expect(till.locator("#pin-keys")).to_be_visible()
    till.keyboard.press("Escape")
    till.get_by_role("link", name="Back, as Ann").click()
    expect(till.locator("#entry")).to_be_visible()


def test_a_till_that_nobody_uses_is_locked_and_keeps_amount_and_sale(
    till: Page, shop: Shop, clock: ManualClock
) -> None:
    keys(till, "750")
    expect(till.locator("#amount-text")).to_have_text("750")
    clock.advance(15 * MINUTE + 1)
    shop.dots()
    expect(till.get_by_text("This till was locked because nobody used it.")).to_be_visible()
    expect(till.locator("#pin-keys")).to_be_visible()
    sale = shop.arm(21)  # as another device on this terminal would
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    sales.move(shop.db, sale.sale_id, SaleState.CHECKING)
    keys(till, PIN)
    till.keyboard.press("Enter")
    heard(till)
    stage(till, "checking")
    sales.move(shop.db, sale.sale_id, SaleState.DECLINED)
    stage(till, "declined")
    till.keyboard.press("Escape")
    stage(till, "cancelled")
    till.keyboard.press("Enter")
    expect(till.locator("#amount-text")).to_have_text("750")


def test_a_device_that_is_trusted_no_more_shows_the_password_form_at_once(
    till: Page, shop: Shop
) -> None:
    (device,) = devices.every(shop.db)
    devices.revoke(shop.db, device.device_id)
    expect(till.get_by_label("Password")).to_be_visible()
    expect(till.get_by_text("Ann")).to_have_count(0)


def test_a_stolen_session_cookie_opens_nothing_in_another_browser(
    till: Page, browser: Browser, site: str
) -> None:
    (cookie,) = (one for one in till.context.cookies() if one["name"] == COOKIE)
    with new_context(browser) as thief:
        thief.add_cookies([{"name": COOKIE, "value": cookie["value"], "url": site}])
        page = thief.new_page()
        page.goto(f"{site}/till")
        expect(page.get_by_label("Password")).to_be_visible()


def test_a_till_of_one_store_shows_nothing_of_another(
    till: Page, tablet: Tablet, site: str, shop: Shop
) -> None:
    stores.create(shop.db, "Elsewhere", store_id="elsewhere")
    stores.ensure_terminal(shop.db, "far", "elsewhere", name="Far")
    shop.board.report("reader:far", True, "twin ready")
    people.create(shop.db, "Fay", Role.CASHIER, store_id="elsewhere", pin=PIN)
    far = tablet("far").new_page()
    far.goto(f"{site}/till")
    expect(far.get_by_role("link", name="Ann")).to_have_count(0)
    sign_in(far, "Fay")
    ready(far)
    keys(far, "33")
    far.keyboard.press("Enter")
    stage(far, "ready")
    expect(till.locator("#entry")).to_be_visible()
    for page, other in ((till, "far"), (far, "till-1")):
        answer = page.request.get(f"{site}/till/state?terminal={other}")
        assert answer.status == 403


# With real readers ----------------------------------------------------------------------------


def test_two_tills_at_once_each_with_its_own_reader(two_tills: TwoTills) -> None:
    db = two_tills.daemon.db
    one, two = two_tills.till("till-1", "Ann"), two_tills.till("till-2", "Bob")
    for page, amount in ((one, "11"), (two, "22")):
        keys(page, amount)
        page.keyboard.press("Enter")
        stage(page, "ready")
    two_tills.readers["till-2"].lay("ada")
    stage(two, "approved")
    stage(one, "ready")
    two_tills.readers["till-2"].lift()
    two_tills.readers["till-1"].lay("bo")
    stage(one, "approved")
    two_tills.readers["till-1"].lift()
    paid = {name: sales.latest(db, name) for name in ("till-1", "till-2")}
    by = {name: people.by_name(db, name) for name in ("Ann", "Bob")}
    told = {
        name: (sale.state, sale.amount_msat, sale.person_id)
        for name, sale in paid.items()
        if sale is not None
    }
    assert told == {
        "till-1": (SaleState.APPROVED, 11_000, by["Ann"].person_id if by["Ann"] else ""),
        "till-2": (SaleState.APPROVED, 22_000, by["Bob"].person_id if by["Bob"] else ""),
    }


def test_an_order_on_one_device_is_paid_at_anothers_reader(two_tills: TwoTills) -> None:
    db = two_tills.daemon.db
    waiter, counter = two_tills.till("till-1", "Ann"), two_tills.till("till-2", "Bob")
    waiter.locator("summary", has_text="Charging at:").click()
    waiter.get_by_role("button", name="till-2").click()
    expect(waiter.locator("summary", has_text="Charging at:")).to_contain_text("till-2")
    ready(waiter)
    keys(waiter, "55")
    waiter.keyboard.press("Enter")
    stage(waiter, "ready")
    stage(counter, "ready")  # two devices at one terminal show the same sale
    two_tills.readers["till-2"].lay("ada")
    stage(waiter, "approved")
    stage(counter, "approved")
    two_tills.readers["till-2"].lift()
    sale = wait_for(db, lambda: sales.latest(db, "till-2"))
    assert (sale.terminal_id, sale.amount_msat) == ("till-2", 55_000)
    assert sales.latest(db, "till-1") is None
    waiter.goto(f"{two_tills.site}/till")  # the device remembers it
    expect(waiter.locator("summary", has_text="Charging at:")).to_contain_text("till-2")


# What they look like --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES, "small"])
def test_the_pages_of_tills_and_people(
    tablet: Tablet, site: str, shop: Shop, ann: Person, bob: Person, size: str
) -> None:
    stores.ensure_terminal(shop.db, "till-2", "main", name="Terrace")
    people.create(shop.db, "Carla Montefiore-Lindqvist", Role.CASHIER, pin=PIN)
    look = "phone" if size == "small" else size
    window = tablet("till-1", size=look)
    device = devices.every(shop.db)[0]
    for _ in range(5):
        devices.sign_in(shop.db, device, bob.person_id, "9999")
    page = window.new_page()
    if size == "small":
        page.set_viewport_size({"width": 320, "height": 640})
    complaints = watch(page)
    for name, path in (
        ("who", "sign-in"),
        ("pin", f"sign-in?as={ann.person_id}"),
        ("pin-locked", f"sign-in?as={bob.person_id}"),
    ):
        page.goto(f"{site}/{path}")
        look_at(page, f"{name}-{size}")
    page.goto(f"{site}/sign-in")
    sign_in(page, "Ann")
    ready(page)
    for name, path in (
        ("change", "sign-in/change?next=/till"),
        ("till-trusted", "till"),
        ("me-pin", "me"),
    ):
        page.goto(f"{site}/{path}")
        look_at(page, f"{name}-{size}")
    window.add_cookies([{"name": COOKIE, "value": shop.session(), "url": site}])
    for name in ("terminals", "device", "people"):
        page.goto(f"{site}/{name}")
        look_at(page, f"{name}-trusted-{size}")
    assert complaints == []
