"""Two terminals of one shop, each with a twin reader and a real driver, served by a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, expect

from hardware.demo.readers import CounterAt, DemoReader, demo_reader
from hardware.demo.stage import Ports, several
from hardware.twin import private_pcscd
from hardware.twin.process import TwinProcess
from host.daemon import Daemon
from host.ledger import devices, people
from host.ledger.permissions import Person, Role
from host.readers.base import ReaderOpener
from host.readers.open import ReaderOptions, open_reader
from tests.support.browser import new_context
from tests.support.pcscd import process_pcscd
from tests.support.ports import free_port
from tests.support.running import wait_reader, wait_told
from tests.support.till_page import ready

PIN: Final = "2468"
TERMINALS: Final = ("till-1", "till-2")


@dataclass
class TwoTills:
    """The daemon, its two readers by terminal, and browsers that are trusted tills."""

    daemon: Daemon
    readers: dict[str, DemoReader]
    browser: Browser
    _closing: ExitStack = field(repr=False)

    @property
    def site(self) -> str:
        """Where the dashboard is."""
        return self.daemon.urls["dashboard"]

    def cashier(self, name: str) -> Person:
        """Somebody who charges here, with the PIN of all of them."""
        known = people.by_name(self.daemon.db, name)
        store = self.daemon.config.store.id
        return known or people.create(self.daemon.db, name, Role.CASHIER, store_id=store, pin=PIN)

    def device(self, terminal_id: str) -> BrowserContext:
        """A fresh browser that became a trusted till by a link, as a manager makes it."""
        window = self._closing.enter_context(new_context(self.browser))
        link = devices.one_time_link(self.daemon.db, f"Device {terminal_id}", terminal_id)
        page = window.new_page()
        page.goto(f"{self.site}/device/link/{link}")
        page.close()
        return window

    def till(self, terminal_id: str, name: str) -> Page:
        """A till page on a device of its own, on which somebody signed in with a PIN."""
        self.cashier(name)
        page = self.device(terminal_id).new_page()
        page.goto(f"{self.site}/till")
        sign_in(page, name)
        ready(page)
        return page


def sign_in(page: Page, name: str, pin: str = PIN) -> None:
    """Tap a name and type a PIN, on the page that shows the people."""
    page.get_by_role("link", name=name).click()
    expect(page.locator("#pin-keys")).to_be_visible()  # the page's script is there
    expect(page.locator("#pin")).to_be_focused()
    for digit in pin:
        page.keyboard.press(digit)
    page.keyboard.press("Enter")


class ProcessPcsc(DemoReader):
    """A slot of the one pcscd that this process can ask; its lock is this test's own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        service = process_pcscd()
        self._twin = TwinProcess("pcsc", home / "cards", port=service.port)
        self._twin.__enter__()
        self.device = f"pcsc:{service.name} 00 00"

    @property
    def opener(self) -> ReaderOpener:
        return lambda: open_reader(self.device, ReaderOptions(run_dir=self._home))

    def lay(self, name: str) -> None:
        self._twin.lay(name)

    def lift(self) -> None:
        self._twin.lift()

    def label(self, name: str, text: str) -> None:
        self._twin.label(name, text)

    def close(self) -> None:
        self._twin.close()


def free_ports() -> Ports:
    """Ports for a demo of a test's own; the usual ones may be somebody else's."""
    return Ports(free_port(), free_port(), free_port())


@contextmanager
def two_tills(home: Path, browser: Browser) -> Iterator[TwoTills]:
    """A PN532 on a pseudo terminal and a slot of a real pcscd; two PN532 where none can run."""
    second = "nfc" if private_pcscd.why_not() else "pcsc"

    def make(kind: str, drawer: Path, counter: CounterAt | None) -> DemoReader:
        return ProcessPcsc(home) if kind == "pcsc" else demo_reader(kind, drawer, counter)

    given: dict[str, Any] = {"live": True, "only": 2, "ports": free_ports(), "make": make}
    with (
        several(home, ["nfc", second], lambda _: None, **given) as (daemon, readers),
        ExitStack() as closing,
    ):
        for terminal_id in TERMINALS:
            wait_reader(daemon, terminal_id)
        wait_told(daemon)
        yield TwoTills(daemon, dict(zip(TERMINALS, readers, strict=True)), browser, closing)
