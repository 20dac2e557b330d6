"""The till's answers: charging, cancelling, trying again, and what the screen shows."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.context import DashboardContext
from dashboard.state import CANCELLED_MS, till_state
from host.clock import MINUTE, ManualClock
from host.ledger import incoming, sales
from host.ledger.codes import Code, Help
from host.ledger.records import Limits, SaleState
from host.money import sats
from host.till import APPROVED_MS
from tests.support.forms import post
from tests.support.shop import Shop


def shown(client: FlaskClient) -> dict[str, Any]:
    state: dict[str, Any] = client.get("/till/state").get_json()
    return state


def test_the_till_is_idle_until_an_amount_is_charged(cashier: FlaskClient) -> None:
    assert shown(cashier)["state"] == "idle"
    state = post(cashier, "/till/charge", {"lines": [2100]}).get_json()
    assert state["state"] == "ready"
    assert state["sale"]["amount"] == "2\u00a0100"
    assert state["sale"]["says"] == "Tap the card"
    assert shown(cashier) == state


@pytest.mark.parametrize("amount", [0, -5, "", None, "12.5", "many", 21_000_000 * 10**8 + 1, {}])
def test_an_amount_that_is_none_is_refused(
    cashier: FlaskClient, shop: Shop, amount: object
) -> None:
    response = post(cashier, "/till/charge", {"lines": [amount]})
    assert (response.status_code, response.get_json()["code"]) == (400, "amount_invalid")
    assert sales.latest(shop.db, "till-1") is None


@pytest.mark.parametrize(
    ("parts", "code", "name"),
    [({"reader": False}, "reader_down", "Reader"), ({"lightning": False}, "store_offline", None)],
)
def test_the_till_does_not_arm_when_a_dot_is_down_and_says_which(
    cashier: FlaskClient, shop: Shop, parts: dict[str, bool], code: str, name: str | None
) -> None:
    shop.dots(**parts)
    state = shown(cashier)
    assert state["state"] == "blocked"
    assert [dot["name"] for dot in state["dots"] if not dot["ok"]] == list(parts)
    response = post(cashier, "/till/charge", {"lines": [5]})
    assert (response.status_code, response.get_json()["code"]) == (409, code)
    assert response.get_json()["detail"]["part"] == next(iter(parts))
    assert sales.latest(shop.db, "till-1") is None


def test_an_approved_sale_shows_the_card_and_leaves_by_itself(
    cashier: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    shop.pay(shop.card("Ann"), 2100)
    state = shown(cashier)
    assert (state["state"], state["sale"]["says"], state["sale"]["more"]) == (
        "approved",
        "Paid",
        "Ann",
    )
    clock.advance(APPROVED_MS - 1)
    assert shown(cashier)["sale"]["leaves_in_ms"] == 1
    clock.advance(1)
    assert shown(cashier)["state"] == "idle"


def test_a_declined_sale_stays_open_and_another_card_pays_it(
    cashier: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    limited, good = shop.card("Ann", limits=Limits(tap_msat=sats(100))), shop.card("Ben")
    sale = shop.arm(2100)
    refused = shop.tap(limited)
    sales.move(shop.db, sale.sale_id, SaleState.DECLINED, code=refused.code)  # type: ignore[union-attr]
    clock.advance(60_000)
    state = shown(cashier)
    assert state["state"] == "declined"
    assert state["sale"]["code"] == "limit_tap"
    assert (state["sale"]["says"], state["sale"]["do"]) == Code.LIMIT_TAP.words
    again = post(cashier, "/till/again", {"sale_id": sale.sale_id}).get_json()
    assert (again["state"], again["sale"]["sale_id"]) == ("ready", sale.sale_id)
    shop.tap(good)
    assert shown(cashier)["state"] == "approved"


@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_says_what_happened_and_what_to_do(
    context: DashboardContext, shop: Shop, code: Code
) -> None:
    sale = shop.arm(5)
    sales.move(shop.db, sale.sale_id, SaleState.DECLINED, code=code, data={"tries_left": 2})
    shown = till_state(context, context.terminal)["sale"]
    assert shown["says"] == f"{code.words.says}, 2 tries left"
    if not shown["pin"]:
        assert shown["do"] == code.words.do
    assert shown["do"].endswith(".")


def test_a_cancelled_sale_is_shown_for_a_moment(
    cashier: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    sale = shop.arm(5)
    assert post(cashier, "/till/cancel", {"sale_id": sale.sale_id}).get_json()["state"] == (
        "cancelled"
    )
    clock.advance(CANCELLED_MS)
    assert shown(cashier)["state"] == "idle"


def test_a_sale_that_is_being_checked_is_locked(cashier: FlaskClient, shop: Shop) -> None:
    sale = shop.arm(5)
    for state in (SaleState.AUTHORISING, SaleState.CHECKING):
        sales.move(shop.db, sale.sale_id, state, code=Code.LIGHTNING_UNKNOWN)
    assert shown(cashier)["sale"]["do"] == "Do not charge again."
    for path, body in (
        ("/till/cancel", {"sale_id": sale.sale_id}),
        ("/till/again", {"sale_id": sale.sale_id}),
        ("/till/charge", {"lines": [7]}),
    ):
        response = post(cashier, path, body)
        assert response.get_json()["code"] == "sale_in_progress", path
    assert shown(cashier)["state"] == "checking"


def test_a_locked_till_says_until_when(
    cashier: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    sale = shop.arm(5)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    expires_at = clock.now() + 2 * MINUTE
    assert incoming.offer(shop.db, sale, bytes(32), "lnbcrt1", expires_at, "cards.example")
    assert shown(cashier)["sale"]["more"] == ""
    sales.move(shop.db, sale.sale_id, SaleState.CHECKING, code=Code.LIGHTNING_UNKNOWN)
    assert shown(cashier)["sale"]["more"] == "It is usually known by 15:10."
    clock.advance(5 * MINUTE)  # the wallet does not answer: nothing is promised
    assert shown(cashier)["sale"]["more"] == ""


def test_only_the_sale_on_the_screen_can_be_cancelled(cashier: FlaskClient, shop: Shop) -> None:
    old, new = shop.arm(5), shop.arm(6)
    response = post(cashier, "/till/cancel", {"sale_id": old.sale_id})
    assert response.get_json()["code"] == "sale_closed"
    assert shown(cashier)["sale"]["sale_id"] == new.sale_id
    assert post(cashier, "/till/cancel").get_json()["code"] == "sale_closed"


def test_a_sale_goes_on_when_a_dot_goes_down_meanwhile(cashier: FlaskClient, shop: Shop) -> None:
    shop.arm(5)
    shop.dots(lightning=False)
    assert shown(cashier)["state"] == "ready"


def test_the_page_carries_the_same_state_that_it_asks_for(cashier: FlaskClient, shop: Shop) -> None:
    sale = shop.arm(2100)
    page = cashier.get("/till").text
    assert sale.sale_id in page
    assert "&#34;state&#34;: &#34;ready&#34;" in page
    assert "Simulation" in page
    for word in ("Reader", "Ledger", "Lightning", "Clock"):
        assert f"<span>{word}</span>" in page


def test_a_charge_never_cancels_a_sale_that_is_open(cashier: FlaskClient, shop: Shop) -> None:
    sale = shop.arm(5)
    for state in (SaleState.READY, SaleState.DECLINED):
        if state is not SaleState.READY:
            sales.move(shop.db, sale.sale_id, state, code=Code.CARD_BLOCKED)
        response = post(cashier, "/till/charge", {"lines": [7]})
        assert (response.status_code, response.get_json()["code"]) == (409, "sale_open")
        assert shown(cashier)["sale"]["sale_id"] == sale.sale_id
        assert shown(cashier)["state"] == state.value
    post(cashier, "/till/cancel", {"sale_id": sale.sale_id})
    assert post(cashier, "/till/charge", {"lines": [7]}).get_json()["state"] == "ready"


def saw(shop: Shop, terminal_id: str, *, lying: bool) -> None:
    data = {"terminal_id": terminal_id, "sale_state": "ready", "lying": lying}
    shop.db.transaction(
        lambda tx: tx.event("card.seen", store_id="main", subject=terminal_id, data=data)
    )


def test_a_card_that_lay_there_is_told_until_the_sale_goes_on(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = shop.arm(5)
    saw(shop, "till-2", lying=True)
    saw(shop, "till-1", lying=False)
    assert shown(cashier)["sale"]["more"] == ""
    saw(shop, "till-1", lying=True)
    assert shown(cashier)["sale"]["more"].startswith("A card is already on the reader\n")
    sales.cancel(shop.db, sale.sale_id)
    assert shown(cashier)["sale"]["more"] == ""
    shop.arm(6)
    assert shown(cashier)["sale"]["more"] == ""


def test_what_a_refusal_says_to_do_and_what_its_keys_offer_agree() -> None:
    """Whoever is told to use another card is not offered the same one once more."""
    for code in Code:
        first = code.words.do.lower().partition(",")[0]
        if code.helps is Help.OTHER_CARD:
            assert "another card" in first, code
        elif code.helps is Help.LESS:
            assert {"smaller amount", "another card"} <= set(first.strip("a .").split(" or ")), code
        elif code.helps is Help.AGAIN:
            assert not first.startswith("use another card"), code
