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
RUN_AXE = """axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
    "best-practice"]}).then(({violations}) => violations.map(
    ({id, nodes}) => [id, nodes.map(({target}) => target.join(" "))]))"""
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


def barriers(page: Page) -> list[object]:
    """What stands in somebody's way on a page, with everything unfolded (axe-core)."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(d => d.open = true)")
    page.evaluate(AXE.read_text("utf-8"))
    return list(page.evaluate(RUN_AXE))


class Camera:
    """Takes a page's picture under a name that says its size and theme."""

    def __init__(self, page: Page, size: str, theme: str) -> None:
        self._page = page
        self._look = f"{size}-{theme}"

    def take(self, name: str) -> None:
        shoot(self._page, f"{name}-{self._look}")
        assert overflow(self._page) <= 0, name
