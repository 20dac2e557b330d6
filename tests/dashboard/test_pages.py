"""Payouts, cards and status, as they are read without any script."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from dashboard import cards as cards_room
from dashboard import payouts as payouts_room
from host.clock import ManualClock
from host.ledger import cards, pull_payments, stores
from host.ledger.records import CardState
from tests.support.shop import Shop


def rows(page: str) -> list[str]:
    return re.findall(r'data-payout="([^"]+)"', page)


def test_without_payouts_the_page_says_what_to_do(manager: FlaskClient) -> None:
    page = manager.get("/payouts").text
    assert "No payouts yet" in page
    assert "Charge an amount on the till" in page


def test_payouts_are_listed_newest_first_in_the_stores_time(
    manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    ann = shop.card("Ann")
    first = shop.pay(ann, 2100).payout
    clock.advance(60_000)
    second = shop.pay(ann, 125_000).payout
    page = manager.get("/payouts").text
    assert rows(page) == [second.payout_id, first.payout_id]
    assert "2026-03-02 15:08:31" in page
    assert "times in Europe/Rome, UTC+01:00" in page
    assert "125\u00a0000 sats" in page
    assert "Completed" in page
    assert "Ann" in page


def test_older_payouts_are_a_link_away(
    manager: FlaskClient, shop: Shop, monkeypatch: object
) -> None:
    monkeypatch.setattr(payouts_room, "PER_PAGE", 2)  # type: ignore[attr-defined]
    ann = shop.card("Ann")
    made = [shop.pay(ann, amount).payout.payout_id for amount in (1, 2, 3, 4, 5)]
    seen, path = [], "/payouts"
    while path:
        page = manager.get(path).text
        seen += rows(page)
        found = re.search(r'id="more" href="([^"]+)"', page)
        path = found[1] if found else ""
    assert seen == made[::-1]


def test_a_payout_has_a_page_of_its_own(manager: FlaskClient, shop: Shop) -> None:
    payout = shop.pay(shop.card("Ann"), 2100).payout
    page = manager.get(f"/payouts/{payout.payout_id}").text
    for text in ("0.00002100 BTC", "Ann", "04 A1 B2 C3 D4 01 80", payout.pull_payment_id):
        assert text in page


def test_a_payout_of_another_store_is_not_there(manager: FlaskClient, shop: Shop) -> None:
    stores.create(shop.db, "Other shop", store_id="other")
    pull_payments.create(shop.db, "other", "Other")
    assert manager.get("/payouts/unknown").status_code == 404
    payout = shop.pay(shop.card("Ann"), 2100).payout
    shop.db.transaction(
        lambda tx: tx.run("UPDATE payouts SET store_id = 'other'")  # as if it were theirs
    )
    assert manager.get(f"/payouts/{payout.payout_id}").status_code == 404


def test_cards_show_what_they_did_and_how_they_are(manager: FlaskClient, shop: Shop) -> None:
    assert "No cards yet" in manager.get("/cards").text
    ann = shop.card("Ann")
    ben = shop.card("Ben <b>")
    shop.pay(ann, 2100)
    shop.pay(ann, 900)
    cards.set_state(shop.db, ben.card_id, CardState.FROZEN)
    page = manager.get("/cards").text
    assert "3\u00a0000 sats" in page
    assert "0.00003000 BTC" in page
    assert "04 A1 B2 C3 D4 02 80" in page
    assert "Ben &lt;b&gt;" in page
    assert "Blocked" in page
    assert page.count("never") == 2


def test_many_cards_come_in_pages(manager: FlaskClient, shop: Shop, monkeypatch: object) -> None:
    monkeypatch.setattr(cards_room, "PER_PAGE", 2)  # type: ignore[attr-defined]
    for name in ("Ann", "Ben", "Cem"):
        shop.card(name)
    page = manager.get("/cards").text
    assert "Cem" not in page
    found = re.search(r'href="(/cards\?after=[^"]+)"', page)
    assert found
    assert "Cem" in manager.get(found[1]).text


def test_every_state_of_a_card_has_a_look() -> None:
    assert set(cards_room.STATES) == set(CardState)


def test_the_status_page_says_what_is_down_and_what_to_check(
    manager: FlaskClient, shop: Shop
) -> None:
    shop.dots(reader=False)
    page = manager.get("/status").text
    assert "no reader is plugged in" in page
    assert "check its plug" in page
    dots = manager.get("/status/now").get_json()["dots"]
    assert [(dot["name"], dot["ok"]) for dot in dots] == [
        ("reader", False),
        ("ledger", True),
        ("lightning", True),
        ("clock", True),
    ]
