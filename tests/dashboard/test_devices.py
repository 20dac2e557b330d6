"""Trusted tills: made by a manager, signed in on with a PIN, of use nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.access import COOKIE, DEVICE_COOKIE
from host.clock import MINUTE, ManualClock
from host.ledger import audit, devices, people, sales
from host.ledger.permissions import Person, Role
from tests.support.devices import PIN, elsewhere, enter, form, second, trusted, words
from tests.support.forms import post
from tests.support.shop import Shop

Client = Callable[[Role], FlaskClient]


@pytest.fixture
def ann(shop: Shop) -> Person:
    return people.create(shop.db, "Ann", Role.CASHIER, store_id="main", pin=PIN)


@pytest.fixture
def bob(shop: Shop) -> Person:
    return people.create(shop.db, "Bob", Role.CASHIER, store_id="main", pin="8642")


@pytest.fixture
def tablet(app: Flask, shop: Shop) -> FlaskClient:
    """A trusted till in the store `main` on which nobody is signed in."""
    return trusted(app, shop, "till-1")


def test_a_manager_makes_this_browser_a_till(manager: FlaskClient, shop: Shop) -> None:
    assert "Make this browser a till" in manager.get("/device").text
    answer = form(manager, "/device", name="Counter", terminal="till-1")
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    for part in (f"{DEVICE_COOKIE}=", "HttpOnly", "SameSite=Lax", "Max-Age=34560000"):
        assert part in cookie
    (made,) = devices.every(shop.db)
    assert (made.name, made.store_id, made.terminal_id) == ("Counter", "main", "till-1")
    assert "A trusted till: Counter" in manager.get("/device").text
    form(manager, "/device", name="Counter 2", terminal="till-1")
    assert [one.name for one in devices.every(shop.db)] == ["Counter 2"]
    form(manager, "/device/forget")
    assert devices.every(shop.db) == []
    assert manager.get_cookie(DEVICE_COOKIE) is None
    deeds = [row.action for row in audit.recent(shop.db) if row.action.startswith("device")]
    assert deeds == ["device.revoke", "device.revoke", "device.trust", "device.trust"]


@pytest.mark.parametrize(
    ("name", "terminal", "problem"),
    [
        ("", "till-1", "name"),
        ("Counter", "nowhere", "choose one"),
        ("Counter", "far", "choose one"),
    ],
)
def test_what_makes_no_sense_is_said_and_trusts_nobody(
    manager: FlaskClient, shop: Shop, name: str, terminal: str, problem: str
) -> None:
    elsewhere(shop)
    for path in ("/device", "/terminals/link"):
        assert form(manager, path, name=name, terminal=terminal).status_code == 303
        assert problem in manager.get("/device").text
    assert devices.every(shop.db) == []


@pytest.mark.parametrize("role", [Role.CASHIER, Role.TECHNICIAN])
def test_only_a_manager_trusts_a_browser(sign_in: Client, role: Role, shop: Shop) -> None:
    client = sign_in(role)
    assert client.get("/device").status_code == 403
    assert form(client, "/device", name="Mine", terminal="till-1").status_code == 403
    assert devices.every(shop.db) == []


def test_a_link_makes_another_browser_a_till_once(
    manager: FlaskClient, app: Flask, shop: Shop, ann: Person
) -> None:
    page = form(manager, "/terminals/link", name="Tablet", terminal="till-1")
    found = re.search(r"<code>http://localhost(/device/link/[^<]+)</code>", page.text)
    assert found
    assert "<svg" in page.text
    tablet = app.test_client()
    ahead = tablet.get(found[1], headers={"Sec-Purpose": "prefetch"})
    assert ahead.status_code == 403
    assert tablet.get(found[1]).headers["Location"] == "/"
    assert "Ann" in tablet.get("/sign-in").text
    assert tablet.get(found[1]).status_code == 302  # the same link once more, in this browser
    other = app.test_client().get(found[1])
    assert other.status_code == 403
    assert "was used or is too old" in other.text
    assert [one.name for one in devices.every(shop.db)] == ["Tablet"]


def test_names_are_shown_on_a_trusted_till_only(
    app: Flask, tablet: FlaskClient, ann: Person, bob: Person
) -> None:
    people_page = words(tablet.get("/sign-in"))
    assert "Ann" in people_page
    assert "Bob" in people_page
    stranger = app.test_client().get("/sign-in")
    assert "Ann" not in stranger.text
    assert "Password" in stranger.text
    assert "Password" in tablet.get("/sign-in?password=1").text


def test_a_pin_signs_in_and_goes_where_the_person_wanted(
    tablet: FlaskClient, shop: Shop, ann: Person
) -> None:
    assert tablet.get("/till", headers={"Accept": "text/html"}).status_code == 302
    assert "PIN, 4 to 8 digits" in tablet.get(f"/sign-in?as={ann.person_id}").text
    assert enter(tablet, ann, PIN, "?next=/till").headers["Location"] == "/till"
    page = tablet.get("/till")
    assert page.status_code == 200
    assert "Change the person:" in page.text
    assert post(tablet, "/till/charge", {"lines": [21]}).status_code == 200
    assert sales.current(shop.db, "till-1") is not None


def test_wrong_pins_are_told_in_words_and_lock_with_the_time_left(
    tablet: FlaskClient, shop: Shop, ann: Person, clock: ManualClock
) -> None:
    said = [words(enter(tablet, ann, "9999")) for _ in range(5)]
    assert "Wrong PIN. Try again: 4 tries left." in said[0]
    assert "Wrong PIN. One try left, then the PIN is locked for a while." in said[3]
    assert "Too many wrong PINs. Try again in 5 minutes, at 15:12." in said[4]
    clock.advance(4 * MINUTE + 1)
    right = enter(tablet, ann, PIN)
    assert right.status_code == 403
    assert "Try again in a minute, at 15:12." in words(right)
    assert "PIN locked" in words(tablet.get("/sign-in?people=1"))
    clock.advance(MINUTE)
    assert enter(tablet, ann, PIN).status_code == 302
    assert "person.locked" in [row.action for row in audit.recent(shop.db)]


def test_a_pin_is_of_no_use_on_a_browser_that_is_not_trusted(
    app: Flask, shop: Shop, ann: Person
) -> None:
    stranger = app.test_client()
    answer = enter(stranger, ann, PIN)
    assert answer.status_code == 403
    assert "on a trusted device only" in answer.text
    assert people.locked_until(shop.db, "Ann") is None


def test_a_stolen_session_cookie_opens_nothing_elsewhere(
    app: Flask, shop: Shop, tablet: FlaskClient, ann: Person
) -> None:
    enter(tablet, ann, PIN)
    cookie = tablet.get_cookie(COOKIE)
    assert cookie is not None
    for thief in (app.test_client(), trusted(app, shop, "till-1")):
        thief.set_cookie(COOKIE, cookie.value)
        assert thief.get("/till").status_code == 401
        assert thief.get("/live").status_code == 401
    assert tablet.get("/till").status_code == 200


def test_a_device_that_is_trusted_no_more_is_out_at_once(
    tablet: FlaskClient, manager: FlaskClient, shop: Shop, ann: Person
) -> None:
    enter(tablet, ann, PIN)
    (device,) = devices.every(shop.db)
    assert "Tablet" in manager.get("/terminals").text
    answer = form(manager, f"/terminals/devices/{device.device_id}/revoke")
    assert answer.status_code == 303
    assert tablet.get("/till").status_code == 401
    assert "Ann" not in tablet.get("/sign-in").text
    assert enter(tablet, ann, PIN).status_code == 403
    assert form(manager, f"/terminals/devices/{device.device_id}/revoke").status_code == 404


def test_another_person_goes_on_and_the_one_before_is_out_only_then(
    tablet: FlaskClient, shop: Shop, ann: Person, bob: Person
) -> None:
    enter(tablet, ann, PIN)
    before = tablet.get_cookie(COOKIE)
    assert before is not None
    sale = shop.arm(21)
    tiles = tablet.get("/sign-in/change?next=/till")
    assert "Back, as Ann" in tiles.text
    assert "PIN, 4 to 8" in tablet.get(f"/sign-in/change?as={bob.person_id}").text
    assert enter(tablet, bob, PIN).status_code == 403
    assert tablet.get("/till").status_code == 200
    assert enter(tablet, bob, "8642", "?next=/till").headers["Location"] == "/till"
    assert "Bob" in tablet.get("/till").text
    assert sales.current(shop.db, "till-1") == sale
    tablet.set_cookie(COOKIE, before.value)
    assert tablet.get("/till").status_code == 401


def test_changing_the_person_needs_a_trusted_till(manager: FlaskClient) -> None:
    assert manager.get("/sign-in/change").headers["Location"] == "/me"


def test_a_till_that_nobody_uses_asks_for_its_persons_pin_again(
    tablet: FlaskClient, shop: Shop, ann: Person, clock: ManualClock
) -> None:
    enter(tablet, ann, PIN)
    for _ in range(15):  # a page that keeps itself fresh is nobody's work
        clock.advance(MINUTE)
        tablet.get("/till/state", headers={"Accept": "application/json"})
    assert tablet.get("/till/state").status_code == 401
    page = words(tablet.get("/sign-in?next=/till"))
    assert "This till was locked because nobody used it." in page
    assert "Ann" in page
    assert "Who are you?" in tablet.get("/sign-in?people=1").text
    assert enter(tablet, ann, PIN, "?next=/till").headers["Location"] == "/till"
    assert tablet.get("/till").status_code == 200


def test_charging_counts_as_use(
    tablet: FlaskClient, shop: Shop, ann: Person, clock: ManualClock
) -> None:
    enter(tablet, ann, PIN)
    for _ in range(3):
        clock.advance(10 * MINUTE)
        shop.dots()
        assert post(tablet, "/till/charge", {"lines": [5]}).status_code == 200
        sale = sales.current(shop.db, "till-1")
        assert sale is not None
        post(tablet, "/till/cancel", {"sale_id": sale.sale_id})


def test_by_pin_a_manager_charges_and_manages_nothing(app: Flask, shop: Shop) -> None:
    boss = people.create(shop.db, "Boss", Role.MANAGER, pin=PIN)
    tablet = trusted(app, shop, "till-1")
    assert enter(tablet, boss, PIN).status_code == 302
    assert tablet.get("/till").status_code == 200
    for path in ("/people", "/terminals", "/audit", "/device"):
        assert tablet.get(path).status_code == 403, path
    answer = form(tablet, "/me/password", password="correct horse", again="correct horse")
    assert answer.status_code == 303
    assert people.sign_in(shop.db, "Boss", "correct horse") is None


def test_a_manager_gives_people_their_pins(manager: FlaskClient, shop: Shop) -> None:
    carl = people.create(shop.db, "Carl", Role.CASHIER, store_id="main")
    path = f"/people/{carl.person_id}/pin"
    for pin, again, problem in (
        ("1234", "1234", "too easy to guess"),
        ("13", "13", "4 to 8 digits"),
        ("2468", "8642", "not the same PIN"),
    ):
        form(manager, path, pin=pin, again=again)
        assert problem in manager.get("/people").text
    form(manager, path, pin=PIN, again=PIN)
    assert "Carl has a new PIN." in manager.get("/people").text
    device = devices.trust(shop.db, "Tablet", "till-1")[0]
    assert isinstance(devices.sign_in(shop.db, device, carl.person_id, PIN), str)


def test_one_changes_ones_own_pin_with_the_one_before(
    tablet: FlaskClient, shop: Shop, ann: Person
) -> None:
    enter(tablet, ann, PIN)
    form(tablet, "/me/pin", current="9999", pin="1357", again="1357")
    assert "this is not your PIN" in tablet.get("/me").text
    form(tablet, "/me/pin", current=PIN, pin="1357", again="1357")
    assert "Your PIN is set." in tablet.get("/me").text
    assert tablet.get("/till").status_code == 200
    assert enter(tablet, ann, PIN).status_code == 403
    assert enter(tablet, ann, "1357").status_code == 302


def test_a_terminal_is_renamed_and_says_so_everywhere(manager: FlaskClient, shop: Shop) -> None:
    second(shop)
    form(manager, "/terminals/till-2/name", name="Terrace")
    assert "Terrace" in manager.get("/terminals").text
    assert "Terrace" in manager.get("/till").text
    assert form(manager, "/terminals/nowhere/name", name="x").status_code == 404
    assert "terminal.rename" in [row.action for row in audit.recent(shop.db)]
