"""The card desk's pages: who may use them, what they start, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.context import DashboardContext, Workbench
from host.keyring import Issuer, Keyring
from host.ledger import audit, loans, sales
from host.ledger.permissions import Role
from host.ntag424.values import Key
from provisioning import jobs
from provisioning.jobs import DeskState, Line, Sign
from tests.support.forms import csrf_of
from tests.support.shop import Shop

KEYRING = Keyring((Issuer.of(Key(bytes(range(16)))),), b"k" * 32)


@pytest.fixture
def context(context: DashboardContext) -> DashboardContext:
    bench = Workbench(KEYRING, "lnurlw://pay.example.com/ln", "https://pay.example.com/balance")
    return replace(context, bench=bench)


@pytest.fixture
def technician(sign_in: Callable[[Role], FlaskClient]) -> FlaskClient:
    return sign_in(Role.TECHNICIAN)


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    """A form as the browser sends it."""
    form["csrf_token"] = csrf_of(client)
    return client.post(path, data=form, headers={"Accept": "text/html"})


def start(client: FlaskClient, shop: Shop, **form: str) -> TestResponse:
    given = {"do": "issue", "account": shop.account.pull_payment_id, "count": "2"} | form
    return send(client, "/desk/start", **given)


def test_a_technician_starts_a_batch(technician: FlaskClient, shop: Shop) -> None:
    answer = start(technician, shop, alias="Guest-{n:03}", limit_tap="2100", pin_digits="4")
    assert answer.status_code == 303
    page = technician.get(answer.headers["Location"])
    assert "Issuing cards" in page.text
    assert "0 of 2 done" in page.text
    job = jobs.latest(shop.db, "till-1")
    assert job
    assert job.open
    assert [one.card.alias for one in jobs.planned(shop.db, job.job_id)] == [
        "Guest-001",
        "Guest-002",
    ]
    assert loans.of(shop.db, "till-1") is not None
    assert audit.recent(shop.db)[0].action == "desk.issue"
    assert technician.get("/desk").headers["Location"] == answer.headers["Location"]


def test_a_cashier_may_not(cashier: FlaskClient, shop: Shop) -> None:
    for path in ("/desk", "/desk/state", "/desk/jobs/1", "/desk/jobs/1/list", "/desk/cards/x"):
        assert cashier.get(path).status_code == 403, path
    for path in ("/desk/start", "/desk/phone", "/desk/jobs/1/stop", "/desk/cards/x/reset"):
        assert send(cashier, path).status_code == 403, path
    assert jobs.latest(shop.db, "till-1") is None
    assert "/desk" not in cashier.get("/till").text


def test_a_start_without_the_forms_token_is_refused(technician: FlaskClient, shop: Shop) -> None:
    account = shop.account.pull_payment_id
    answer = technician.post("/desk/start", data={"do": "issue", "account": account})
    assert answer.status_code == 400
    assert jobs.latest(shop.db, "till-1") is None


def test_a_job_is_refused_while_a_sale_is_open(technician: FlaskClient, shop: Shop) -> None:
    shop.arm(21)
    answer = start(technician, shop, alias="Guest-{n}")
    assert answer.status_code == 409
    assert "A sale is open on this terminal" in answer.text
    assert 'value="Guest-{n}"' in answer.text  # nothing that was typed is lost


def test_the_till_says_that_the_desk_has_the_reader(
    technician: FlaskClient, cashier: FlaskClient, shop: Shop
) -> None:
    start(technician, shop)
    state = cashier.get("/till/state").get_json()
    assert state["state"] == "blocked"
    assert state["barred"]["says"] == "The reader is used for something else"
    headers = {"X-CSRFToken": csrf_of(cashier), "Accept": "application/json"}
    charged = cashier.post("/till/charge", json={"lines": [21]}, headers=headers)
    assert (charged.status_code, charged.get_json()["code"]) == (409, "reader_lent")
    assert sales.latest(shop.db, "till-1") is None


def test_a_stop_gives_the_reader_back(technician: FlaskClient, shop: Shop) -> None:
    where = start(technician, shop).headers["Location"]
    assert send(technician, f"{where}/stop").headers["Location"] == where
    assert "Stopped" in technician.get(where).text
    assert loans.of(shop.db, "till-1") is None
    shop.arm(21)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("account", "nobody", "Account: choose"),
        ("count", "0", "Number of cards: a whole number"),
        ("count", "many", "Number of cards: a whole number"),
        ("alias", "the same", "it needs a number"),
        ("limit_day", "lots", "Limit for a day"),
        ("pin_digits", "99", "PIN: a whole number"),
        ("random_id", "yes", "can never be switched off again"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_starts(
    technician: FlaskClient, shop: Shop, field: str, value: str, says: str
) -> None:
    answer = start(technician, shop, **{field: value})
    assert answer.status_code == 400
    assert says in answer.text
    assert jobs.latest(shop.db, "till-1") is None


def test_each_card_gets_a_line_and_the_list_is_for_printing(
    technician: FlaskClient, shop: Shop
) -> None:
    where = start(technician, shop, alias="G{n}", count="1", pin_digits="6").headers["Location"]
    job = jobs.latest(shop.db, "till-1")
    assert job
    uid = "04a1b2c3d4e580"
    facts = {
        "goal": "issue",
        "use": "program",
        "uid": uid,
        "state": "blank",
        "alias": "G1",
        "card_id": "c1",
        "key_version": 1,
        "counter": 1,
    }
    again = Line(Sign.AGAIN, "The card was taken away too early", "Again.", code="card_gone")
    jobs.record(shop.db, job.job_id, again)
    done = Line(Sign.DONE, "issued", title="G1", uid=uid, ms=900, facts=facts)
    jobs.record(shop.db, job.job_id, done, 1)
    jobs.end(shop.db, job.job_id, DeskState.DONE)
    page = technician.get(where).text
    assert "The card was taken away too early" in page
    assert "04 A1 B2" in page
    sheet = technician.get(f"{where}/list")
    assert re.search(r"PIN: \d{6}<", sheet.text)
    assert "sha256-" in sheet.headers["Content-Security-Policy"]
    csv = technician.get(f"{where}/list.csv").text
    assert csv.splitlines()[1].startswith(f"1,{uid},G1,c1,1,1,done,")
    for other in ("/desk/jobs/99", "/desk/jobs/x", "/desk/jobs/99/list", "/desk/jobs/²"):
        assert technician.get(other).status_code == 404


def test_a_look_at_a_blank_card_sets_nothing_aside(technician: FlaskClient, shop: Shop) -> None:
    where = start(technician, shop, do="diagnose").headers["Location"]
    job = jobs.latest(shop.db, "till-1")
    assert job
    blank = Line(Sign.ASIDE, "It is blank, as delivered.", uid="04a1b2c3d4e580")
    jobs.record(shop.db, job.job_id, blank)
    page = technician.get(where).text
    assert technician.get(f"{where}/list").status_code == 404, "it makes no cards"
    assert technician.get(f"{where}/list.csv").status_code == 404
    assert "It is blank, as delivered." in page
    assert "Cannot pay here" in page
    assert "1</span> cannot pay here" in page
    assert "et aside" not in page


def test_a_cards_history_is_told_in_words(technician: FlaskClient, shop: Shop) -> None:
    card = shop.card("Ann")
    page = technician.get(f"/desk/cards/{card.card_id}").text
    assert "Taken into the books" in page
    assert technician.get("/desk/cards/nobody").status_code == 404


def test_the_live_state_follows_the_step(technician: FlaskClient, shop: Shop) -> None:
    start(technician, shop, alias="G{n}")
    job = jobs.latest(shop.db, "till-1")
    assert job
    seen = []
    for step in (
        {},
        {"at": "waiting", "alias": "G1"},
        {"at": "card", "done": 3, "total": 10, "words": "changing key 1"},
    ):
        jobs.step(shop.db, job.job_id, step)
        state = technician.get("/desk/state").get_json()
        seen.append((state["look"], state["says"], state["do"], state["bar"]))
    assert seen == [
        ("getting", "Getting the reader", "Take away any card that lies on it.", None),
        ("waiting", "Lay down a card", "It becomes G1.", None),
        ("card", "Hold the card still", "Changing key 1 …", {"value": 3, "max": 10}),
    ]
    shop.dots(reader=False)
    assert technician.get("/desk/state").get_json()["look"] == "blocked"
