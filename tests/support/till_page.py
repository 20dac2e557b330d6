"""A person at the till's page in Chromium: keys, what is read there, pictures."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.browser import SIZES, Camera, no_barriers
from tests.support.till_rig import TillRig

AMOUNT: Final = "2100"
TOUCH: Final[ViewportSize] = {"width": SIZES["touch"][0], "height": SIZES["touch"][1]}


def ready(page: Page) -> None:
    """Wait until a till page hears keys and the ledger's news, and shows the amount."""
    heard(page)
    expect(page.locator("#entry")).to_be_visible()


def heard(page: Page) -> None:
    """Wait until the page's script runs and its stream has begun."""
    expect(page.locator('#till[data-live="yes"]')).to_be_attached()


def stage(page: Page, state: str) -> Locator:
    """The stage, once it shows this state and the page waits for no answer.

    The stream may be faster than the answer, and what a page waits for it does not ask for again.
    """
    found = page.locator(f'#stage[data-state="{state}"]')
    expect(found).to_be_visible()
    expect(page.locator("#till")).not_to_have_attribute("aria-busy", "true")
    return found


def keys(page: Page, text: str) -> None:
    """Press a key for each character."""
    for key in text:
        page.keyboard.press(key)


def idle(page: Page, rig: TillRig) -> None:
    """Whatever was left on the screen is given up: it shows the amount."""
    rig.lift()
    rig.wait_dots()
    expect(page.locator("#dots .down")).to_have_count(0)
    if page.locator("#entry").is_visible():
        return
    page.keyboard.press("Escape")  # which leaves what is over, and cancels what is not
    over = page.locator('#entry, #stage[data-state="cancelled"]').locator("visible=true")
    expect(over).to_be_visible()
    if page.locator("#stage").is_visible():
        stage(page, "cancelled")
        page.keyboard.press("Enter")
    expect(page.locator("#entry")).to_be_visible()


def charge(page: Page, amount: str = AMOUNT) -> None:
    keys(page, amount)
    page.keyboard.press("Enter")
    stage(page, "ready")


def enter_pin(page: Page, pin: str) -> None:
    stage(page, "pin")
    keys(page, pin)
    page.keyboard.press("Enter")


def look(page: Page, state: str, name: str, *words: str, every: bool = True) -> None:
    """What is read there, now and after a reload; its picture, or one of `every` size and theme."""
    for again in (False, True):
        if again:
            page.reload()
            heard(page)
        for text in words:
            expect(stage(page, state)).to_contain_text(text)
    if not every:
        return Camera(page, "touch", "light").take(f"state-{name}")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        Camera(page, size).take(f"state-{name}")
    page.set_viewport_size(TOUCH)
    return no_barriers(page, name)
