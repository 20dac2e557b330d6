"""Shifts and reports of tills in the browser: who may, what is shown, and files that sum."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from host.clock import HOUR, ManualClock
from host.ledger import cards, people, print_jobs, sales, shifts, stores, z_reports
from host.ledger.permissions import Role
from host.ledger.print_jobs import PrinterRow, PrintKind
from host.ledger.sales import Basket
from host.money import MSAT_PER_SAT
from host.receipts import paper
from tests.support.forms import csrf_of
from tests.support.shop import Shop

SignIn = Callable[[Role], FlaskClient]
CASH = re.compile("in the drawer|>Drawer<", re.IGNORECASE)


def send(client: FlaskClient, path: str, **form: str) -> str:
    """Post a form and follow; the page that is shown then."""
    data = form | {"csrf_token": csrf_of(client, "/me")}
    return client.post(path, data=data, follow_redirects=True).text


def rows(client: FlaskClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))


def charge(shop: Shop, name: str, amount_sat: int, tip_sat: int = 0) -> None:
    """A sale that this person charged, paid by a card."""
    who = people.by_name(shop.db, name)
    assert who is not None
    known = next((cards.get(shop.db, card_id) for card_id in shop.counters), None)
    basket = Basket(tip_msat=tip_sat * MSAT_PER_SAT, person_id=who.person_id)
    sales.open(
        shop.db, "main", amount_sat * MSAT_PER_SAT,
        terminal_id=shop.terminal.terminal_id, basket=basket,
    )  # fmt: skip
    shop.tap(known or shop.card("Ann"))


def test_a_cashier_opens_a_shift_sees_what_was_taken_and_closes_it(
    sign_in: SignIn, shop: Shop, clock: ManualClock
) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    cashier = sign_in(Role.CASHIER)
    assert "no shift is open" in cashier.get("/shift").text
    page = send(cashier, "/shift/open", opening="150")
    assert "Your shift is open" in page
    assert "In the drawer at the opening: 150.00 EUR." in page
    charge(shop, "cashier", 1_234, tip_sat=34)
    clock.advance(HOUR)
    assert "1\u00a0234" in cashier.get("/shift").text
    assert "has a shift open here" in send(cashier, "/shift/open")
    page = send(cashier, "/shift/close", counted="220", note="all well")
    assert "The shift is closed" in page
    (shift,) = shifts.recent(shop.db, "main")
    assert (shift.counted_minor, shift.note) == (22_000, "all well")
    assert shifts.report(shop.db, shift)["total"]["tips_msat"] == 34_000


def test_where_the_currency_is_sats_nobody_is_asked_for_cash(sign_in: SignIn, shop: Shop) -> None:
    cashier, manager = sign_in(Role.CASHIER), sign_in(Role.MANAGER)
    assert not CASH.search(cashier.get("/shift").text)
    page = send(cashier, "/shift/open", opening="150")
    assert "Your shift is open" in page
    assert not CASH.search(page)
    (shift,) = shifts.recent(shop.db, "main")
    page = manager.get(f"/reports/shifts/{shift.shift_id}").text
    assert "Close this shift for cashier" in page
    assert not CASH.search(page)
    send(cashier, "/shift/close", counted="220", note="all well")
    (shift,) = shifts.recent(shop.db, "main")
    assert (shift.opening_minor, shift.counted_minor, shift.note) == (None, None, "all well")
    page = manager.get(f"/reports/shifts/{shift.shift_id}").text
    assert "all well" in page
    assert not CASH.search(page)


def test_a_report_in_utc_says_its_time_once(sign_in: SignIn, shop: Shop) -> None:
    manager = sign_in(Role.MANAGER)
    assert "UTC)" in manager.get("/reports/tills/x").text
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET timezone = 'UTC'"))
    page = manager.get("/reports/tills/x").text
    assert "UTC)" not in page
    assert "+0000" in page


@pytest.mark.parametrize("typed", ["x", "-1", "1.5", "9" * 40])
def test_cash_that_is_no_amount_is_refused_with_its_field(
    sign_in: SignIn, shop: Shop, typed: str
) -> None:
    stores.set_currency(shop.db, "main", "JPY")
    cashier = sign_in(Role.CASHIER)
    assert "opening: write an amount" in send(cashier, "/shift/open", opening=typed)
    assert shifts.recent(shop.db, "main") == []


def test_only_a_manager_sees_reports_and_closes_the_till(sign_in: SignIn, shop: Shop) -> None:
    for role in (Role.CASHIER, Role.TECHNICIAN):
        client = sign_in(role)
        for path in ("/reports/tills", "/reports/tills/x", "/reports/shifts"):
            assert client.get(path).status_code == 403
        token = csrf_of(client, "/me")
        assert client.post("/reports/tills/z", data={"csrf_token": token}).status_code == 403
    assert z_reports.recent(shop.db, "main") == []


def test_a_manager_closes_a_till_and_the_report_stays_as_it_was(
    sign_in: SignIn, shop: Shop
) -> None:
    shop.session(Role.CASHIER)
    charge(shop, "cashier", 500)
    manager = sign_in(Role.MANAGER)
    assert "500" in manager.get("/reports/tills/x?till=till-1").text
    page = send(manager, "/reports/tills/z", till="till-1")
    assert "Z report 1 is made" in page
    assert "By cashier" in page
    charge(shop, "cashier", 70)
    (made,) = z_reports.recent(shop.db, "main")
    again = manager.get(f"/reports/z/{made.report_id}").text
    assert made.hash.hex() in again
    assert "570" not in again
    assert "70" in manager.get("/reports/tills").text


def test_files_have_every_line_and_sum_to_the_report(sign_in: SignIn, shop: Shop) -> None:
    shop.session(Role.CASHIER)
    for amount in (500, 20, 3):
        charge(shop, "cashier", amount, tip_sat=1)
    manager = sign_in(Role.MANAGER)
    found = rows(manager, "/reports/tills/x.csv")
    assert sum(int(row["amount_msat"]) for row in found) == 523_000
    assert sum(int(row["tip_msat"]) for row in found) == 3_000
    made = z_reports.close(shop.db, "main")
    assert rows(manager, f"/reports/z/{made.report_id}.csv") == found
    (listed,) = rows(manager, "/reports/tills.csv")
    assert (listed["number"], listed["net_msat"], listed["terminal_id"]) == ("1", "523000", "")
    assert listed["hash"] == made.hash.hex()
    assert rows(manager, "/reports/tills/x.csv") == []


def test_a_report_is_printed_by_the_receipt_printer_in_the_lines_of_the_page(
    sign_in: SignIn, shop: Shop
) -> None:
    manager = sign_in(Role.MANAGER)
    made = z_reports.close(shop.db, "main", "till-1")
    path = f"/reports/z/{made.report_id}"
    assert "No receipt printer serves this till" in send(manager, f"{path}/print")
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    assert "Receipt printer" in manager.get(path).text
    assert "It is being printed" in send(manager, f"{path}/print")
    job = print_jobs.take(shop.db, "bar")
    assert job is not None
    assert (job.kind, job.subject) == (PrintKind.REPORT, made.report_id)
    texts = [piece.text for piece in paper.load(job.lines) if isinstance(piece, paper.Line)]
    assert "Z report 1" in texts
    assert "NET" in texts


def test_a_forgotten_shift_is_closed_by_a_manager(sign_in: SignIn, shop: Shop) -> None:
    shop.session(Role.CASHIER)
    who = people.by_name(shop.db, "cashier")
    assert who is not None
    shift = shifts.start(shop.db, "till-1", who)
    manager = sign_in(Role.MANAGER)
    assert ">cashier</a>" in manager.get("/reports/shifts").text
    assert "Close this shift for cashier" in manager.get(f"/reports/shifts/{shift.shift_id}").text
    send(manager, f"/reports/shifts/{shift.shift_id}/close", note="forgotten")
    closed = shifts.get(shop.db, shift.shift_id)
    assert closed is not None
    assert closed.note == "forgotten"
    assert rows(manager, f"/reports/shifts/{shift.shift_id}.csv") == []


def test_a_store_shows_nothing_of_another(sign_in: SignIn, shop: Shop) -> None:
    stores.create(shop.db, "Other", store_id="other")
    stores.ensure_terminal(shop.db, "far", "other")
    made = z_reports.close(shop.db, "main", "till-1")
    manager = sign_in(Role.MANAGER)
    for path in (f"/reports/z/{made.report_id}", f"/reports/z/{made.report_id}.csv"):
        assert manager.get(f"{path}?storeId=other").status_code == 404
        assert manager.get(path).status_code == 200
    assert manager.get("/reports/tills/x?till=till-1&storeId=other").status_code == 404
    assert manager.get("/reports/tills/x?till=nowhere").status_code == 404


def test_long_lists_go_on_from_where_they_ended(sign_in: SignIn, shop: Shop) -> None:
    for _ in range(52):
        z_reports.close(shop.db, "main")
    manager = sign_in(Role.MANAGER)
    first = manager.get("/reports/tills").text
    assert "Load more" in first
    last = z_reports.recent(shop.db, "main", limit=50)[-1].report_id
    older = manager.get(f"/reports/tills?before={last}").text
    assert "Older Z reports" in older
    assert older.count("/reports/z/") == 2
