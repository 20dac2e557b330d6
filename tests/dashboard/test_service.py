"""The dashboard as the daemon starts it: on loopback, with a secret of its own, ended quickly."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.access import COOKIE
from dashboard.service import dashboard_context, service
from host import keyring
from host.config import Config, DashboardConfig, ReaderConfig
from host.plugins import Context
from tests.dashboard.test_live import Listener
from tests.support.shop import Shop


def given(shop: Shop, home: Path, config: Config, demo_url: str | None = None) -> Context:
    return Context(
        home=home,
        config=config,
        db=shop.db,
        clock=shop.clock,
        board=shop.board,
        keyring=keyring.generate(demo=True),
        wallet=cast(Any, None),
        stop=threading.Event(),
        demo_url=demo_url,
    )


def test_a_dashboard_that_is_turned_off_is_no_service(shop: Shop, tmp_path: Path) -> None:
    config = Config(dashboard=DashboardConfig(enabled=False))
    assert service(given(shop, tmp_path, config)) is None


def test_it_listens_from_start_to_stop_and_a_stop_does_not_wait_for_streams(
    shop: Shop, tmp_path: Path
) -> None:
    config = Config(dashboard=DashboardConfig(listen="127.0.0.1:0"))
    running = service(given(shop, tmp_path, config))
    assert running
    addresses = [running.url]
    running.start()
    addresses.append(running.url)
    assert addresses[0] is None
    assert str(addresses[1]).startswith("http://127.0.0.1:")
    listener = Listener(cast(Any, running), shop.session())
    next(listener.messages)
    before = time.monotonic()
    running.stop()
    assert time.monotonic() - before < 4.5  # those who wait for streams wait 5 s
    assert [kind for kind, _, _ in listener.messages if kind != "dots"] == []
    listener.close()


def test_an_address_that_is_taken_is_an_error_of_the_start(shop: Shop, tmp_path: Path) -> None:
    first = service(given(shop, tmp_path, Config(dashboard=DashboardConfig(listen="127.0.0.1:0"))))
    assert first
    first.start()
    assert first.url
    config = Config(dashboard=DashboardConfig(listen=first.url.removeprefix("http://")))
    second = service(given(shop, tmp_path, config))
    assert second
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()
    first.stop()


def test_what_the_app_is_given(shop: Shop, tmp_path: Path) -> None:
    config = Config(
        dashboard=DashboardConfig(url="https://till.example.com"),
        readers=(ReaderConfig("pcsc", terminal="bar", store="main"),),
    )
    context = given(shop, tmp_path, config, demo_url="http://127.0.0.1:9/")
    made = dashboard_context(context)
    assert made.terminal.terminal_id == "bar"
    assert made.hosts == ("127.0.0.1", "localhost", "till.example.com")
    assert made.secure_cookie
    assert made.demo
    assert made.secret != context.keyring.secret
    assert made.secret.hex() not in repr(made)


def test_behind_https_the_cookie_never_travels_in_clear(shop: Shop, tmp_path: Path) -> None:
    from dashboard.app import create_app
    from host.ledger import people
    from host.ledger.permissions import Role

    config = Config(dashboard=DashboardConfig(url="https://till.example.com"))
    app = create_app(dashboard_context(given(shop, tmp_path, config)))
    who = people.create(shop.db, "ada", Role.CASHIER)
    path = f"/sign-in/link/{people.one_time_link(shop.db, who.person_id)}"
    cookie = app.test_client().get(path, headers={"Host": "till.example.com"}).headers["Set-Cookie"]
    assert cookie.startswith(COOKIE)
    assert "Secure" in cookie
