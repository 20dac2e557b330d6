"""No English is left on a page in Spanish: what stands in no catalogue is found, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.context import DashboardContext, Workbench
from dashboard.language import COOKIE as LANGUAGE
from host.clock import HOUR, ManualClock
from host.keyring import Issuer, Keyring
from host.ledger import cards, people, shifts, stores, z_reports
from host.ledger.codes import Refused
from host.ledger.permissions import Role
from host.ntag424.values import Key
from host.visits import Visits
from provisioning import jobs
from provisioning.jobs import Line, Sign
from tests.dashboard.test_zreports import charge, send
from tests.support.busy import business, failed, lightning
from tests.support.forms import csrf_of
from tests.support.others import foreign, on_screen, past
from tests.support.shop import Shop
from tests.support.spoken import marked, unspoken

HTML = {"Accept": "text/html"}
SignIn = Callable[[Role], FlaskClient]
Page = tuple[FlaskClient, str]

_NAMES = """
Taptill Boltcard Boltcards Lightning BTC UTC EUR SATS sats CSV CC PIN ID Español English
Corner shop Second Staff till main second Ann Ben card canteen Cem Dora Emil Fatima Gus Hana Old
Europe Rome cashier technician manager cards example BTCPAY opening link embedded twin
"""
NAMES = frozenset(_NAMES.split())
"""What the shop and its people are called, and what has one name in every language."""


@pytest.fixture
def context(context: DashboardContext, shop: Shop) -> DashboardContext:
    keyring = Keyring((Issuer.of(Key(bytes(range(16)))),), b"k" * 32)
    bench = Workbench(keyring, "lnurlw://pay.example.com/ln", "https://pay.example.com/balance")
    return replace(context, bench=bench, visits=Visits(shop.db, ()))


def left_over(pages: list[Page]) -> dict[str, set[str]]:
    """By path, the words of each page that nobody translated."""
    found = {}
    with marked("es"):
        for client, path in pages:
            client.set_cookie(LANGUAGE, "es")
            answer = client.get(f"/{path}", headers=HTML, follow_redirects=True)
            html = answer.mimetype == "text/html"
            if html and (left := unspoken(answer.text, NAMES)):
                found[path] = left
    return found


def test_the_managers_pages(
    app: Flask, manager: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    made = business(shop, clock, days=6)
    failed(shop, made.cards[1], 1_500, "the payment failed")
    lightning(shop, made.cards[2], 4_200)
    theirs, screen = foreign(shop, 2_500).sale_id, on_screen(shop, 3_000).sale_id
    old, newest, card = past(shop), made.made[-1], made.cards[0].card_id
    stores.create(shop.db, "Second shop", store_id="second")
    plain = [
        rule.rule for rule in app.url_map.iter_rules() if rule.methods and "GET" in rule.methods
    ]
    paths = [
        *(path[1:] for path in plain if "<" not in path),
        *("overview?status=Completed", "overview?boltcardId=Ann", "overview?startDate=2025-03-01"),
        *("payouts?origin=imported", f"payouts/{newest.payout_id}", f"payouts/{old}"),
        *("sales?state=approved&method=card", f"sales/{theirs}", f"sales/{screen}"),
        *(f"sales/{newest.sale_id}", f"till/recent/{newest.sale_id}"),
        *(f"cards/{card}", f"desk/cards/{card}", f"pull-payments/{shop.account.pull_payment_id}"),
        *("audit?check=1", "desk?do=repair", "nothing", "overview?startDate=x"),
    ]
    manager.get("/payouts/export.csv")
    assert left_over([(manager, path) for path in paths]) == {}


def test_a_cashiers_pages(sign_in: SignIn, shop: Shop, clock: ManualClock) -> None:
    cashier, manager = sign_in(Role.CASHIER), sign_in(Role.MANAGER)
    send(cashier, "/shift/open", opening="150")
    charge(shop, "cashier", 1_234, tip_sat=34)
    clock.advance(HOUR)
    send(manager, "/reports/tills/z", till="till-1")
    made = z_reports.last(shop.db, "main", "till-1")
    shift = shifts.current(shop.db, "till-1", _id(shop, "cashier"))
    assert made is not None
    assert shift is not None
    card = next(iter(shop.counters))
    cards.set_pin(shop.db, card, "7391")
    shop.arm(2_100)
    pages: list[Page] = [
        *((cashier, path) for path in ("shift", "till", "till/recent", "till/recent?q=1234")),
        *((cashier, path) for path in ("till/recent?q=abc", "till/recent?q=5", "holder", "me")),
        *((manager, path) for path in (f"reports/z/{made.report_id}", "reports/tills")),
        *((manager, path) for path in (f"shifts/{shift.shift_id}", f"cards/{card}")),
        (cashier, "people"),  # refused
    ]
    assert left_over(pages) == {}


def test_the_card_desk(sign_in: SignIn, shop: Shop) -> None:
    technician = sign_in(Role.TECHNICIAN)
    job = jobs.start(
        shop.db, store_id="main", terminal_id="till-1", kind=jobs.Kind.DIAGNOSE,
        person=_id(shop, "technician"), secret=b"k" * 32,
    )  # fmt: skip
    assert not isinstance(job, Refused)
    facts = {"lines": ["Card 04a1b2c3d4e580, made in 2026.", "It is not in the books."]}
    lines = [
        Line(Sign.ASIDE, "It is blank, as delivered.", "Issue it, or keep it.", facts=facts),
        Line(Sign.AGAIN, "The card was taken away too early", "Lay the same card down again."),
        Line(Sign.ASIDE, "It is blocked in the books. It carries another address.", title="Ann"),
        Line(Sign.DONE, "has new keys, finishing an earlier tap", title="Ann"),
    ]
    for line in lines:
        jobs.record(shop.db, job.job_id, line)
    steps = [{"at": "away"}, {"at": "waiting", "alias": "Ann"}, {"at": "waiting"}]
    for step in [*steps, {"at": "card", "done": 1, "total": 2, "words": "changing key 3"}]:
        jobs.step(shop.db, job.job_id, step)
        assert left_over([(technician, f"desk/jobs/{job.job_id}")]) == {}, step
    jobs.end(shop.db, job.job_id, jobs.DeskState.STOPPED)
    assert left_over([(technician, f"desk/jobs/{job.job_id}"), (technician, "desk")]) == {}


def test_whoever_is_not_signed_in(app: Flask, shop: Shop) -> None:
    nobody = app.test_client()
    pages = [(nobody, path) for path in ("sign-in", "sign-in/link/used", "till", "devices/link/x")]
    assert left_over(pages) == {}
    with marked("es"):
        refused = nobody.post("/sign-in", headers=HTML)  # without its token
        assert unspoken(refused.text, NAMES) == set()


def _id(shop: Shop, name: str) -> str:
    who = people.by_name(shop.db, name)
    assert who is not None
    return who.person_id


def test_programs_are_answered_in_english(manager: FlaskClient, shop: Shop) -> None:
    manager.set_cookie(LANGUAGE, "es")
    shop.pay(shop.card("Ann"), 2_100)
    stats = manager.get("/api/stats?startDate=2025-03-01").get_json()
    assert stats["trends"][-1]["label"] == "week of 2 Mar"
    assert "Esa página" not in manager.get("/api/nothing").text


def test_a_refused_refund_is_refused_in_spanish(manager: FlaskClient, shop: Shop) -> None:
    paid = shop.pay(shop.card("Ann"), 2_100).payout
    path = f"till/recent/{paid.sale_id}"
    with marked("es"):
        manager.set_cookie(LANGUAGE, "es")
        form = {"amount": "9999", "reason": "cold", "left": "2100", "csrf_token": csrf_of(manager)}
        for wrong in (form, form | {"amount": "x"}, form | {"reason": ""}):
            answer = manager.post(f"/{path}/refund", data=wrong, headers=HTML)
            assert unspoken(answer.text, NAMES | {"cold"}) == set()
