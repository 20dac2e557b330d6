"""The sales behind the till: seen, found, printed, given back, and by whom."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.access import DEVICE_COOKIE
from host.clock import DAY, MINUTE, ManualClock
from host.ledger import audit, devices, people, print_jobs, rates, refunds, sales, settings, stores
from host.ledger.permissions import Role
from host.ledger.print_jobs import PrinterRow, PrintState
from host.ledger.proof import MAX_TRIES
from host.ledger.rates import Rate
from host.ledger.records import Sale, SaleState
from host.ledger.sales import Basket
from host.money import sats
from host.receipts import layout, paper
from host.receipts import receipt as receipts
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.receipts.texts import short
from tests.support.forms import csrf_of
from tests.support.shop import Shop

NBSP = "\u00a0"


def pay(shop: Shop, amount_sat: int, alias: str = "Ann") -> Sale:
    claimed = shop.pay(shop.card(alias), amount_sat)
    sale = sales.get(shop.db, claimed.payout.sale_id or "")
    assert sale is not None
    return sale


def form(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """A form as the page sends it, and the page that follows."""
    data = {"csrf_token": csrf_of(client), **fields}
    headers = {"Accept": "text/html"}
    return client.post(path, data=data, headers=headers, follow_redirects=True)


def printer(shop: Shop, *, drawer: bool = False) -> None:
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer)])


def job_kinds(shop: Shop) -> list[str]:
    rows = shop.db.read(lambda tx: tx.all("SELECT kind FROM print_jobs ORDER BY job_id"))
    return [row[0] for row in rows]


def test_the_last_ten_payments_and_todays_total_are_shown(
    sign_in: Callable[[Role], FlaskClient], shop: Shop, clock: ManualClock
) -> None:
    pay(shop, 7_777, "Yesterday")
    clock.advance(DAY)
    card = shop.card("Ann")
    for number in range(1, 11):
        shop.pay(card, 1_000 + number)
    page = sign_in(Role.CASHIER).get("/till/recent").text
    assert len(re.findall(r'aria-label="Payment ', page)) == 10
    assert f"10{NBSP}055 sats" in page
    assert "in 10 payments" in page
    assert "Yesterday" not in page


def test_a_business_day_ends_at_the_stores_cut_off(
    sign_in: Callable[[Role], FlaskClient], shop: Shop, clock: ManualClock
) -> None:
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET cutoff_hour = 4"))
    clock.advance(-11 * 60 * MINUTE)  # 04:07 in Rome
    pay(shop, 500)

    def taken() -> str:
        found = re.search(r"in \d+ payments?", sign_in(Role.CASHIER).get("/till/recent").text)
        assert found
        return found[0]

    assert taken() == "in 1 payment"
    clock.advance(DAY - 10 * MINUTE)  # 03:57 of the next day
    assert taken() == "in 1 payment"
    clock.advance(10 * MINUTE)
    assert taken() == "in 0 payments"


def test_a_sale_that_is_being_checked_is_in_the_list_in_words(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = shop.arm(2_100)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    sales.move(shop.db, sale.sale_id, SaleState.CHECKING)
    assert "Being checked: do not charge again" in cashier.get("/till/recent").text
    page = cashier.get(f"/till/recent/{sale.sale_id}").text
    assert "Give money back" not in page
    assert "Show the receipt" not in page
    assert cashier.get(f"/till/receipts/{sale.sale_id}").status_code == 400


@pytest.fixture
def in_euros(shop: Shop) -> Shop:
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET currency = 'EUR'"))
    rates.put(shop.db, Rate("EUR", "50000", "Kraken", shop.clock.now()))
    return shop


@pytest.mark.parametrize(
    ("sought", "finds"),
    [
        ("21000", True),
        (f"21{NBSP}000 sats", True),
        ("21 000", True),
        ("10.50", True),
        ("10,50 €", True),
        ("EUR 10.5", True),
        ("10.51", False),
        ("2100", False),
        ("nothing", False),
        ("9" * 30, False),
        ("%", False),
    ],
)
def test_a_payment_is_found_by_its_amount(
    cashier: FlaskClient, in_euros: Shop, sought: str, finds: bool
) -> None:
    pay(in_euros, 21_000)
    page = cashier.get("/till/recent", query_string={"q": sought}).text
    assert (f'amount-cell">21{NBSP}000 sats' in page) == finds
    assert ("No payment of the last 90 days" in page or "is neither an amount" in page) != finds


def test_a_payment_keyed_in_euros_is_found_by_what_was_keyed_in(
    cashier: FlaskClient, in_euros: Shop
) -> None:
    basket = Basket(fiat="12.00", lines=("12.00",))
    sale = sales.open(in_euros.db, "main", sats(24_001), terminal_id="till-1", basket=basket)
    assert isinstance(sale, Sale)
    in_euros.tap(in_euros.card("Ann"))
    for sought in ("12", "12.00", "24001", short(sale.sale_id), sale.sale_id):
        page = cashier.get("/till/recent", query_string={"q": sought}).text
        assert short(sale.sale_id) in page, sought


def test_another_stores_sale_is_not_there(
    cashier: FlaskClient, manager: FlaskClient, shop: Shop
) -> None:
    stores.create(shop.db, "Other", store_id="other")
    stores.ensure_terminal(shop.db, "other-1", "other")
    sale = sales.open(shop.db, "other", sats(100), terminal_id="other-1")
    assert isinstance(sale, Sale)
    for path in (f"/till/recent/{sale.sale_id}", f"/till/receipts/{sale.sale_id}"):
        assert cashier.get(path).status_code == 404
        there = manager.get(path, query_string={"terminal": "other-1"})
        assert there.status_code in (200, 400)  # not paid: no receipt
    assert cashier.get("/till/recent/nothing").status_code == 404


def test_the_receipts_page_shows_the_very_lines_that_are_printed(
    cashier: FlaskClient, in_euros: Shop
) -> None:
    choices = ReceiptChoices(("Peña <b>5</b>",), language="es", paper_mm=58)
    settings.put(in_euros.db, "main", RECEIPTS, choices)
    sale = pay(in_euros, 21_000)
    page = cashier.get(f"/till/receipts/{sale.sale_id}").text
    made = receipts.of_sale(in_euros.db, sale.sale_id, simulated=True)
    shown = re.findall(
        r'class="paper-line[^>]*><span>(.*?)</span>(?: <span[^>]*>(.*?)</span>)?', page
    )
    lines = [one for one in layout.pieces(made) if isinstance(one, paper.Line)]
    plain = [tuple(t.replace("&lt;", "<").replace("&gt;", ">") for t in one) for one in shown]
    assert plain == [(one.text, one.right) for one in lines]
    assert 'class="paper paper-58"' in page
    assert 'lang="es"' in page
    assert "SIMULACIÓN" in page
    assert "onclick" not in page


def test_the_first_print_is_the_receipt_and_the_next_says_copy(
    cashier: FlaskClient, shop: Shop
) -> None:
    sale = pay(shop, 2_100)
    there = f"/till/recent/{sale.sale_id}"
    assert "Print the receipt" not in cashier.get(there).text  # no printer, and the page says so
    assert "print it from the browser" in form(cashier, f"{there}/print").text
    printer(shop)
    assert "Print the receipt" in cashier.get(there).text
    assert "It is printed on bar." in form(cashier, f"{there}/print").text
    assert "Print a copy" in cashier.get(there).text
    form(cashier, f"{there}/print")
    assert job_kinds(shop) == ["receipt", "copy"]
    assert "COPY" in cashier.get(f"/till/receipts/{sale.sale_id}").text
    assert audit.recent(shop.db)[0].action == "sale.reprint"


def test_a_manager_comes_to_the_receipt_from_the_list_of_sales(
    manager: FlaskClient, shop: Shop
) -> None:
    sale = pay(shop, 2_100)
    page = manager.get(f"/sales/{sale.sale_id}").text
    found = re.search(r'href="(/till/recent/[^"]+)"', page)
    assert found
    assert "terminal=till-1" in found[1]
    assert "Show the receipt" in manager.get(found[1].replace("&amp;", "&")).text


def test_a_manager_gives_money_back_with_a_reason_once(manager: FlaskClient, shop: Shop) -> None:
    printer(shop)
    sale = pay(shop, 2_100)
    there = f"/till/recent/{sale.sale_id}/refund"
    fields = {"amount": "600", "reason": "cold coffee", "left": "2100"}
    page = form(manager, there, **fields).text
    assert "600 sats given back to the card." in page
    assert "Partly refunded" in page
    assert job_kinds(shop) == ["refund"]
    again = form(manager, there, **fields)
    assert (again.status_code, "given back just now" in again.text) == (400, True)
    kept = sales.get(shop.db, sale.sale_id)
    assert kept is not None
    assert refunds.refunded_msat(kept) == sats(600)
    row = next(one for one in audit.recent(shop.db) if one.action == "sale.refund")
    mona = people.by_name(shop.db, "manager")
    assert mona is not None
    assert (row.data["asked_by"], row.data["approved_by"]) == (mona.person_id, mona.person_id)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "2101"}, "Amount: more than was paid"),
        ({"amount": "0"}, "Amount: "),
        ({"amount": "x"}, "Amount: write an amount"),
        ({"reason": ""}, "Reason: 1 to 120 characters"),
        ({"left": "2000"}, "look again"),
    ],
)
def test_a_refund_that_cannot_be_right_says_why_and_keeps_what_was_typed(
    manager: FlaskClient, shop: Shop, change: dict[str, str], words: str
) -> None:
    sale = pay(shop, 2_100)
    fields = {"amount": "600", "reason": "cold coffee", "left": "2100"} | change
    answer = form(manager, f"/till/recent/{sale.sale_id}/refund", **fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert f'value="{fields["reason"]}"' in answer.text
    kept = sales.get(shop.db, sale.sale_id)
    assert kept is not None
    assert refunds.refunded_msat(kept) == 0


@pytest.fixture
def mona(shop: Shop) -> people.Person:
    return people.create(shop.db, "Mona", Role.MANAGER, password="correct horse", pin="246813")


def ask(client: FlaskClient, sale: Sale, **fields: str) -> TestResponse:
    given = {"amount": "600", "reason": "cold", "left": "2100", "name": "Mona"} | fields
    return form(client, f"/till/recent/{sale.sale_id}/refund", **given)


def test_a_cashier_needs_a_managers_approval_and_both_are_named(
    cashier: FlaskClient, shop: Shop, mona: people.Person
) -> None:
    sale = pay(shop, 2_100)
    assert "A manager approves it" in cashier.get(f"/till/recent/{sale.sale_id}").text
    assert "types a name and a password" in ask(cashier, sale).text
    assert "do not fit" in ask(cashier, sale, secret="wrong").text
    page = ask(cashier, sale, secret="correct horse").text
    assert "600 sats given back to the card." in page
    assert "approved by Mona" in page
    row = next(one for one in audit.recent(shop.db) if one.action == "sale.refund")
    asked = people.by_name(shop.db, "cashier")
    assert asked is not None
    assert row.person_id == mona.person_id
    assert row.data["asked_by"] == asked.person_id
    assert row.data["reason"] == "cold"
    # Nobody was signed in by it: the cashier is still the cashier.
    assert "A manager approves it" in cashier.get(f"/till/recent/{sale.sale_id}").text


def test_wrong_approvals_lock_out_and_are_told_at_once(
    cashier: FlaskClient, shop: Shop, mona: people.Person
) -> None:
    sale = pay(shop, 2_100)
    for _ in range(MAX_TRIES - 1):
        assert "do not fit" in ask(cashier, sale, secret="wrong").text
    assert "locked out until 15:" in ask(cashier, sale, secret="wrong").text
    assert "locked out" in ask(cashier, sale, secret="correct horse").text
    assert people.locked_until(shop.db, "Mona") is not None
    assert [one.action for one in audit.recent(shop.db)].count("person.locked") == 1
    assert "correct horse" not in ask(cashier, sale, secret="correct horse").text


def test_somebody_who_may_not_refund_cannot_approve(
    cashier: FlaskClient, shop: Shop, mona: people.Person
) -> None:
    people.create(shop.db, "Ben", Role.CASHIER, password="also correct")
    away = people.create(shop.db, "Zoe", Role.MANAGER, store_id=None, password="third horse")
    people.block(shop.db, away.person_id)
    sale = pay(shop, 2_100)
    assert "Ben may not do this here" in ask(cashier, sale, name="Ben", secret="also correct").text
    for name in ("Zoe", "Nobody"):
        assert "do not fit" in ask(cashier, sale, name=name, secret="third horse").text


def test_a_pin_approves_on_a_trusted_device_alone(
    cashier: FlaskClient, shop: Shop, mona: people.Person
) -> None:
    sale = pay(shop, 2_100)
    refused = ask(cashier, sale, kind="pin", secret="246813")
    assert "on a trusted device alone" in refused.text
    _, token = devices.trust(shop.db, "Bar tablet", "till-1")
    cashier.set_cookie(DEVICE_COOKIE, token)
    assert "Approve with" in cashier.get(f"/till/recent/{sale.sale_id}").text
    assert "do not fit" in ask(cashier, sale, kind="pin", secret="000000").text
    assert "given back" in ask(cashier, sale, kind="pin", secret="246813").text


def test_money_that_came_from_elsewhere_says_what_to_do(manager: FlaskClient, shop: Shop) -> None:
    sale = shop.arm(2_100)
    sales.move(shop.db, sale.sale_id, SaleState.AUTHORISING)
    shop.db.transaction(
        lambda tx: tx.run(
            "UPDATE sales SET state = 'approved', method = 'foreign', settled_at = 1,"
            ' data = \'{"host": "cards.example"}\' WHERE sale_id = :id',
            {"id": sale.sale_id},
        )
    )
    page = manager.get(f"/till/recent/{sale.sale_id}").text
    assert "Give it back in cash, or pay an invoice" in page
    assert "Give money back" not in page
    answer = ask(manager, sale)
    assert (answer.status_code, "another issuer" in answer.text) == (400, True)


def test_what_was_not_printed_is_told_retried_and_dismissed(
    cashier: FlaskClient, shop: Shop
) -> None:
    printer(shop)
    sale = pay(shop, 2_100)
    form(cashier, f"/till/recent/{sale.sale_id}/print")
    job = print_jobs.take(shop.db, "bar")
    assert job is not None
    print_jobs.fail(shop.db, job.job_id, "printer bar: the paper is out")
    words = "Receipt not printed: printer bar: the paper is out"
    assert words in cashier.get("/till/recent").text
    assert cashier.get("/till/state").get_json()["unprinted"] == [
        {"job_id": job.job_id, "words": words, "failed": True, "again": True}
    ]
    form(cashier, f"/till/print-jobs/{job.job_id}/retry")
    assert words not in cashier.get("/till/recent").text
    again = print_jobs.get(shop.db, job.job_id)
    assert again is not None
    assert again.state is PrintState.QUEUED
    print_jobs.fail(shop.db, job.job_id, "printer bar: the paper is out")
    form(cashier, f"/till/print-jobs/{job.job_id}/dismiss")
    assert words not in cashier.get("/till/recent").text
    assert form(cashier, "/till/print-jobs/none/retry").status_code == 404


def test_the_drawer_opens_where_there_is_one(
    sign_in: Callable[[Role], FlaskClient], shop: Shop
) -> None:
    cashier = sign_in(Role.CASHIER)
    printer(shop)
    assert "Open the cash drawer" not in cashier.get("/till/recent").text
    assert "no cash drawer serves this terminal" in form(cashier, "/till/drawer").text
    printer(shop, drawer=True)
    assert "Open the cash drawer" in cashier.get("/till/recent").text
    assert "The cash drawer opens." in form(cashier, "/till/drawer").text
    assert job_kinds(shop) == ["drawer"]
    assert audit.recent(shop.db)[0].action == "drawer.open"
