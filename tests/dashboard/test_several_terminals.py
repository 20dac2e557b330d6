"""Several terminals and stores: each sale to its own reader, and nothing of another store."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from host.ledger import devices, people, sales
from host.ledger.permissions import Person, Role
from tests.support.devices import PIN, elsewhere, enter, form, second, trusted, words
from tests.support.forms import post
from tests.support.shop import Shop


@pytest.fixture
def ann(shop: Shop) -> Person:
    return people.create(shop.db, "Ann", Role.CASHIER, store_id="main", pin=PIN)


@pytest.fixture
def bob(shop: Shop) -> Person:
    return people.create(shop.db, "Bob", Role.CASHIER, store_id="main", pin="8642")


def test_two_tills_charge_at_their_own_terminals(
    app: Flask, shop: Shop, ann: Person, bob: Person
) -> None:
    second(shop)
    one, two = trusted(app, shop, "till-1"), trusted(app, shop, "till-2")
    enter(one, ann, PIN)
    enter(two, bob, "8642")
    post(one, "/till/charge", {"lines": [11]})
    post(two, "/till/charge", {"lines": [22]})
    amounts = [sales.current(shop.db, name) for name in ("till-1", "till-2")]
    assert [sale.amount_msat for sale in amounts if sale] == [11_000, 22_000]
    told = [client.get("/till/state").get_json()["sale"]["amount_sat"] for client in (one, two)]
    assert told == [11, 22]


def test_an_order_on_one_device_is_paid_at_anothers_reader(
    app: Flask, shop: Shop, ann: Person
) -> None:
    second(shop)
    device = trusted(app, shop, "till-1")
    enter(device, ann, PIN)
    assert "Charging at: till-1. Choose another" in device.get("/till").text
    answer = form(device, "/device/terminal", terminal="till-2")
    assert answer.headers["Location"] == "/till?terminal=till-2"
    assert "Charging at: Till 2. Choose another" in device.get("/till").text
    post(device, "/till/charge", {"lines": [7]})
    assert sales.current(shop.db, "till-1") is None
    assert sales.current(shop.db, "till-2") is not None
    assert devices.every(shop.db)[0].terminal_id == "till-2"


def test_a_page_acts_for_the_terminal_it_was_made_for(app: Flask, shop: Shop, ann: Person) -> None:
    second(shop)
    device = trusted(app, shop, "till-1")
    enter(device, ann, PIN)
    page = device.get("/till").text
    charge = re.search(r'data-charge-url="([^"]+)"', page)
    assert charge
    assert charge[1] == "/till/charge?terminal=till-1"
    form(device, "/device/terminal", terminal="till-2")  # chosen in another window meanwhile
    post(device, charge[1], {"lines": [7]})
    assert sales.current(shop.db, "till-1") is not None


def test_a_browser_that_is_no_trusted_till_remembers_its_terminal_too(
    manager: FlaskClient, shop: Shop
) -> None:
    second(shop)
    assert "Charging at: till-1" in manager.get("/till").text
    assert "Charging at: Till 2" in manager.get("/till?terminal=till-2").text
    assert "Charging at: till-1" in manager.get("/till").text
    form(manager, "/device/terminal", terminal="till-2")
    assert "Charging at: Till 2" in manager.get("/till").text


def test_one_terminal_needs_no_choice(manager: FlaskClient) -> None:
    page = manager.get("/till").text
    assert "Charging at" not in page
    assert "?terminal=" not in page


def test_a_till_of_one_store_reaches_nothing_of_another(
    app: Flask, shop: Shop, ann: Person
) -> None:
    elsewhere(shop)
    tablet = trusted(app, shop, "till-1")
    far = people.create(shop.db, "Far", Role.CASHIER, store_id="elsewhere", pin="8642")
    people.create(shop.db, "Owner", Role.MANAGER, password="correct horse", pin=PIN)
    assert enter(tablet, far, "8642").headers.get("Location") is None
    assert "Far" not in words(tablet.get("/sign-in")).replace("Far away", "")
    enter(tablet, ann, PIN)
    for path in ("/till?terminal=far", "/till/state?terminal=far", "/live?terminal=far"):
        assert tablet.get(path).status_code == 403, path
    assert form(tablet, "/device/terminal", terminal="far").status_code == 403
    assert tablet.get("/till?terminal=nowhere").status_code == 403
    # Not even somebody of every store, on a till of this one.
    enter(tablet, people.by_name(shop.db, "Owner") or ann, PIN)
    assert tablet.get("/till?terminal=far").status_code == 403
    form(tablet, "/sign-in", name="Owner", password="correct horse")
    assert tablet.get("/terminals").status_code == 200
    assert tablet.get("/till?terminal=far").status_code == 403


def test_somebody_of_the_other_store_gets_their_own_terminal(app: Flask, shop: Shop) -> None:
    elsewhere(shop)
    people.create(shop.db, "Far", Role.CASHIER, store_id="elsewhere", password="correct horse")
    client = app.test_client()
    form(client, "/sign-in", name="Far", password="correct horse")
    assert post(client, "/till/charge", {"lines": [7]}).status_code == 200
    assert sales.current(shop.db, "far") is not None
    assert client.get("/till?terminal=till-1").status_code == 403
    manager = people.create(shop.db, "Mo", Role.MANAGER, store_id="elsewhere")
    boss = app.test_client()
    boss.get(f"/sign-in/link/{people.one_time_link(shop.db, manager.person_id)}")
    assert form(boss, "/terminals/till-1/name", name="Mine").status_code == 404
    assert form(boss, "/device", name="Mine", terminal="till-1").status_code == 303
    assert devices.every(shop.db) == []
