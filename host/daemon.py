"""Start, supervise, stop: the parts of a running Taptill in one process.

A part that cannot start is reported on the board and tried again; only what makes every part
useless (no keys, no ledger, no public port, a second daemon in the same home) stops the start.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Self

from flask import Flask

from host import keyring as keyrings
from host import outside, plugins, visits
from host.clock import SECOND, Clock, SystemClock
from host.config import DATABASE_NAME, Config, ConfigError, ReaderConfig, listen_address
from host.daemon_lock import take_home
from host.health import BEAT_MS, CLOCK, LIGHTNING, Board
from host.keyring import Keyring
from host.language import marked as N_
from host.ledger import sales, wallets
from host.ledger.btcpay import Book
from host.ledger.records import SaleState
from host.lightning.open import open_claims, open_wallet
from host.lightning.wallet import Wallet, WalletError
from host.lnurl import balance, pay
from host.lnurl.balance import PageSettings
from host.lnurl.budget import Rate
from host.lnurl.pay import PaySettings
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.payer import Payer
from host.pinpad import PinPad
from host.plugins import Context, Service
from host.post import ReaderPost
from host.printers import station
from host.readers.base import Reader, ReaderGone, ReaderOpener
from host.readers.open import ReaderOptions, open_reader
from host.setup import ensure_shop
from host.store.engine import Engine
from host.store.errors import StoreError
from host.supervise import Worker
from host.till import Terminal, Till
from host.topups import TopUps
from host.visits import Visits
from host.web import WebServer

log = logging.getLogger(__name__)

MIN_FREE_BYTES = 50 * 1024 * 1024
"""Below this the ledger's dot goes red and nothing is armed (THREATS 32)."""
CLOCK_SLACK_MS = 2 * SECOND


def opener_for(reader: ReaderConfig) -> ReaderOpener:
    """How a configured reader is opened."""

    def opener() -> Reader:
        try:
            return open_reader(reader.device, ReaderOptions(gpio_lights=reader.gpio_lights))
        except ValueError as error:  # no such driver: words for the dot, as for any other trouble
            raise ReaderGone(str(error)) from error

    return opener


class Daemon:
    """A running Taptill: readers at their posts, the payer, the listeners and their watch."""

    def __init__(
        self,
        home: Path,
        config: Config,
        keyring: Keyring,
        *,
        clock: Clock | None = None,
        openers: dict[str, ReaderOpener] | None = None,
        demo_url: str | None = None,
    ) -> None:
        self.home = home
        self.config = config
        self.keyring = keyring
        self.clock = clock or SystemClock()
        self._openers = openers or {}
        self._demo_url = demo_url
        self._stop = threading.Event()
        self._workers: list[Worker] = []
        self._services: list[Service] = []
        self.posts: list[ReaderPost] = []
        self.pads = PinPad()
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Open the ledger and start every part; raises what makes a start senseless."""
        self._lock = take_home(self.home)
        try:
            self.db = Engine.open(self.home / DATABASE_NAME, self.clock)
            self.visits = Visits(self.db, self.keyring.issuers)
            self.board = Board(self.db, self.clock)
            self.board.begin()
            ensure_shop(self.db, self.config)
            self.wallet: Wallet = open_wallet(self.config.wallet, self.home, self.clock)
            book = Book(self.db)
            self.claims = open_claims(self.config.wallet, self.home, self.clock, book)
            self.payer = Payer(self.db, self.wallet, self.clock, claims=self.claims)
            self.payer.start()
            self._start_foreign()
            self._start_listener()
            self._start_posts()
            self._work("watch", self._watch)
            self._work("wallet watch", self._watch_wallet)
            self._work("lights", self._follow_sales)
            self._start_printers()
            self._start_plugins()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part in reverse order; what was in flight stays as the ledger says."""
        self._stop.set()
        for worker in self._workers:
            worker.stop()
        if (db := getattr(self, "db", None)) is not None:
            db.events.close()  # whoever waits for an event goes home now
        for post in self.posts:
            post.close()
        for service in reversed(self._services):
            service.stop()
        for worker in self._workers:
            if not worker.join(5.0):
                log.error("%s did not end in time", worker.name)
        for name in ("foreign", "payer", "claims", "wallet", "db"):
            self._end(name)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def urls(self) -> dict[str, str]:
        """Where each listening part is reached."""
        return {one.name: one.url for one in self._services if one.url}

    def _end(self, name: str) -> None:
        part = getattr(self, name, None)
        if part is None:
            return
        if name == "db":
            self.board.gone()
        getattr(part, "stop" if name in ("foreign", "payer") else "close")()

    def _work(
        self,
        name: str,
        body: Callable[[threading.Event], None],
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        worker = Worker(name, body, on_fault=on_fault)
        self._workers.append(worker)
        worker.start()

    def _start_foreign(self) -> None:
        """Others' cards and rates; the watch over our invoices runs even where new ones are off."""
        config = self.config
        guard = outside.guard_of(config)
        self.foreign = outside.foreign_cards(
            config, guard, self.db, self.wallet, self.clock, self.pads
        )
        self._work("foreign cards", self.foreign.run)
        self._work("rates", outside.rates_of(config, guard, self.db, self.clock).run)

    def _start_listener(self) -> None:
        public = self.config.public
        settings = ServiceSettings(
            base_url=public.url,
            min_msat=public.min_msat,
            max_msat=public.max_msat,
            tap_ms=public.tap_seconds * SECOND,
            max_fee_base_msat=sats(self.config.wallet.max_fee_sat),
            trusted_proxies=public.trusted_proxies,
            per_address=Rate(2 * public.requests_per_second, public.requests_per_second),
            invoice_ms=public.invoice_seconds * SECOND,
            pay_links=public.top_ups,
        )
        network = self.config.wallet.bolt11_network
        app = create_app(
            self.db, self.keyring.issuers, network, settings, self.clock, self.keyring.secret
        )
        self._start_for_holders(app)
        for _, blueprint in self._made(plugins.PUBLIC):
            app.register_blueprint(blueprint)
        host, port = listen_address(public.listen, "public.listen")
        try:
            self._serve(WebServer(app, host, port, name="lnurl"))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise ConfigError(f"public.listen: {public.listen}: {reason}") from error

    def _start_for_holders(self, app: Flask) -> None:
        """Top-ups and the balance page; what was handed out is watched even where they are off."""
        public = self.config.public
        if public.top_ups:
            settings = PaySettings(
                base_url=public.url,
                max_msat=sats(public.top_up_max_sat),
                trusted_proxies=public.trusted_proxies,
            )
            pay.install(app, self.db, self.wallet, settings, self.clock, self.keyring.secret)
        if public.balance_page:
            page = PageSettings(public.url, public.top_ups, public.trusted_proxies)
            issuers, secret = self.keyring.issuers, self.keyring.secret
            balance.install(app, self.db, issuers, page, self.clock, secret)
        self._work("top-ups", TopUps(self.db, self.wallet, self.clock).run)

    def _serve(self, service: Service) -> None:
        service.start()
        self._services.append(service)

    def _start_posts(self) -> None:
        issuers = self.keyring.issuers
        borrowers = {visits.BORROWER: self.visits, **dict(self._made(plugins.BORROWERS))}
        for reader in self.config.readers:
            till = Till(
                self.db,
                Terminal(reader.terminal, reader.store),
                issuers,
                self.config.public.owns,
                pads=self.pads,
                foreign=self.foreign if self.config.till.foreign else None,
                vouchers=self.config.till.vouchers,
            )
            opener = self._openers.get(reader.device) or opener_for(reader)
            post = ReaderPost(till, opener, self.board, self.clock, borrowers=borrowers)
            self.posts.append(post)
            self._work(f"reader {reader.terminal}", post.run, on_fault=post.fault)

    def _start_printers(self) -> None:
        config, simulated = self.config.printers, self._demo_url is not None
        for name, body in station.bodies(config, self.db, self.board, simulated=simulated):
            self._work(name, body)

    def _start_plugins(self) -> None:
        for name, service in self._made(plugins.SERVICES):
            try:
                self._serve(service)
            except OSError as error:
                log.error("%s not started: %s", name, error)
            except Exception:  # a plug-in's mistake: the till works without it
                log.exception("%s not started", name)

    def _made(self, group: str) -> Iterator[tuple[str, Any]]:
        """What the plug-ins of a group make of this daemon; a mistake of one stops no other."""
        context = Context(
            home=self.home,
            config=self.config,
            db=self.db,
            clock=self.clock,
            board=self.board,
            keyring=self.keyring,
            wallet=self.wallet,
            stop=self._stop,
            pads=self.pads,
            visits=self.visits,
            demo_url=self._demo_url,
        )
        for name, make in plugins.load(group):
            try:
                made = make(context)
            except Exception:
                log.exception("%s of %s not started", name, group)
            else:
                if made is not None:
                    yield name, made

    def _watch(self, stop: threading.Event) -> None:
        """Heartbeat, expired sales, and the dots that nobody else reports."""
        next_beat = 0.0
        base = self.clock.now() - time.monotonic_ns() // 1_000_000
        while not stop.is_set():
            self._expire_sales()
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + BEAT_MS / 1000
                self.board.beat(self._disk_trouble())
                base = self._check_clock(base)
            stop.wait(1.0)

    def _expire_sales(self) -> None:
        """A ledger that cannot be written now must not silence the heartbeat that says so."""
        try:
            sales.expire_due(self.db)
        except StoreError as error:
            log.warning("sales not expired: %s", error)

    def _disk_trouble(self) -> str:
        free = shutil.disk_usage(self.home).free
        return f"the disk is nearly full ({free >> 20} MB free)" if free < MIN_FREE_BYTES else ""

    def _watch_wallet(self, stop: threading.Event) -> None:
        """On a thread of its own: a wallet that answers late must not stop the heartbeat."""
        while not stop.is_set():
            self._check_wallet()
            stop.wait(BEAT_MS / 1000)

    def _check_wallet(self) -> None:
        try:
            self.wallet.check()
        except WalletError as error:
            self.board.report(LIGHTNING, False, str(error))
        else:
            words = (
                f"{self.wallet.name} (simulation)" if self.wallet.simulated else self.wallet.name
            )
            self.board.report(LIGHTNING, True, "; ".join((words, *self._held_elsewhere())))

    def _held_elsewhere(self) -> Iterator[str]:
        """What hangs on another wallet: told beside the dot, which stays good so the till works."""
        try:
            yield from (one.words for one in wallets.elsewhere(self.db))
        except StoreError as error:
            log.warning("payouts of other wallets not looked at: %s", error)

    def _check_clock(self, base: int) -> int:
        """Red for one beat when the clock jumped: times on receipts would be wrong."""
        now_base = self.clock.now() - time.monotonic_ns() // 1_000_000
        jumped = abs(now_base - base) > CLOCK_SLACK_MS
        words = f"the clock jumped by {(now_base - base) / 1000:+.0f} s" if jumped else N_("steady")
        self.board.report(CLOCK, not jumped, words)
        return now_base

    def _follow_sales(self, stop: threading.Event) -> None:
        """Wake the readers' lights when a sale changes, in whichever process it was changed."""
        kinds = frozenset(f"sale.{state}" for state in SaleState)
        while not stop.is_set():
            seen = self.db.events.known_id  # first, so that what comes while we look wakes us
            for post in self.posts:
                post.refresh()
            while not stop.is_set() and not self.db.events.wait(seen, 500, kinds):
                pass


def open_home(home: Path, *, allow_demo: bool = False) -> tuple[Config, Keyring]:
    """Read a home folder's configuration and keys; `ConfigError` or `KeyringError` with words."""
    from host import config

    loaded = config.load(home)
    ring = keyrings.load(keyrings.locate(home, os.environ), allow_demo=allow_demo)
    return loaded, ring
