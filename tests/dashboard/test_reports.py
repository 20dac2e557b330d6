"""Reports: sums of days and cards that agree with each other and with the ledger behind them."""

from __future__ import annotations

import csv
import io

import pytest
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from host.clock import DAY, ManualClock
from host.ledger import pull_payments
from tests.support.busy import failed, lightning
from tests.support.shop import Shop


@pytest.fixture
def client(manager: FlaskClient, shop: Shop, clock: ManualClock) -> FlaskClient:
    """A manager of a shop with two days of business."""
    ann, ben = shop.card("Ann"), shop.card("=Ben")
    shop.pay(ann, 1_000)
    shop.pay(ben, 200)
    clock.advance(DAY)
    shop.pay(ann, 30)
    failed(shop, ann, 4, "no route")
    lightning(shop, ben, 5)
    manager.set_cookie(COOKIE, shop.session())
    return manager


def read(client: FlaskClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text[1:], newline="")))


def test_days_and_cards_have_the_same_sum(client: FlaskClient) -> None:
    page = client.get("/reports").text
    assert page.count("1\u00a0230</td>") == 2
    days, cards = read(client, "/reports/days.csv"), read(client, "/reports/cards.csv")
    assert len(days) == 30
    assert sum(int(row["completed_sat"]) for row in days) == 1_230
    assert sum(int(row["completed_sat"]) for row in cards) == 1_230
    assert (days[-1]["payouts"], days[-1]["pending_sat"], days[-1]["failed"]) == ("2", "5", "1")
    assert [row["boltcard_alias"] for row in cards] == ["Ann", "'=Ben"]


def test_the_whole_ledger_sums_to_what_is_in_the_accounts(client: FlaskClient, shop: Shop) -> None:
    rows = read(client, "/reports/ledger.csv")
    account = pull_payments.get(shop.db, shop.account.pull_payment_id)
    assert account
    assert sum(int(row["available_msat"]) for row in rows) == account.balance_msat
    assert sum(int(row["held_msat"]) for row in rows) == account.held_msat
    assert rows[0]["kind"] == "fund"
    assert {row["pull_payment"] for row in rows} == {"Staff"}
    assert read(client, "/reports/ledger.csv?startDate=2025-01-01&endDate=2025-01-31") == []


def test_a_report_of_nothing_is_a_report(manager: FlaskClient) -> None:
    assert "No card has paid in this time" in manager.get("/reports").text
    assert read(manager, "/reports/cards.csv") == []
