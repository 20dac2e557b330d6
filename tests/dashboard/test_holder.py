"""A holder at the counter's screen: sees the card, opens it with the PIN, chooses a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.context import DashboardContext
from host.ledger import balance, cards, loans, people
from host.ledger.permissions import Role
from host.ledger.records import Card
from host.visits import LASTS_MS, Step, Visit, Visits
from tests.support.forms import csrf_of
from tests.support.shop import Shop

PIN = "7391"


@pytest.fixture
def visits(shop: Shop) -> Visits:
    return Visits(shop.db, ())


@pytest.fixture
def context(context: DashboardContext, visits: Visits) -> DashboardContext:
    return replace(context, visits=visits)


@pytest.fixture
def technician(sign_in: Callable[[Role], FlaskClient]) -> FlaskClient:
    return sign_in(Role.TECHNICIAN)


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    form["csrf_token"] = csrf_of(client)
    return client.post(path, data=form, headers={"Accept": "text/html"}, follow_redirects=True)


def read(visits: Visits, shop: Shop, card: Card) -> Visit:
    """The reader has read this card."""
    before = visits.at(shop.terminal)
    assert before is not None
    tap = shop.next_tap(card)
    if before.card_id is None:
        after = visits._looked(before, tap, None)
    else:
        assert not isinstance(balance.present(shop.db, tap), type(None))
        after = replace(before, step=Step.CHOOSE)
    visits._put(before, after)
    return after


def test_a_cashier_lets_a_holder_see_a_card(
    cashier: FlaskClient, shop: Shop, visits: Visits
) -> None:
    card = shop.card("Ann")
    shop.pay(card, 2_100)
    assert "/holder" in cashier.get("/till").text
    assert "Show a balance" in cashier.get("/holder").text
    assert "Lay down your card" in send(cashier, "/holder/look").text
    assert loans.of(shop.db, "till-1") is not None
    read(visits, shop, card)
    page = cashier.get("/holder").text
    assert "997\u00a0900" in page
    assert "2\u00a0100" in page
    kept = cards.get(shop.db, card.card_id)
    assert kept is not None
    assert kept.last_counter == 1  # the payment's; looking spent nothing
    assert send(cashier, "/holder/end").request.path == "/till"
    assert loans.of(shop.db, "till-1") is None
    assert "997" not in cashier.get("/holder").text


def test_the_part_is_another_one_whenever_there_is_something_else_to_say(
    cashier: FlaskClient, shop: Shop, visits: Visits
) -> None:
    card = shop.card("Ann")
    versions = []

    def see() -> None:
        text = cashier.get("/holder/part").text
        versions.append(text.partition('data-version="')[2].partition('"')[0])

    see()
    send(cashier, "/holder/look")
    see()
    see()
    read(visits, shop, card)
    see()
    assert len(versions) == 4
    assert versions[1] == versions[2]
    assert len(set(versions)) == 3


def test_a_card_with_a_pin_is_opened_by_it(
    cashier: FlaskClient, shop: Shop, visits: Visits
) -> None:
    card = shop.card("Ann")
    cards.set_pin(shop.db, card.card_id, PIN)
    send(cashier, "/holder/look")
    read(visits, shop, card)
    page = cashier.get("/holder").text
    assert "Enter the PIN of this card" in page
    assert "000\u00a0000" not in page
    assert "Wrong PIN" in send(cashier, "/holder/open", pin="0000").text
    assert "1\u00a0000\u00a0000" in send(cashier, "/holder/open", pin=PIN).text


def test_a_technician_lets_the_holder_choose_a_pin(
    technician: FlaskClient, shop: Shop, visits: Visits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    card = shop.card("Ann")
    assert "Let the holder choose a PIN" in technician.get(f"/cards/{card.card_id}").text
    page = send(technician, "/holder/choose-pin", card_id=card.card_id).text
    assert "Lay down the card Ann" in page
    read(visits, shop, card)
    assert "Choose a PIN for Ann" in technician.get("/holder").text
    said = send(technician, "/holder/pin", pin=PIN, again="7392").text
    assert "the two are not the same" in said
    assert PIN not in said
    done = send(technician, "/holder/pin", pin=PIN, again=PIN).text
    assert "The PIN of Ann is set" in done
    assert PIN not in done + caplog.text
    kept = cards.get(shop.db, card.card_id)
    assert kept is not None
    assert kept.pin_limit_msat == 0


def test_a_cashier_begins_no_choice_of_a_pin(cashier: FlaskClient, shop: Shop) -> None:
    card = shop.card("Ann")
    form = {"card_id": card.card_id, "csrf_token": csrf_of(cashier)}
    answer = cashier.post("/holder/choose-pin", data=form)
    assert answer.status_code == 403
    assert "Let the holder choose" not in cashier.get(f"/cards/{card.card_id}").text


def test_an_open_sale_keeps_the_reader(cashier: FlaskClient, shop: Shop) -> None:
    shop.arm(5)
    assert "A sale is open on this terminal" in send(cashier, "/holder/look").text
    assert loans.of(shop.db, "till-1") is None


def test_what_was_shown_goes_by_itself(cashier: FlaskClient, shop: Shop, visits: Visits) -> None:
    card = shop.card("Ann")
    send(cashier, "/holder/look")
    read(visits, shop, card)
    shop.clock.advance(LASTS_MS)  # type: ignore[attr-defined]
    assert "000\u00a0000" not in cashier.get("/holder").text
    assert loans.of(shop.db, "till-1") is None


def test_who_began_it_is_in_the_audit_trail(
    manager: FlaskClient, shop: Shop, visits: Visits
) -> None:
    card = shop.card("Ann")
    send(manager, "/holder/choose-pin", card_id=card.card_id)
    read(visits, shop, card)
    send(manager, "/holder/pin", pin=PIN, again=PIN)
    row = shop.db.read(
        lambda tx: tx.one("SELECT person_id, data FROM audit ORDER BY audit_id DESC")
    )
    who = people.by_name(shop.db, "manager")
    assert row is not None
    assert who is not None
    assert row[0] == who.person_id
    assert '"chosen_by":"holder"' in row[1].replace(" ", "")


def test_without_a_reader_to_lend_there_is_no_such_room(
    shop: Shop, context: DashboardContext
) -> None:
    from dashboard.access import COOKIE
    from dashboard.app import create_app

    client = create_app(replace(context, visits=None)).test_client()
    client.set_cookie(COOKIE, shop.session())
    assert client.get("/holder").status_code == 404
    assert "Balance" not in client.get("/till").text
