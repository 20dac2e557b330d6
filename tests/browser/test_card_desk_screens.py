"""Pictures of the card desk in every state at three sizes, light and dark (./screenshots)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext, DemoInfo, Workbench
from dashboard.live import MAX_STREAMS
from host.keyring import Issuer, Keyring
from host.ledger import cards
from host.ledger.permissions import Role
from host.ntag424.values import Key, Uid
from host.web import WebServer
from provisioning import jobs
from provisioning.jobs import DeskJob, DeskState, Kind, Line, Sign
from provisioning.template import Template
from provisioning.trouble import TroubleCode
from tests.support.browser import SIZES, Camera, new_context, watch
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

KEYRING = Keyring((Issuer.of(Key(bytes(range(16)))),), b"k" * 32)


@pytest.fixture
def site(shop: Shop) -> Iterator[str]:
    context = DashboardContext(
        db=shop.db,
        clock=shop.clock,
        board=shop.board,
        terminal=shop.terminal,
        secret=b"s" * 32,
        demo=DemoInfo("http://127.0.0.1:9/enter/x"),
        bench=Workbench(KEYRING, "lnurlw://pay.example.com/ln", "https://pay.example.com/balance"),
    )
    with WebServer(create_app(context), "127.0.0.1", 0, threads=MAX_STREAMS + 6) as server:
        yield server.url
        context.stopping.set()


@pytest.mark.parametrize("size", SIZES)
def test_the_card_desk_in_every_state(browser: Browser, site: str, shop: Shop, size: str) -> None:
    with new_context(browser, size) as window:
        token = shop.session(Role.TECHNICIAN)
        window.add_cookies([{"name": COOKIE, "value": token, "url": site}])
        page = window.new_page()
        complaints = watch(page)
        camera = Camera(page, size)
        page.goto(f"{site}/desk")
        camera.take("desk-form")
        page.get_by_text("Limits and PIN").click()
        page.get_by_text("How they are made").click()
        camera.take("desk-form-open")
        page.goto(f"{site}/desk?do=wipe")
        camera.take("desk-wipe")
        _job(page, site, shop, camera)
        _card(page, site, shop, camera)
        _phone(page, site, camera)
        assert complaints == []


def _job(page: Page, site: str, shop: Shop, camera: Camera) -> None:
    job = _start(shop)
    page.goto(f"{site}/desk/jobs/{job.job_id}")
    _wait(page, "getting")
    camera.take("desk-getting")
    jobs.step(shop.db, job.job_id, {"at": "waiting", "alias": "Guest-001"})
    _wait(page, "waiting")
    camera.take("desk-waiting")
    progress = {"at": "card", "done": 6, "total": 10, "words": "changing key 3"}
    jobs.step(shop.db, job.job_id, progress)
    _wait(page, "card")
    camera.take("desk-card")
    for number, line in enumerate(_lines(), 1):
        jobs.record(shop.db, job.job_id, line, *((1, "done") if number == 1 else ()))
        jobs.step(shop.db, job.job_id, {"at": "away"})
        _wait(page, f"away-{line.sign}")
        expect(page.locator(".line")).to_have_count(number)
        camera.take(f"desk-away-{line.sign}")
    jobs.step(shop.db, job.job_id, {"at": "waiting", "alias": "Guest-002"})
    _wait(page, "again")
    jobs.end(shop.db, job.job_id, DeskState.DONE)
    _wait(page, "ended-done")
    expect(page.get_by_role("link", name="Next job")).to_be_visible()
    camera.take("desk-ended")


def _start(shop: Shop) -> DeskJob:
    template = Template(pull_payment_id=shop.account.pull_payment_id, alias="Guest-{n:03}")
    job = jobs.start(
        shop.db,
        store_id="main",
        terminal_id="till-1",
        kind=Kind.ISSUE,
        person="Tina",
        secret=KEYRING.secret,
        entries=list(template.entries(20)),
    )
    assert isinstance(job, DeskJob)
    return job


def _lines() -> list[Line]:
    foreign, gone = TroubleCode.FOREIGN, TroubleCode.CARD_GONE
    uids = [Uid(bytes([4, 0xA1, 0xB2, 0xC3, 0xD4, number, 0x80])).hex() for number in (1, 2, 3)]
    done = Line(
        Sign.DONE, "issued", "", "Guest-001", uids[0], None, 912, {"card_id": "c", "goal": "issue"}
    )
    aside = Line(Sign.ASIDE, foreign.words.says, foreign.words.do, "", uids[1], foreign, 120)
    facts = {"wrote": True}
    again = Line(Sign.AGAIN, gone.words.says, gone.words.do, "", uids[2], gone, 610, facts)
    return [done, aside, again]


def _wait(page: Page, look: str) -> None:
    expect(page.locator(f'#step[data-look="{look}"]')).to_be_visible()


def _card(page: Page, site: str, shop: Shop, camera: Camera) -> None:
    card = shop.card("Guest-001")
    cards.freeze(shop.db, card.card_id)
    page.goto(f"{site}/desk/cards/{card.card_id}")
    camera.take("desk-history")


def _phone(page: Page, site: str, camera: Camera) -> None:
    page.goto(f"{site}/desk")
    page.get_by_text("Limits and PIN").click()
    page.get_by_label("PIN", exact=True).select_option("6")
    page.get_by_role("button", name="Make one with a phone").click()
    expect(page.get_by_role("img", name="QR code for the phone")).to_be_visible()
    camera.take("desk-phone")
