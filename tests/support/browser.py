"""Debian's chromium under Playwright: one for the whole session, a fresh context a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = "/usr/bin/chromium"
PATIENT_MS = 30_000
"""How long what must be seen may take to be there; what is there already costs nothing."""
expect.set_options(timeout=PATIENT_MS)
SHOTS = Path(__file__).parents[2] / "screenshots"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
AXE = SHOTS.parent / "tests" / "browser" / "vendor" / "axe-core" / "axe.min.js"
RUN_AXE = """(only) => axe.run({runOnly: only}).then(({violations}) => violations.map(
    ({id, nodes}) => [id, nodes.map(({target}) => target.join(" "))]))"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules that another theme may break: it differs in colours alone."""
SIZES = {"phone": (360, 740), "touch": (1024, 600), "desk": (1440, 900)}
_NO_WORKER = "Service Worker registration blocked by Playwright"
THEMES = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; skips the test where Debian's chromium is not installed."""
    if not shutil.which(CHROMIUM):
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        try:
            yield browser
        finally:
            browser.close()


def new_context(
    browser: Browser, size: str = "touch", theme: str = "light", *, worker: bool = False
) -> BrowserContext:
    """A browser window of one of the three sizes, with nothing remembered.

    Pages without their service worker, unless a test asks for it: what it fetches cannot be routed.
    """
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        locale="en-GB",
        reduced_motion="reduce",
        service_workers="allow" if worker else "block",
    )


def watch(page: Page) -> list[str]:
    """What the page will complain about: errors, refused requests, violated policies."""
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.text != _NO_WORKER:
            complaints.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def shoot(page: Page, name: str) -> None:
    """Keep a picture for people to look at, in ./screenshots (not in git)."""
    SHOTS.mkdir(exist_ok=True)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window; 0 is right."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def barriers(page: Page, *, colours: bool = False) -> list[object]:
    """What stands in somebody's way on a page, with everything unfolded (axe-core).

    `colours` alone are to be looked at where the same page was looked at in the other theme.
    """
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(d => d.open = true)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    return list(page.evaluate(RUN_AXE, COLOURS if colours else RULES))


def dress(page: Page, theme: str) -> None:
    """Put a page into another theme; where motion is reduced, its colours are there at once."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)


def look_at(page: Page, name: str) -> None:
    """Pictures of a page in both themes; it is not too wide, and has no barrier in either."""
    for theme in THEMES:
        dress(page, theme)
        shoot(page, f"{name}-{theme}")
        assert overflow(page) <= 0, name
    no_barriers(page, name)


def no_barriers(page: Page, name: str = "") -> None:
    """There is no barrier in either theme; the page stays in the first."""
    for theme in THEMES[::-1]:
        dress(page, theme)
        assert barriers(page, colours=theme == THEMES[0]) == [], f"{name}, {theme}"


class Camera:
    """Takes a page's picture in each theme, under a name that says its size and theme."""

    def __init__(self, page: Page, size: str, *themes: str) -> None:
        self._page, self._size, self._themes = page, size, themes or THEMES

    def take(self, name: str) -> None:
        for theme in self._themes:
            if len(self._themes) > 1:
                dress(self._page, theme)
            shoot(self._page, f"{name}-{self._size}-{theme}")
            assert overflow(self._page) <= 0, name
