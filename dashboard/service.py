"""The dashboard as a service of the daemon: the entry point of `taptill.services`."""

from __future__ import annotations

import hmac
import threading
from typing import Final
from urllib.parse import urlsplit

from dashboard.app import create_app
from dashboard.context import LOCAL_NAMES, DashboardContext, DemoInfo, Workbench
from dashboard.guard import LARGEST
from dashboard.live import MAX_STREAMS
from host.config import Config, listen_address
from host.plugins import Context
from host.screen import Screen
from host.till import Terminal
from host.web import WebServer

PAGE_THREADS: Final = 6
"""Threads for pages, beside one for each live stream."""


class DashboardService:
    """The dashboard's listener, from `start` until `stop`."""

    name = "dashboard"

    def __init__(self, context: DashboardContext, host: str, port: int, url: str = "") -> None:
        """`url` is the address people use when it is not the listener's own (behind a proxy)."""
        self._context = context
        self._address = (host, port)
        self._public_url = url.rstrip("/")
        self._server: WebServer | None = None

    @property
    def url(self) -> str | None:
        """Where people reach it, once it is started."""
        if self._server is None:
            return None
        return self._public_url or self._server.url

    def start(self) -> None:
        """Begin to listen; raises `OSError` when the address is taken."""
        app = create_app(self._context)
        host, port = self._address
        threads = MAX_STREAMS + PAGE_THREADS
        self._server = WebServer(
            app, host, port, name=self.name, threads=threads, max_body_bytes=LARGEST
        )
        self._server.start()

    def stop(self) -> None:
        """End the live streams, then the listener."""
        self._context.stopping.set()
        if self._server is not None:
            self._server.stop()
        if self._context.screen is not None:
            self._context.screen.stop()


def service(context: Context) -> DashboardService | None:
    """The dashboard of a daemon, or None when its configuration turns it off."""
    config = context.config.dashboard
    if not config.enabled:
        return None
    host, port = listen_address(config.listen, "dashboard.listen")
    return DashboardService(dashboard_context(context), host, port, config.url)


def dashboard_context(context: Context) -> DashboardContext:
    """What the dashboard is given of the daemon."""
    return DashboardContext(
        db=context.db,
        clock=context.clock,
        board=context.board,
        terminal=_terminal(context.config),
        secret=hmac.digest(context.keyring.secret, b"taptill dashboard forms", "sha256"),
        hosts=_hosts(context.config),
        url=context.config.dashboard.url,
        secure_cookie=urlsplit(context.config.dashboard.url).scheme == "https",
        demo=DemoInfo(context.demo_url) if context.demo_url is not None else None,
        bench=_bench(context),
        pads=context.pads,
        visits=context.visits,
        screen=Screen(
            context.db, context.wallet, context.clock, context.config.wallet.bolt11_network
        ),
        stopping=threading.Event(),
    )


def _bench(context: Context) -> Workbench:
    """Phones come to the public listener where the manager turned that on, else to this one."""
    public, ours = context.config.public, context.config.dashboard
    phones = public.url if public.phone_links else ours.url
    return Workbench(
        keyring=context.keyring,
        card_base=public.card_base,
        balance_url=f"{public.url.rstrip('/')}/balance",
        phone_url=f"{phones.rstrip('/')}/phone" if phones else "",
    )


def _terminal(config: Config) -> Terminal:
    """The terminal of this till: the first configured reader's."""
    if config.readers:
        return Terminal(config.readers[0].terminal, config.readers[0].store)
    return Terminal("till-1", config.store.id)


def _hosts(config: Config) -> tuple[str, ...]:
    """Our names: loopback's, and that of the address people use (DNS rebinding)."""
    named = urlsplit(config.dashboard.url).hostname
    return (*LOCAL_NAMES, named) if named else LOCAL_NAMES
