"""Every state and every refusal of the till on its page, each by what really brings it about.

A whole daemon with twin cards at its readers, another issuer on loopback, Chromium; nothing is
stubbed. Each row says what is laid down, what the cashier reads, and that a reload shows it again;
its pictures go to ./screenshots. After every refusal the same sale is paid by another card.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard import state
from dashboard.access import COOKIE
from host.clock import MINUTE
from host.ledger import cards
from host.ledger.codes import Code
from host.ledger.records import SaleState
from host.lightning.embedded import Fault
from tests.support.browser import Camera, new_context
from tests.support.running import HeldCard
from tests.support.till_page import charge, enter_pin, heard, idle, look, ready, stage
from tests.support.till_refusals import REFUSALS
from tests.support.till_rig import TillRig, till_rig

pytestmark = pytest.mark.browser

PIN = "4711"


@pytest.fixture
def staying() -> None:
    """Here what leaves the screen by itself does so: the next row begins with the amount."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TillRig]:
    with till_rig(tmp_path_factory.mktemp("till")) as rig:
        yield rig


@pytest.fixture(scope="module")
def window(browser: Browser, rig: TillRig) -> Iterator[BrowserContext]:
    with new_context(browser) as window:
        window.add_cookies([{"name": COOKIE, "value": rig.token(), "url": rig.url}])
        yield window


@pytest.fixture(scope="module")
def tab(window: BrowserContext, rig: TillRig) -> Page:
    """One page for all rows, as it stands on a counter all day."""
    page = window.new_page()
    page.goto(f"{rig.url}/till")
    heard(page)
    return page


@pytest.fixture(scope="module")
def good(rig: TillRig) -> HeldCard:
    """A card that always pays."""
    return rig.card("Ann", 1_000_000)


@pytest.fixture
def page(tab: Page, rig: TillRig) -> Iterator[Page]:
    """The till, idle, with nothing on its reader; and so again afterwards."""
    idle(tab, rig)
    yield tab
    rig.shop.reader().lift()


# -- refused, and paid by another card -----------------------------------------------------------


@pytest.mark.parametrize("code", REFUSALS, ids=str)
def test_refused_says_why_and_another_card_pays(
    page: Page, rig: TillRig, good: HeldCard, code: Code
) -> None:
    charge(page)
    REFUSALS[code](rig)
    more = ("Daily limit",) if code is Code.FOREIGN_REFUSED else ()
    every = code is Code.FOREIGN_REFUSED
    look(page, "declined", code, code.words.says, code.words.do, *more, every=every)
    rig.wallet.script_default(Fault.OK)
    rig.lift()
    rig.lay(good)
    expect(stage(page, "approved")).to_contain_text("Paid")
    assert rig.sale().state is SaleState.APPROVED


# -- the PIN -------------------------------------------------------------------------------------


def test_the_pin_is_asked_for_wrong_and_locked_and_another_card_pays(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    card = rig.card("Secret")
    cards.set_pin(rig.db, card.card_id, PIN)
    charge(page)
    rig.lay(card)
    look(page, "pin", Code.PIN_REQUIRED, "Enter the PIN")
    enter_pin(page, "0000")
    look(page, "pin", Code.PIN_WRONG, "Wrong PIN, 2 tries left", every=False)
    for left in ("1 try left", "PIN locked"):
        enter_pin(page, "0000")
        expect(page.locator("#stage-says")).to_contain_text(left)
    look(page, "declined", Code.PIN_LOCKED, "PIN locked", every=False)
    rig.lift()
    rig.lay(good)
    stage(page, "approved")


def test_the_right_pin_pays(page: Page, rig: TillRig) -> None:
    card = rig.card("Right")
    cards.set_pin(rig.db, card.card_id, PIN)
    charge(page)
    rig.lay(card)
    stage(page, "pin")
    enter_pin(page, PIN)
    stage(page, "approved")


# -- the way of a sale ---------------------------------------------------------------------------


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves the screen by itself stays long enough for all of its pictures."""
    for one in state._STAYS_MS:
        monkeypatch.setitem(state._STAYS_MS, one, MINUTE)


@pytest.mark.usefixtures("kept")
def test_ready_and_approved(page: Page, rig: TillRig, good: HeldCard) -> None:
    charge(page)
    look(page, "ready", "ready", "Tap the card")
    rig.lay(good)
    look(page, "approved", "approved", "Paid", "Ann")


@pytest.mark.usefixtures("kept")
def test_cancelled_is_said_and_the_amount_is_there_again(page: Page) -> None:
    charge(page)
    page.keyboard.press("Escape")
    look(page, "cancelled", "cancelled", "Nothing was charged")
    page.keyboard.press("Enter")
    expect(page.locator("#amount-text")).to_have_text("2\u00a0100")


def test_card_read_is_not_paid_until_its_bank_has_answered(page: Page, rig: TillRig) -> None:
    go_on = threading.Event()
    charge(page)
    rig.lay_abroad(pays=True, before=go_on)
    look(page, "authorising", "authorising", "You may remove the card. It is not paid yet.")
    go_on.set()
    stage(page, "approved")


def test_checking_is_locked_and_then_approved(page: Page, rig: TillRig) -> None:
    charge(page)
    rig.lay_abroad()
    look(page, "checking", "checking", "The payment is being checked", "Do not charge again")
    for key in ("Escape", "Enter", "5"):
        page.keyboard.press(key)
    stage(page, "checking")
    rig.bank_pays()
    expect(stage(page, "approved")).to_contain_text("Card of")


def test_checking_over_a_restart_then_failed_and_another_card_pays(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    charge(page)
    rig.lay_abroad()
    stage(page, "checking")
    rig.restart(10 * MINUTE)
    look(page, "declined", "checking-failed", "did not pay in time", every=False)
    rig.lift()
    rig.lay(good)
    stage(page, "approved")


def test_money_that_comes_too_late_is_told_until_somebody_has_noted_it(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    charge(page)
    rig.lay_abroad({"status": "ERROR", "reason": "no"})
    stage(page, "declined")
    rig.lift()
    rig.lay(good)
    stage(page, "approved")
    rig.bank_pays()
    expect(page.locator("#late")).to_contain_text("2\u00a0100 sats were paid")
    page.reload()
    page.get_by_role("button", name="Noted").click()
    expect(page.locator("#late")).to_be_hidden()


# -- cards and readers ---------------------------------------------------------------------------


def test_a_card_before_the_amount_is_told_and_pays_nothing(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    before = len(rig.events("sale.ready"))
    rig.lay(good)
    expect(page.locator("#hint")).to_contain_text("Card seen: confirm the amount first")
    Camera(page, "touch", "light").take("state-card-seen")
    assert len(rig.events("sale.ready")) == before


def test_a_card_left_on_the_reader_pays_once_and_is_asked_to_be_lifted(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    charge(page)
    rig.lay(good)
    stage(page, "approved")
    charge(page, "300")
    look(page, "ready", "card-left", "Lift it and lay it down again", every=False)
    rig.lift()
    rig.lay(good)
    expect(stage(page, "approved")).to_contain_text("300")


@pytest.mark.usefixtures("kept")
def test_the_same_tap_read_twice_is_one_sale(page: Page, rig: TillRig, good: HeldCard) -> None:
    url = good.tap_url()
    charge(page)
    rig.lay_text(url)
    stage(page, "approved")
    paid = len(rig.events("sale.approved"))
    rig.lift()
    rig.lay_text(url)
    rig.lift()
    assert len(rig.events("sale.approved")) == paid
    assert len(rig.events("payout.completed")) >= 1
    stage(page, "approved")


def test_a_reader_unplugged_while_armed_is_named_and_the_sale_is_paid_when_it_is_back(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    charge(page)
    plug = rig.shop.plugs["till-1"]
    plug.unplug()
    expect(page.locator("#dots .down")).to_contain_text("Reader")
    expect(page.locator("#stage-says")).to_have_text("Reader not available")
    look(page, "ready", "unplugged", "Reader not available", "The sale waits for it")
    page.keyboard.press("Escape")
    stage(page, "cancelled")
    page.keyboard.press("Enter")
    look(page, "blocked", "blocked", "Reader not available")
    plug.plug()
    expect(page.locator("#entry")).to_be_visible()
    charge(page)
    rig.lift()
    rig.lay(good)
    stage(page, "approved")


def test_lightning_down_blocks_the_till_and_says_so(page: Page, rig: TillRig) -> None:
    rig.wallet.script_default(Fault.DOWN)
    try:
        expect(page.locator("#dots .down")).to_contain_text("Lightning")
        look(page, "blocked", "lightning-down", "Lightning not available", every=False)
    finally:
        rig.wallet.script_default(Fault.OK)
    expect(page.locator("#entry")).to_be_visible()


def test_a_daemon_restarted_while_armed_goes_on_with_the_sale(
    page: Page, rig: TillRig, good: HeldCard
) -> None:
    charge(page)
    sale = rig.sale()
    rig.stop()
    expect(stage(page, "ready")).to_contain_text("Ledger, Lightning, Clock not available")
    expect(page.locator("#stage-do")).to_contain_text("Do not charge again")
    Camera(page, "touch", "light").take("state-daemon-away")
    rig.start()
    expect(page.locator("#dots .down")).to_have_count(0)
    stage(page, "ready")
    rig.lift()
    rig.lay(good)
    stage(page, "approved")
    assert rig.sale().sale_id == sale.sale_id


def test_two_tills_at_once_each_at_its_own_reader(
    page: Page, rig: TillRig, good: HeldCard, window: BrowserContext
) -> None:
    second = window.new_page()
    second.goto(f"{rig.url}/till?terminal=till-2")
    ready(second)
    charge(page, "100")
    charge(second, "200")
    rig.lay(rig.card("Bob"), terminal="till-2")
    expect(stage(second, "approved")).to_contain_text("200")
    stage(page, "ready")
    rig.lay(good)
    expect(stage(page, "approved")).to_contain_text("100")
    rig.lift("till-2")
    second.close()


def test_a_page_without_network_says_so_and_comes_back_to_the_truth(
    page: Page, rig: TillRig, good: HeldCard, window: BrowserContext
) -> None:
    charge(page)
    window.set_offline(True)
    try:
        page.keyboard.press("Escape")  # which reaches nobody
        expect(stage(page, "ready")).to_contain_text("The service cannot be reached")
        expect(page.locator("#stage-says")).not_to_have_text("Tap the card")
        Camera(page, "touch", "light").take("state-offline")
        rig.lay(good)
        rig.wait(SaleState.APPROVED)
    finally:
        window.set_offline(False)
    expect(page.locator("#dots .down")).to_have_count(0)
    expect(page.locator('#stage[data-state="ready"]')).to_have_count(0)
