"""A person at the till's page in Chromium: keys, what is read there, pictures."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.browser import SIZES, THEMES, Camera, barriers
from tests.support.till_rig import TillRig

AMOUNT: Final = "2100"
WAIT_MS: Final = 15_000
TOUCH: Final[ViewportSize] = {"width": SIZES["touch"][0], "height": SIZES["touch"][1]}


def stage(page: Page, state: str) -> Locator:
    """The stage, once it shows this state."""
    found = page.locator(f'#stage[data-state="{state}"]')
    expect(found).to_be_visible(timeout=WAIT_MS)
    return found


def idle(page: Page, rig: TillRig) -> None:
    rig.lift()
    rig.wait_dots()
    if page.locator("#stage").is_visible():
        page.keyboard.press("Escape")
    expect(page.locator("#stage:visible, #entry:visible")).to_be_visible(timeout=WAIT_MS)
    while page.locator("#stage").is_visible():
        page.keyboard.press("Enter")
        expect(page.locator("#entry")).to_be_visible(timeout=WAIT_MS)


def charge(page: Page, amount: str = AMOUNT) -> None:
    for key in amount:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    stage(page, "ready")


def enter_pin(page: Page, pin: str) -> None:
    for key in pin:
        page.keyboard.press(key)
    page.keyboard.press("Enter")


def look(page: Page, state: str, name: str, *words: str, every: bool = True) -> None:
    """What is read there, now and after a reload; its picture, or one of `every` size and theme."""
    for again in (False, True):
        if again:
            page.reload()
        for text in words:
            expect(stage(page, state)).to_contain_text(text)
    if not every:
        return Camera(page, "touch", "light").take(f"state-{name}")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            dress(page, theme)
            Camera(page, size, theme).take(f"state-{name}")
    page.set_viewport_size(TOUCH)
    for theme in THEMES[::-1]:
        dress(page, theme)
        page.reload()  # colours that are still on their way to another theme have no contrast
        stage(page, state)
        assert barriers(page) == [], theme
    return None


def dress(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
