"""A manager closes a sale whose wallet is dead, on the sale's own page."""

from __future__ import annotations

import secrets

import pytest
from flask.testing import FlaskClient

from host.clock import MINUTE, ManualClock
from host.ledger import giving_up, incoming, sales
from host.ledger.records import Sale, SaleState
from tests.support.forms import csrf_of
from tests.support.shop import Shop


@pytest.fixture
def checking(shop: Shop) -> Sale:
    """A sale that is being checked; its invoice lives for a minute."""
    sale = shop.arm(2_100)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    moved = sales.get(shop.db, sale.sale_id)
    assert moved is not None
    until = shop.clock.now() + MINUTE
    payment_hash = secrets.token_bytes(32)
    assert incoming.offer(shop.db, moved, payment_hash, "lnbcrt1", until, "cards.example")
    found = sales.move(shop.db, sale.sale_id, SaleState.CHECKING)
    assert found is not None
    return found


def give_up(client: FlaskClient, sale: Sale, reason: str = "the disk is gone") -> str:
    form = {"reason": reason, "inside": "1", "csrf_token": csrf_of(client)}
    path = f"/sales/{sale.sale_id}/give-up"
    return client.post(path, data=form, follow_redirects=True).text


def test_a_manager_gives_it_up_once_nobody_can_pay_it(
    manager: FlaskClient, shop: Shop, clock: ManualClock, checking: Sale
) -> None:
    assert "Give the sale up" in manager.get(f"/sales/{checking.sale_id}").text
    assert "may still be paid; wait until" in give_up(manager, checking)
    clock.advance(MINUTE + giving_up.GRACE_MS)
    page = give_up(manager, checking)
    assert "The sale is closed." in page
    assert "Given up: the disk is gone" in page
    assert "Give the sale up" not in page
    found = sales.get(shop.db, checking.sale_id)
    assert found is not None
    assert found.state is SaleState.CANCELLED


def test_a_cashier_gives_nothing_up(cashier: FlaskClient, shop: Shop, checking: Sale) -> None:
    form = {"reason": "x", "csrf_token": csrf_of(cashier)}
    answer = cashier.post(f"/sales/{checking.sale_id}/give-up", data=form)
    assert answer.status_code == 403
    assert sales.get(shop.db, checking.sale_id) == checking


def test_no_other_sale_has_the_button(manager: FlaskClient, shop: Shop) -> None:
    sale = shop.pay(shop.card("Ann"), 2_100).payout.sale_id
    assert "Give the sale up" not in manager.get(f"/sales/{sale}").text
