"""The API's description against the real server: whatever it allows, and what it does not.

Schemathesis makes the requests; no answer is a 5xx, and none is one that the description does not
promise, in status, media type, headers and every field.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard import pace
from dashboard.access import COOKIE
from dashboard.api import DESCRIPTION
from dashboard.app import create_app
from dashboard.context import DashboardContext
from host.clock import ManualClock
from host.ledger import history
from host.ledger.permissions import Role
from host.lnurl.budget import Rate
from host.web import WebServer
from tests.support.busy import business, failed, lightning
from tests.support.shop import Shop

START = 1_772_460_451_000  # 2026-03-02T14:07:31Z
EXAMPLES = 50
PAST = (
    b"payout_id,pull_payment_id,amount,currency,status,created_at\n"
    b"old1,pp,0.00021000,BTC,Completed,2026-02-28\n"
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Shop]]:
    """A dashboard on a socket, over a shop with payouts in every status."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    clock = ManualClock(START)
    shop = Shop.open(folder, clock)
    made = business(shop, clock, days=3)
    failed(shop, made.cards[0], 5, "no route")
    lightning(shop, made.cards[1], 7)
    history.take(shop.db, "main", io.BytesIO(PAST), "past.csv")
    context = DashboardContext(shop.db, clock, shop.board, shop.terminal, b"s" * 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "PROGRAMS", Rate(burst=1_000_000, per_second=1))
        app = create_app(context)
    with WebServer(app, "127.0.0.1", 0, threads=2) as server:
        yield server.url, shop
        context.stopping.set()
    shop.close()


FIXED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SCHEMA = schemathesis.openapi.from_path(DESCRIPTION)
OPERATIONS: list[Any] = [cast(Any, found).ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CASHIER, None])
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.path)
def test_no_answer_is_one_that_the_description_does_not_promise(
    served: tuple[str, Shop], operation: Any, mode: GenerationMode, role: Role | None
) -> None:
    url, shop = served
    cookies = {COOKIE: shop.session(role)} if role is not None else {}
    seen: set[int] = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @FIXED
    def ask(case: Any) -> None:
        answer = case.call_and_validate(base_url=url, checks=CHECKS, cookies=cookies)
        seen.add(answer.status_code)

    ask()
    assert seen <= {Role.MANAGER: {200, 400, 404}, Role.CASHIER: {403}, None: {401}}[role]
