"""A user of one store reaches nothing of another: every route, every role, from the routing table.

The walk is over the routes that there are, so a new route is in it at once: without a rule it
answers nobody, and with a new kind of id in its address it fails until a sample is given here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from dashboard import pace
from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext, Workbench
from host.keyring import Issuer, Keyring
from host.ledger import devices, people, pull_payments, shifts, stores, z_reports
from host.ledger.permissions import PERMISSIONS, Role
from host.lnurl.budget import Rate
from host.ntag424.values import Key
from host.visits import Visits
from provisioning import jobs
from tests.support.busy import failed
from tests.support.forms import csrf_of
from tests.support.shop import Shop

KEYRING = Keyring((Issuer.of(Key(bytes(range(16)))),), b"k" * 32)
OPEN = {
    "static",
    "signin.page",
    "signin.enter",
    "signin.link",
    "signin.pin",
    "devices.link",
    "language.choose",
    "phones.answer",
    "shell.manifest",
    "shell.worker",
    "shell.offline",
}
"""Endpoints for people who are not signed in."""
ENDLESS = {"live.live"}
"""A stream; `test_live` looks at what it tells whom."""
TILL_ONLY = {"holder", "till", "recent", "shift", "desk", "deskphones"}
"""Rooms of this machine's own terminal and reader: its store's people only."""


@dataclass(frozen=True)
class Theirs:
    """Something of everything in the store `main`, and every text that must not get out."""

    samples: dict[str, str]
    secrets: tuple[str, ...]


@pytest.fixture
def theirs(shop: Shop) -> Theirs:
    card = shop.card("Secret alias")
    payout = shop.pay(card, 4_321).payout
    lost = failed(shop, card, 77, "secret reason")
    keeper = people.create(shop.db, "Secret keeper", Role.CASHIER, store_id="main")
    account = shop.account
    samples = {
        "payout_id": payout.payout_id,
        "card_id": card.card_id,
        "pull_payment_id": account.pull_payment_id,
        "person_id": keeper.person_id,
        "report_id": z_reports.close(shop.db, "main").report_id,
        "shift_id": shifts.start(shop.db, "till-1", keeper).shift_id,
        "device_id": devices.trust(shop.db, "Secret tablet", "till-1")[0].device_id,
        "terminal_id": "till-1",
        "job_id": jobs_of(shop),
        "entry_id": "1",
        "token": "x" * 43,
        "filename": "icons.svg",
        "section": "name",
        "sale_id": str(payout.sale_id),
    }
    secrets = (
        "Secret",
        "secret reason",
        "4\u00a0321",
        "Corner shop",
        card.uid,
        card.card_id,
        payout.payout_id,
        lost.payout_id,
        account.pull_payment_id,
        keeper.person_id,
    )
    return Theirs(samples, secrets)


def jobs_of(shop: Shop) -> str:
    """A job of the card desk and one of the printer; one number for both."""
    jobs.prepare(shop.db)
    kind, who = jobs.Kind.DIAGNOSE, "Tina"
    started = jobs.start(
        shop.db, store_id="main", terminal_id="till-1", kind=kind, person=who, secret=b"s" * 32
    )
    assert isinstance(started, jobs.DeskJob)
    jobs.record(shop.db, started.job_id, jobs.Line(jobs.Sign.DONE, "fine", title="Secret alias"))
    jobs.end(shop.db, started.job_id, jobs.DeskState.DONE)
    number = str(started.job_id)
    shop.db.transaction(
        lambda tx: tx.run(
            "INSERT INTO print_jobs (job_id, store_id, terminal_id, printer, kind, lines, state,"
            " error, created_at, next_try_at, expires_at, ended_at)"
            " VALUES (:id, 'main', 'till-1', 'bar', 'receipt', '[]', 'failed', 'Secret error',"
            " 0, 0, 0, 0)",
            {"id": number},
        )
    )
    return number


@pytest.fixture
def app(context: DashboardContext, monkeypatch: pytest.MonkeyPatch) -> Flask:
    for name in ("PAGES", "PROGRAMS"):
        monkeypatch.setattr(pace, name, Rate(burst=100_000, per_second=1))
    bench = Workbench(KEYRING, "lnurlw://pay.example.com/ln", "https://pay.example.com/balance")
    visits = Visits(context.db, ())
    return create_app(replace(context, bench=bench, visits=visits))


def stranger(app: Flask, shop: Shop, role: Role) -> FlaskClient:
    """Somebody of the store `other` in a browser."""
    if stores.get(shop.db, "other") is None:
        stores.create(shop.db, "Other shop", store_id="other")
        pull_payments.create(shop.db, "other", "Other account")
    name = f"other {role}"
    who = people.by_name(shop.db, name) or people.create(shop.db, name, role, store_id="other")
    token = people.redeem(shop.db, people.one_time_link(shop.db, who.person_id))
    client = app.test_client()
    client.set_cookie(COOKIE, token or "")
    return client


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route but open and endless ones, with each of its methods."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in OPEN | ENDLESS:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def address(rule: Rule, samples: dict[str, str]) -> str:
    path = rule.rule
    for name in rule.arguments:
        if name not in samples:
            pytest.fail(f"{rule.rule}: give this test a sample of {name}")
        path = path.replace(f"<{name}>", samples[name])
    return path


def ask(client: FlaskClient, method: str, path: str, query: dict[str, str]) -> TestResponse:
    headers = {"Accept": "text/html"}
    if method == "POST":
        headers["X-CSRFToken"] = csrf_of(client)
    form = {"name": "Staff", "amount": "1", "reason": "x", "role": "manager", "alias": "Owned"}
    form |= {"amount_sat": "5", "pin": "1357", "again": "1357", "store": "main"}
    form |= {"terminal": "till-1"}
    data: dict[str, Any] = {"data": form} if method == "POST" else {}
    return client.open(path, method=method, query_string=query, headers=headers, **data)


def books(shop: Shop) -> list[list[tuple[Any, ...]]]:
    """Everything the store `main` owns, as it is kept."""
    queries = (
        "SELECT * FROM cards WHERE store_id = 'main' ORDER BY 1",
        "SELECT * FROM pull_payments WHERE store_id = 'main' ORDER BY 1",
        "SELECT * FROM payouts WHERE store_id = 'main' ORDER BY 1",
        "SELECT * FROM sales WHERE store_id = 'main' ORDER BY 1",
        "SELECT * FROM people WHERE store_id = 'main' ORDER BY 1",
        "SELECT * FROM people WHERE role = 'manager' AND store_id IS NULL",
        "SELECT * FROM stores WHERE store_id = 'main'",
        "SELECT * FROM terminals WHERE store_id = 'main'",
        "SELECT * FROM devices WHERE store_id = 'main'",
        "SELECT * FROM device_links",
        "SELECT * FROM shifts WHERE store_id = 'main'",
        "SELECT * FROM z_reports WHERE store_id = 'main'",
        "SELECT * FROM print_jobs WHERE terminal_id = 'till-1'",
        "SELECT * FROM desk_jobs WHERE store_id = 'main'",
        "SELECT * FROM reader_loans WHERE terminal_id = 'till-1'",
    )
    return shop.db.read(lambda tx: [[tuple(row) for row in tx.all(query)] for query in queries])


@pytest.mark.parametrize("role", list(Role))
def test_nobody_of_another_store_reaches_or_changes_anything_of_this_one(
    app: Flask, shop: Shop, theirs: Theirs, role: Role
) -> None:
    client = stranger(app, shop, role)
    before = books(shop)
    for rule, method in routes(app):
        path = address(rule, theirs.samples)
        in_store = getattr(app.view_functions[rule.endpoint], "in_store", False)
        for query in ({}, {"storeId": "main"}):
            if rule.endpoint == "signin.out":
                continue
            answer = ask(client, method, path, query)
            where = (method, path, query, answer.status_code)
            for secret in theirs.secrets:
                assert secret not in answer.text, (*where, secret)
            if rule.endpoint.split(".")[0] in TILL_ONLY or (in_store and query):
                assert answer.status_code == 403, where
            elif rule.arguments - {"section"} and in_store:
                assert answer.status_code in {403, 404}, where
    assert books(shop) == before


@pytest.mark.parametrize("role", list(Role))
def test_a_till_of_another_store_reaches_nothing_of_this_one_by_its_ids(
    app: Flask, shop: Shop, theirs: Theirs, role: Role
) -> None:
    client = stranger(app, shop, role)
    stores.ensure_terminal(shop.db, "till-2", "other")
    assert client.get("/till").status_code == 200
    token = {"X-CSRFToken": csrf_of(client), "Accept": "text/html"}
    named = theirs.samples | {"account": theirs.samples["pull_payment_id"], "uid": "04a1"}
    named |= {"do": "issue", "count": "1", "amount": "1", "left": "1", "reason": "x", "name": "x"}
    named |= {"terminal": "till-1", "till": "till-1", "answer": "yes", "kind": "receipt"}
    before = books(shop)
    for rule, method in routes(app):
        if rule.endpoint.split(".")[0] not in TILL_ONLY | {"devices", "shifts", "shell"}:
            continue
        path = address(rule, theirs.samples)
        bodies: list[dict[str, Any]] = [{}]
        if method == "POST":
            bodies = [{"data": named}, {"json": named | {"lines": [5]}}]
        for body in bodies:
            answer = client.open(path, method=method, headers=token, **body)
            for secret in theirs.secrets:
                assert secret not in answer.text, (method, path, secret)
            if rule.arguments:
                assert answer.status_code in {403, 404}, (method, path, answer.status_code)
            assert answer.status_code < 500, (method, path)
        asked = client.open(path, method=method, headers=token, query_string={"terminal": "till-1"})
        assert asked.status_code == 403, (method, path)
    assert books(shop) == before


@pytest.mark.parametrize("role", list(Role))
def test_everybody_gets_exactly_what_their_role_permits(
    app: Flask, shop: Shop, theirs: Theirs, role: Role
) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, shop.session(role))
    for rule, method in routes(app):
        open_to = getattr(app.view_functions[rule.endpoint], "open_to", None)
        assert open_to is not None, f"{rule.rule} says nothing about who may use it"
        if rule.endpoint == "signin.out":
            continue
        answer = ask(client, method, address(rule, theirs.samples), {})
        allowed = not open_to or bool(open_to & PERMISSIONS[role])
        assert (answer.status_code != 403) == allowed, (method, rule.rule, answer.status_code)
        assert answer.status_code < 500, (method, rule.rule)


def test_nobody_who_is_not_signed_in_gets_anything(app: Flask, theirs: Theirs) -> None:
    client = app.test_client()
    token = csrf_of(client, "/sign-in")
    for rule, method in routes(app):
        path = address(rule, theirs.samples)
        headers = {"Accept": "application/json", "X-CSRFToken": token}
        answer = client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "signed_out"), path
        if method == "GET" and not path.startswith("/api/"):
            page = client.get(path, headers={"Accept": "text/html"})
            assert page.headers["Location"].startswith("/sign-in?next=/"), path


def test_every_change_needs_the_forms_token(app: Flask, shop: Shop, theirs: Theirs) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, shop.session())
    before = books(shop)
    for rule, method in routes(app):
        if method != "GET":
            answer = client.open(address(rule, theirs.samples), method=method)
            assert answer.status_code == 400, rule.rule
    assert books(shop) == before


def test_every_read_only_address_changes_nothing_but_the_audit_trail(
    app: Flask, shop: Shop, theirs: Theirs
) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, shop.session())
    before = books(shop)
    for rule, method in routes(app):
        if method == "GET":
            assert ask(client, "GET", address(rule, theirs.samples), {}).status_code < 500
    assert books(shop) == before
