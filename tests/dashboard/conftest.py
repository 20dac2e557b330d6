from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext, DemoInfo
from host.clock import ManualClock
from host.ledger.permissions import Role
from tests.support.shop import Shop

START = 1_772_460_451_000  # 2026-03-02T14:07:31Z


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def shop(tmp_path: Path, clock: ManualClock) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, clock)
    yield shop
    shop.close()


@pytest.fixture
def context(shop: Shop) -> DashboardContext:
    return DashboardContext(
        db=shop.db,
        clock=shop.clock,
        board=shop.board,
        terminal=shop.terminal,
        secret=b"s" * 32,
        demo=DemoInfo("http://127.0.0.1:9/enter/x"),
    )


@pytest.fixture
def app(context: DashboardContext) -> Flask:
    return create_app(context)


@pytest.fixture
def sign_in(app: Flask, shop: Shop) -> Callable[[Role], FlaskClient]:
    """A browser in which somebody with this role is signed in."""

    def make(role: Role) -> FlaskClient:
        client = app.test_client()
        client.set_cookie(COOKIE, shop.session(role))
        return client

    return make


@pytest.fixture
def manager(sign_in: Callable[[Role], FlaskClient]) -> FlaskClient:
    return sign_in(Role.MANAGER)


@pytest.fixture
def cashier(sign_in: Callable[[Role], FlaskClient]) -> FlaskClient:
    return sign_in(Role.CASHIER)
