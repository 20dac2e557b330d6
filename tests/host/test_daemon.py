"""The daemon: it starts whole or not at all, stops cleanly, and no part takes another down."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host import daemon as daemons
from host import keyring as keyrings
from host import plugins
from host.config import Config, ConfigError, WalletConfig
from host.daemon import Daemon, open_home
from host.daemon_lock import AlreadyRunning
from host.keyring import KeyringError
from host.ledger import sales, wallets
from host.ledger.codes import Code, Refused
from host.ledger.records import SaleState
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import WalletDown
from host.money import sats
from host.readers.base import Look
from host.setup import initialise
from host.till import Terminal, arm
from tests.support.running import (
    DEADLINE_S,
    Plug,
    RunningShop,
    config_of,
    payouts_of,
    running,
    wait_for,
    wait_sale,
)

TILL = Terminal("till-1", "main")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running(tmp_path / "home") as opened:
        yield opened
        opened.check_books()


def detail(shop: RunningShop, part: str, *, ok: bool, terminal: str = "till-1") -> str:
    """What a dot says, once it is so."""
    board = shop.daemon.board
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        dot = next(one for one in board.parts(terminal) if one.name == part)
        if dot.ok == ok:
            return dot.detail
        board.wait_change(100)
    raise AssertionError(f"{part} stays {dot}")


def can_listen(shop: RunningShop) -> bool:
    host, _, port = shop.config.public.listen.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
        return True


def only_these_are_left(before: set[threading.Thread]) -> bool:
    """Whether every other thread is over; one that has said good-bye has a last step to go."""
    others = set(threading.enumerate()) - before
    for one in others:
        one.join(5)
    return not any(one.is_alive() for one in others)


class TestStop:
    def test_no_thread_no_port_no_lock_and_no_open_file_is_left(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            with running(tmp_path / "home", "till-1", "till-2") as shop:
                shop.pay(shop.card(), 10)
                shop.pay_abroad(shop.card(), 10)
                assert not can_listen(shop)
                assert len(set(threading.enumerate()) - before) > 5
            assert only_these_are_left(before)
            assert can_listen(shop)
            gc.collect()
        with running(tmp_path / "home", config=shop.config) as again:  # the home is free, too
            assert again.pay(again.card(), 10).state is SaleState.APPROVED

    def test_it_stops_at_once_while_a_card_lies_a_sale_waits_and_somebody_listens(
        self, tmp_path: Path
    ) -> None:
        with running(tmp_path / "home") as shop:
            card = shop.card()
            shop.lay(card)
            wait_for(shop.db, lambda: shop.db.events.after(0, kinds=["card.seen"]), "the card")
            shop.arm(10)
            ended = threading.Event()

            def wait_long() -> None:
                shop.db.events.wait(1 << 40, 600_000)
                ended.set()

            waiter = threading.Thread(target=wait_long)
            waiter.start()
        assert ended.wait(DEADLINE_S)
        waiter.join()

    def test_other_processes_see_at_once_that_it_stopped(self, tmp_path: Path) -> None:
        from host.clock import SystemClock
        from host.config import DATABASE_NAME
        from host.health import Board
        from host.store.engine import Engine

        with running(tmp_path / "home") as shop:
            shop.arm(10)
        with Engine.open(shop.home / DATABASE_NAME, SystemClock()) as db:
            refusal = arm(db, Board(db, SystemClock()), TILL, sats(10))
        assert isinstance(refusal, Refused)
        assert refusal.detail["detail"] == "the Taptill service is not running"


class TestStart:
    def test_a_second_daemon_in_the_same_home_is_refused_and_disturbs_nothing(
        self, shop: RunningShop
    ) -> None:
        config = config_of("till-1")
        with pytest.raises(AlreadyRunning, match=r"already runs .* \(process [0-9]+\)"):
            Daemon(shop.home, config, shop.keyring).start()
        assert shop.pay(shop.card(), 10).state is SaleState.APPROVED

    def test_a_port_that_is_taken_is_named_and_nothing_is_left_of_the_attempt(
        self, shop: RunningShop, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        threads = set(threading.enumerate())
        taken = shop.config.public.listen
        for _ in range(2):  # the second attempt finds the home free
            with pytest.raises(ConfigError, match=f"public.listen: {taken}: Address already"):
                Daemon(other, shop.config, shop.keyring).start()
        assert only_these_are_left(threads)

    def test_a_wallet_that_is_not_known_or_unfit_is_named(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        for wallet, words in (
            (WalletConfig(kind="mattress"), "there is no `mattress`"),
            (WalletConfig(network="mainnet"), "regtest only"),
        ):
            home.mkdir(exist_ok=True)
            config = replace(config_of("till-1"), wallet=wallet)
            with pytest.raises(WalletDown, match=words):
                Daemon(home, config, keyrings.generate()).start()

    def test_threat_9_demo_keys_are_refused(self, tmp_path: Path) -> None:
        keyrings.save(keyrings.generate(demo=True), tmp_path / keyrings.FILE_NAME)
        with pytest.raises(KeyringError, match="demo keys"):
            open_home(tmp_path)
        assert open_home(tmp_path, allow_demo=True)[1].demo

    def test_a_home_as_init_makes_it_can_be_opened(self, tmp_path: Path) -> None:
        list(initialise(tmp_path, name="Shop", timezone="UTC", url="https://pay.example"))
        config, keyring = open_home(tmp_path)
        assert config.public.host == "pay.example"
        assert len(keyring.issuers) == 1


class TestReaders:
    def test_two_terminals_sell_at_the_same_time_each_on_its_own_reader(
        self, tmp_path: Path
    ) -> None:
        with running(tmp_path / "home", "till-1", "bar") as shop:
            ann, bob = shop.card("Ann"), shop.card("Bob")
            here, there = shop.arm(10, "till-1"), shop.arm(20, "bar")
            shop.lay(bob, terminal="bar")
            shop.lay(ann, terminal="till-1")
            wait_sale(shop.db, here.sale_id, SaleState.APPROVED)
            wait_sale(shop.db, there.sale_id, SaleState.APPROVED)
            assert shop.balance(ann)[2] == 10
            assert shop.balance(bob)[2] == 20
            assert payouts_of(shop.db, bob)[0].facts()["terminal_id"] == "bar"
            shop.check_books()

    def test_one_card_on_two_terminals_at_once_pays_each_sale_with_a_tap_of_its_own(
        self, tmp_path: Path
    ) -> None:
        with running(tmp_path / "home", "till-1", "bar") as shop:
            card = shop.card()
            first, second = shop.arm(10, "till-1"), shop.arm(20, "bar")
            shop.lay(card, terminal="till-1")
            wait_sale(shop.db, first.sale_id, SaleState.APPROVED)
            shop.lift("till-1")
            shop.lay(card, terminal="bar")
            wait_sale(shop.db, second.sale_id, SaleState.APPROVED)
            assert [one.amount_msat for one in payouts_of(shop.db, card)] == [sats(10), sats(20)]

    def test_a_reader_that_is_broken_at_the_start_disturbs_no_other_and_may_come_later(
        self, tmp_path: Path
    ) -> None:
        plugs = {"till-1": Plug("till-1"), "bar": Plug("bar", plugged=False)}
        with running(tmp_path / "home", "till-1", "bar", plugs=plugs) as shop:
            assert detail(shop, "reader", ok=False, terminal="bar") == "bar is not plugged in"
            assert shop.pay(shop.card(), 10).state is SaleState.APPROVED
            refusal = arm(shop.db, shop.daemon.board, Terminal("bar", "main"), sats(1))
            assert isinstance(refusal, Refused)
            assert refusal.code is Code.READER_DOWN
            plugs["bar"].plug()
            assert shop.pay(shop.card(), 20, "bar").state is SaleState.APPROVED

    def test_a_device_that_names_no_driver_is_told_on_its_dot(self, tmp_path: Path) -> None:
        with running(tmp_path / "home", plugs={"x": Plug("x")}) as shop:
            assert "names no reader driver" in detail(shop, "reader", ok=False)

    def test_a_driver_with_a_mistake_is_told_on_its_dot(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def mistaken() -> Any:
            raise TypeError("a mistake")

        openers = {"direct:till-1": mistaken}
        with (
            caplog.at_level(logging.CRITICAL),
            running(tmp_path / "home", plugs={"x": Plug("x")}, openers=openers) as shop,
        ):
            assert "failed and is started again" in detail(shop, "reader", ok=False)


class TestTheWatch:
    def test_a_sale_that_nobody_pays_ends_by_itself_with_words(self, shop: RunningShop) -> None:
        sale = shop.arm(10, timeout_ms=1)
        ended = wait_sale(shop.db, sale.sale_id, SaleState.CANCELLED)
        assert ended.code is Code.SALE_TIMED_OUT
        assert shop.reader().wait_shown(Look.IDLE, 20_000)

    def test_a_wallet_that_is_down_blocks_arming_with_its_words_until_it_is_back(
        self, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wallet = shop.daemon.wallet
        assert isinstance(wallet, EmbeddedWallet)
        assert "(simulation)" in detail(shop, "lightning", ok=True)
        wallet.script_default(Fault.DOWN)
        shop.daemon._check_wallet()
        refusal = arm(shop.db, shop.daemon.board, TILL, sats(1))
        assert refusal == Refused(
            Code.STORE_OFFLINE,
            {"part": "lightning", "detail": "the embedded wallet was told to be down"},
        )
        wallet.script_default(Fault.OK)
        shop.daemon._check_wallet()
        assert shop.pay(shop.card(), 10).state is SaleState.APPROVED

    def test_payouts_of_another_wallet_are_told_beside_a_dot_that_stays_good(
        self, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = wallets.Elsewhere("lnd:02ab", 2, sats(42))
        monkeypatch.setattr(wallets, "elsewhere", lambda _: [held])
        shop.daemon._check_wallet()
        assert detail(shop, "lightning", ok=True).endswith(
            "; 2 payouts wait for the wallet lnd:02ab (42 sat held)"
        )
        assert shop.pay(shop.card(), 10).state is SaleState.APPROVED

    def test_threat_32_a_disk_that_is_nearly_full_blocks_arming(
        self, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.arm(1)
        monkeypatch.setattr(daemons, "MIN_FREE_BYTES", 1 << 60)
        shop.daemon.board.beat(shop.daemon._disk_trouble())
        refusal = arm(shop.db, shop.daemon.board, TILL, sats(1))
        assert isinstance(refusal, Refused)
        assert "nearly full" in str(refusal.detail["detail"])

    def test_a_clock_that_jumps_is_told_for_one_beat(self, shop: RunningShop) -> None:
        detail(shop, "clock", ok=True)
        base = shop.daemon._check_clock(shop.daemon._check_clock(0))
        assert detail(shop, "clock", ok=True) == "steady"
        shop.clock.advance(3_600_000)  # type: ignore[attr-defined]
        base = shop.daemon._check_clock(base)
        assert detail(shop, "clock", ok=False) == "the clock jumped by +3600 s"
        shop.daemon._check_clock(base)
        assert detail(shop, "clock", ok=True) == "steady"

    def test_a_part_that_crashes_is_started_again(
        self, shop: RunningShop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        crashed = threading.Event()
        real = shop.daemon.posts[0].till.presented

        def crash(link: Any) -> Any:
            if not crashed.is_set():
                crashed.set()
                raise RuntimeError("a mistake")
            return real(link)

        sale, card = shop.arm(10), shop.card()
        monkeypatch.setattr(shop.daemon.posts[0].till, "presented", crash)
        with caplog.at_level(logging.CRITICAL):
            shop.lay(card)
            assert crashed.wait(DEADLINE_S)
            assert shop.daemon.posts[0].wait_free(DEADLINE_S)
            wait_for(shop.db, lambda: shop.plugs["till-1"].opened == 2, "the reader's return")
            assert shop.daemon.posts[0].wait_free(DEADLINE_S)
            shop.lay(card)
            wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)


class TestPlugins:
    def test_a_plug_in_that_breaks_stops_no_other_part(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        started: list[str] = []

        class Service:
            url = None

            def __init__(self, name: str) -> None:
                self.name = name

            def start(self) -> None:
                if self.name == "taken":
                    raise OSError(98, "Address already in use")
                if self.name == "faulty":
                    raise RuntimeError("a mistake")
                started.append(self.name)

            def stop(self) -> None:
                started.remove(self.name)

        def broken(_context: object) -> None:
            raise RuntimeError("a mistake")

        def load(group: str) -> Iterator[tuple[str, Any]]:
            if group == plugins.SERVICES:
                yield "broken", broken
                yield "off", lambda _context: None
                for name in ("taken", "faulty", "good"):
                    yield name, lambda _context, name=name: Service(name)

        monkeypatch.setattr(plugins, "load", load)
        with caplog.at_level(logging.CRITICAL), running(tmp_path / "home") as shop:
            assert started == ["good"]
            assert shop.pay(shop.card(), 10).state is SaleState.APPROVED
        assert started == []

    def test_the_dashboard_is_served_beside_the_public_service(self, tmp_path: Path) -> None:
        from host.config import DashboardConfig
        from tests.support.running import get

        base = config_of("till-1")
        config: Config = replace(base, dashboard=DashboardConfig(listen="127.0.0.1:0"))
        with running(tmp_path / "home", config=config) as shop:
            assert set(shop.daemon.urls) >= {"lnurl", "dashboard"}
            assert get(shop.daemon.urls["dashboard"], "/")[0] in (200, 302, 303, 401)
            # Two listeners, never one: neither serves the other's pages.
            assert get(shop.url, "/sign-in")[0] == 404
            assert get(shop.daemon.urls["dashboard"], "/ln/cb")[0] in (302, 303, 401, 404)


def test_a_sale_armed_before_a_restart_is_paid_after_it(tmp_path: Path) -> None:
    with running(tmp_path / "home") as shop:
        card, sale = shop.card(), shop.arm(10)
    with running(tmp_path / "home", config=shop.config) as again:
        assert sales.current(again.db, "till-1") == sale
        assert again.daemon.posts[0].wait_free(DEADLINE_S)
        again.lay(card)
        wait_sale(again.db, sale.sale_id, SaleState.APPROVED)
        again.check_books()
