"""From the click that lays a card down to "Paid" on the till's screen, all of it for real.

Two windows of Chromium: the virtual counter, whose click lays the card on the twin behind the
real pcscd, and the till, which hears of it by its live stream. Both have the browser's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from hardware.demo.stage import ANY, CARDS, several
from host.daemon import Daemon
from host.ledger import people, sales
from host.ledger.permissions import Role
from tests.bench.report import Report
from tests.support.browser import chromium, new_context

TAPS = 30
WARM = 3
GOAL_MS = 150.0
READY_S = 20.0
NEXT_CUSTOMER_MS = 1_000
"""No card follows another one faster. pcscd sleeps for 0.4 s when it has seen a virtual slot empty,
and looks twice; then the twin reports a card to it at once, as a reader on USB does."""

CLICKED = """addEventListener("click", () => {
    document.documentElement.dataset.at = performance.timeOrigin + performance.now();
}, { capture: true })"""

# When the state has changed and the frame that shows it begins to be drawn.
SHOWN = """new MutationObserver(() => {
    if (document.getElementById("stage").dataset.state !== "approved") return;
    requestAnimationFrame(() => {
        document.documentElement.dataset.at = performance.timeOrigin + performance.now();
    });
}).observe(document.getElementById("stage"), { attributeFilter: ["data-state"] })"""

AT = "document.documentElement.dataset.at"


def run(report: Report) -> None:
    """Print the medians for an own card, through each driver and the live stream."""
    report.title("A card laid down by a click, until the till's screen says that it is paid")
    for kind, goal in (("pcsc", GOAL_MS), ("nfc", None)):
        whole, first = zip(*taps(kind), strict=True)
        report.spread(f"{kind}: click → paid on screen", whole, most_ms=goal)
        report.spread(f"{kind}: of which click → paid in the ledger", first)
        report.add(f"{kind}: the fastest", min(whole) * 1e3, "ms")


def taps(kind: str) -> list[tuple[float, float]]:
    """What each tap took; the first ones warm everything up and do not count."""
    with (
        TemporaryDirectory() as home,
        shop(Path(home), kind) as (daemon, counter_url),
        chromium() as browser,
        windows(browser, daemon, counter_url) as (till, counter),
    ):
        return [tap(daemon, till, counter) for _ in range(WARM + TAPS)][WARM:]


@contextmanager
def shop(home: Path, kind: str) -> Iterator[tuple[Daemon, str]]:
    with several(home, [kind], lambda _: None, live=True, only=1, ports=ANY) as (daemon, readers):
        yield daemon, readers[0].counter_url or ""


@contextmanager
def windows(browser: Browser, daemon: Daemon, counter_url: str) -> Iterator[tuple[Page, Page]]:
    """The till and the virtual counter, each in a window of its own."""
    url = daemon.urls["dashboard"]
    who = people.create(daemon.db, "Bench", Role.MANAGER)
    token = people.redeem(daemon.db, people.one_time_link(daemon.db, who.person_id)) or ""
    with new_context(browser) as one, new_context(browser) as other:
        one.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        till, counter = one.new_page(), other.new_page()
        till.goto(f"{url}/till")
        counter.goto(counter_url)
        till.evaluate(SHOWN)
        counter.evaluate(CLICKED)
        yield till, counter


def tap(daemon: Daemon, till: Page, counter: Page) -> tuple[float, float]:
    """One sale: armed, paid by a click, the card lifted.

    Seconds from the click to the screen, and to the ledger (to the millisecond).
    """
    name = CARDS[0].name
    expect(till.locator("#entry")).to_be_visible(timeout=READY_S * 1000)
    till.keyboard.type("10")
    till.keyboard.press("Enter")
    expect(till.locator('#stage[data-state="ready"]')).to_be_visible()
    till.evaluate("document.documentElement.removeAttribute('data-at')")
    counter.get_by_role("button", name=f"{name}: lay it on the reader").click()
    till.wait_for_selector("html[data-at]", timeout=READY_S * 1000)
    clicked, shown = (float(page.evaluate(AT)) for page in (counter, till))
    counter.get_by_role("button", name=f"{name}: take it away").click()
    till.keyboard.press("Enter")
    if not daemon.posts[0].wait_free(READY_S):
        raise RuntimeError("the card did not leave")
    till.wait_for_timeout(NEXT_CUSTOMER_MS)
    sale = sales.latest(daemon.db, daemon.config.readers[0].terminal)
    assert sale is not None
    return (shown - clicked) / 1e3, (sale.changed_at - clicked) / 1e3
