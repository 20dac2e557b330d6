"""The card desk in a real browser, at the reader of a running daemon, with twin cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from hardware.demo.stage import BLANK, stage
from hardware.twin.card import Tear, TearAt, TwinCard
from host.config import DashboardConfig
from host.keyring import Issuer, Keyring
from host.ledger import loans, people, pull_payments, sales
from host.ledger.permissions import Role
from host.ntag424.values import Key, Uid
from host.readers.base import Look
from host.setup import sign_in_link
from provisioning import jobs
from tests.support.browser import new_context, overflow, watch
from tests.support.running import RunningShop, config_of, make_card, running, wait_for
from tests.support.two_tills import free_ports

pytestmark = pytest.mark.browser

AT = "till-1"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    config = config_of(AT)
    config = replace(config, dashboard=DashboardConfig(listen="127.0.0.1:0"))
    with running(tmp_path / "home", config=config) as shop:
        pull_payments.create(shop.db, "main", "Guests")
        yield shop


@pytest.fixture
def desk(browser: Browser, shop: RunningShop) -> Iterator[Page]:
    """The desk's page in which a technician is signed in; its complaints fail the test."""
    tina = people.create(shop.db, "tina", Role.TECHNICIAN)
    token = people.redeem(shop.db, people.one_time_link(shop.db, tina.person_id))
    site = shop.daemon.urls["dashboard"]
    with new_context(browser) as window:
        window.add_cookies([{"name": COOKIE, "value": token or "", "url": site}])
        page = window.new_page()
        complaints = watch(page)
        page.goto(f"{site}/desk")
        yield page
        # The browser itself remarks on a refusal's status.
        assert [one for one in complaints if "409 (CONFLICT)" not in one] == []


@pytest.fixture
def lay(desk: Page, shop: RunningShop) -> Callable[[TwinCard, str], None]:
    """Lay a card down once the page asks for it; take it away when the page shows this look."""

    def lay_down(card: TwinCard, look: str) -> None:
        expect(desk.locator('#step:is([data-look="waiting"], [data-look="again"])')).to_be_visible()
        shop.reader().lay(card)
        step(desk, look)
        shop.reader().lift()

    return lay_down


def step(page: Page, look: str) -> None:
    expect(page.locator(f'#step[data-look="{look}"]')).to_be_visible()


def blank(number: int) -> TwinCard:
    return TwinCard.factory(Uid(bytes([4, 0, 0, 0, 0, number, 0x80])))


def foreign(shop: RunningShop, folder: Path) -> TwinCard:
    """A card that another shop made."""
    card = blank(0x77)
    with running(folder) as elsewhere:
        keyring = Keyring((Issuer.of(Key(b"\x55" * 16)),), bytes(32))
        make_card(elsewhere.db, shop.config, keyring, twin=card)
    return card


def test_a_batch_with_a_foreign_card_and_one_that_is_pulled_away(
    desk: Page, shop: RunningShop, lay: Callable[[TwinCard, str], None], tmp_path: Path
) -> None:
    stranger = foreign(shop, tmp_path / "elsewhere")
    desk.get_by_label("Number of cards").fill("3")
    desk.get_by_label("Name on the list").fill("Guest-{n:03}")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Issuing cards")).to_be_visible()
    lay(blank(1), "away-done")
    expect(desk.locator(".line")).to_have_count(1)
    expect(desk.locator(".line").first).to_contain_text("Guest-001")
    lay(stranger, "away-aside")
    expect(desk.locator(".line").first).to_contain_text("This card holds keys of somebody else")
    pulled = blank(2)
    pulled.tear(Tear(TearAt.COMMAND, 20))
    lay(pulled, "again")
    expect(desk.locator(".line").first).to_contain_text("nothing is lost")
    expect(desk.locator("#announce")).to_contain_text("taken away too early")
    lay(blank(3), "away-done")
    expect(desk.locator(".job-sum")).to_contain_text("1 to be finished: Guest-002")
    lay(pulled, "away-done")
    step(desk, "ended-done")
    expect(desk.locator("#counts")).to_have_text("3 of 3 done")
    expect(desk.locator(".line").first).to_contain_text("finishing an earlier tap")
    assert loans.of(shop.db, AT) is None
    assert {Look.READY, Look.READING, Look.APPROVED, Look.DECLINED, Look.RETRY} <= {
        show.look for show in shop.reader().shown
    }
    with desk.context.expect_page() as opened:
        desk.get_by_role("link", name="List to print").click()
    sheet = opened.value
    complaints = watch(sheet)
    sheet.wait_for_load_state()
    expect(sheet.locator("article")).to_have_count(3)
    assert sheet.locator("main").evaluate("e => getComputedStyle(e).display") == "grid"
    assert not [one for one in complaints if "Content Security Policy" in one]


def test_a_job_is_refused_while_a_sale_is_armed_and_a_sale_while_a_job_is_open(
    desk: Page, shop: RunningShop
) -> None:
    sale = shop.arm(21)
    desk.get_by_role("button", name="Start at this reader").click()
    expect(desk.get_by_role("alert")).to_contain_text("A sale is open on this terminal")
    sales.cancel(shop.db, sale.sale_id)
    till = desk.context.new_page()
    till.goto(f"{shop.daemon.urls['dashboard']}/till")
    till.get_by_role("button", name="Back to the amount").click()
    expect(till.locator("#entry")).to_be_visible()
    desk.get_by_role("button", name="Start at this reader").click()
    step(desk, "waiting")
    expect(till.locator('#stage[data-state="blocked"]')).to_contain_text("used for something else")
    desk.get_by_role("button", name="Stop").press("Enter")
    step(desk, "ended-stopped")
    expect(till.locator("#entry")).to_be_visible()


def test_a_job_of_another_process_is_followed_and_a_reload_shows_the_same(
    desk: Page, shop: RunningShop, lay: Callable[[TwinCard, str], None]
) -> None:
    card = shop.card("Ann").twin
    desk.get_by_role("link", name="Diagnose").press("Enter")
    desk.get_by_role("button", name="Start at this reader").press("Enter")
    lay(card, "away-done")
    expect(desk.locator(".facts-list")).to_contain_text("It holds keys of this shop.")
    step(desk, "waiting")
    desk.reload()
    step(desk, "waiting")
    job = jobs.latest(shop.db, AT)
    assert job
    jobs.end(shop.db, job.job_id, jobs.DeskState.STOPPED)  # as another process would
    step(desk, "ended-stopped")
    desk.set_viewport_size({"width": 320, "height": 640})
    assert overflow(desk) <= 0
    wait_for(shop.db, lambda: loans.of(shop.db, AT) is None)


def test_a_card_is_wiped_only_when_the_technician_says_yes_to_it(
    desk: Page, shop: RunningShop, lay: Callable[[TwinCard, str], None]
) -> None:
    card = shop.card("Ann").twin
    desk.get_by_role("link", name="Wipe").press("Enter")
    desk.get_by_role("button", name="Start at this reader").press("Enter")
    step(desk, "waiting")
    shop.reader().lay(card)
    step(desk, "asked")
    expect(desk.locator("#step-says")).to_have_text("Wipe Ann?")
    expect(desk.locator("#announce")).to_contain_text("Wipe Ann?")
    desk.get_by_role("button", name="Leave it as it is").press("Enter")
    step(desk, "away-again")
    shop.reader().lift()
    expect(desk.locator(".line").first).to_contain_text("nobody said yes")
    assert any(key.version for key in card.state.keys)
    step(desk, "again")
    shop.reader().lay(card)
    step(desk, "asked")
    desk.get_by_role("button", name="Wipe it").press("Enter")
    step(desk, "away-done")
    shop.reader().lift()
    expect(desk.locator(".line").first).to_contain_text("Wiped, as delivered")
    desk.get_by_role("button", name="Finish").press("Enter")
    step(desk, "ended-stopped")


def test_the_demos_blank_card_is_made_over_the_twin_reader(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        stage(
            tmp_path / "home",
            "nfc",
            lambda _words: None,
            live=True,
            only=1,
            ports=free_ports(),
        ) as (daemon, twin),
        new_context(browser) as window,
    ):
        site = daemon.urls["dashboard"]
        page = window.new_page()
        page.goto(sign_in_link(daemon.db, daemon.config, "manager", base=site))
        page.goto(f"{site}/desk")
        page.get_by_role("button", name="Start at this reader").click()
        step(page, "waiting")
        counter = window.new_page()
        counter.goto(twin.counter_url or "")
        expect(counter.get_by_role("button", name="blank: lay it")).to_be_visible()
        twin.lay(BLANK)
        step(page, "away-done")
        twin.lift()
        step(page, "ended-done")
        expect(counter.get_by_role("button", name="Card 001: lay it")).to_be_visible()
        page.get_by_role("link", name="History of Card 001").click()
        expect(page.get_by_role("list", name="What happened, newest first")).to_contain_text(
            "Programmed"
        )
