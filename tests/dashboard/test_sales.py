"""Sales of every kind in one list, and giving money back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from dashboard import sales as room
from dashboard.access import COOKIE
from dashboard.context import DashboardContext
from dashboard.live import Feed
from host.clock import DAY, ManualClock
from host.ledger import books, cards, pull_payments, refunds, sales, stores, views_sales
from host.ledger.attempts import Laid
from host.ledger.codes import Code
from host.ledger.permissions import Role
from host.ledger.records import Card, SaleMethod, SaleState
from host.ledger.views_sales import SaleList
from host.money import sats
from host.receipts.texts import short
from tests.support.forms import csrf_of
from tests.support.others import foreign, on_screen, past
from tests.support.shop import Shop


@pytest.fixture
def ann(shop: Shop) -> Card:
    return shop.card("Ann")


def rows(page: str) -> list[str]:
    return re.findall(r'aria-label="Sale (\w+)"', page)


def send(client: FlaskClient, path: str, **form: str) -> str:
    data = form | {"csrf_token": csrf_of(client), "inside": "1"}
    return client.post(path, data=data, follow_redirects=True).text


def test_sales_of_every_kind_stand_in_one_list(manager: FlaskClient, shop: Shop, ann: Card) -> None:
    ours = shop.pay(ann, 1_000).payout.sale_id
    theirs = foreign(shop, 2_000).sale_id
    invoice = on_screen(shop, 3_000).sale_id
    lost = shop.arm(4_000)
    sales.move(shop.db, lost.sale_id, SaleState.DECLINED, code=Code.LIMIT_DAY)
    page = manager.get("/sales").text
    assert rows(page) == [lost.sale_id, invoice, theirs, ours]
    for words in ("cards.example", "Invoice on the screen", "Another issuer", "Over the limit"):
        assert words in page
    for query, wanted in (
        ("method=foreign", [theirs]),
        ("method=card", [ours]),
        ("state=declined", [lost.sale_id]),
        ("state=approved&method=invoice", [invoice]),
        ("endDate=2026-03-01", []),
    ):
        page = manager.get(f"/sales?{query}").text
        assert rows(page) == wanted, query
        assert 'class="chip"' in page
    for query in ("state=paid", "method=cash", "startDate=x"):
        assert manager.get(f"/sales?{query}").status_code == 400, query


def test_a_sale_is_found_by_the_number_of_its_receipt_or_by_its_amount(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    old = str(shop.pay(ann, 2_100).payout.sale_id)
    clock.advance(100 * DAY)
    manager.set_cookie(COOKIE, shop.session())
    new = str(shop.pay(ann, 2_100).payout.sale_id)
    lost = shop.arm(4_000).sale_id
    for sought, wanted in (
        (short(old), [old]),  # whatever the days
        (short(old).lower().replace("-", ""), [old]),
        (new, [new]),
        ("2 100 sats", [new]),
        ("4000", [lost]),
        ("4001", []),
        ("00000-00000", []),
    ):
        asked = {"q": sought}
        page = manager.get("/sales", query_string=asked).text
        assert rows(page) == wanted, sought
        assert f'value="{sought}"' in page
        assert "“" in page  # a filter that can be taken out
        file = manager.get("/sales/export.csv", query_string=asked).text
        assert [row["sale_id"] for row in csv.DictReader(io.StringIO(file[1:]))] == wanted
    for more in ({"state": "cancelled"}, {"method": "foreign"}):
        assert rows(manager.get("/sales", query_string={"q": short(old)} | more).text) == []
    assert short(new) in manager.get(f"/sales/{new}").text
    for sought in ("nothing", "%", "9" * 41):
        answer = manager.get("/sales", query_string={"q": sought})
        assert (answer.status_code, "number of a receipt" in answer.text) == (400, True)


def test_pages_go_on_where_the_last_one_ended(
    manager: FlaskClient, shop: Shop, ann: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PER_PAGE", 2)
    made = [str(shop.pay(ann, amount).payout.sale_id) for amount in (1, 2, 3, 4, 5)]
    for stretch in (10_000, 1):
        monkeypatch.setattr(views_sales, "STRETCH", stretch)
        seen, path = [], "/sales?state=approved"
        while path:
            page = manager.get(path).text
            seen += rows(page)
            found = re.search(r'href="(/sales\?before=[^"]+)"', page)
            path = found[1].replace("&amp;", "&") if found else ""
        assert seen == made[::-1], stretch


def test_a_list_of_few_among_many_looks_at_no_others(
    shop: Shop, ann: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_sales, "STRETCH", 1)
    few = []
    for amount in (1, 2, 3):
        few.append(foreign(shop, amount, "issuer.example").sale_id)
        for _ in range(3):
            shop.pay(ann, amount)
    gone = [shop.arm(amount).sale_id for amount in (4, 5)]
    sales.cancel(shop.db, gone[1])
    for state, method, wanted in (
        (None, SaleMethod.FOREIGN, few[::-1]),
        (SaleState.APPROVED, SaleMethod.FOREIGN, few[::-1]),
        (SaleState.CANCELLED, None, gone[::-1]),
        (SaleState.CANCELLED, SaleMethod.FOREIGN, []),
    ):
        found = views_sales.page(shop.db, SaleList("main", 0, 1 << 42, state, method))
        assert ([one.sale_id for one in found.sales], found.next) == (wanted, None)


def test_what_no_payout_stands_behind_is_summed_beside_the_payouts(
    manager: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    shop.pay(ann, 1_000)
    foreign(shop, 2_000)
    foreign(shop, 2_500, "other.example")
    on_screen(shop, 3_000)
    for path in ("/overview", "/sales"):
        page = manager.get(path).text
        part = page[page.index('id="others"') :]
        part = part[: part.index("</section>")]
        assert "7\u00a0500 sats" in part
        assert "in 3 sales" in part
        assert "4\u00a0500 sats" in part
    figures = dict(re.findall(r'data-figure="(\w+)">([^<]+)<', manager.get("/overview").text))
    assert figures["total"] == "1"
    assert 'id="others"' not in manager.get("/overview?boltcardId=Ann").text
    assert "0\u00a0sats" not in manager.get("/sales?endDate=2026-03-01").text
    clock.advance(31 * DAY)
    manager.set_cookie(COOKIE, shop.session())
    assert "in 0 sales" in manager.get("/overview").text
    assert books.check(shop.db).ok


def test_books_see_a_sum_of_other_sales_that_is_wrong(shop: Shop) -> None:
    foreign(shop, 2_000)
    shop.db.transaction(lambda tx: tx.run("UPDATE other_sales SET sales = 2"))
    assert "other sales of main" in books.check(shop.db).problems[0]


def test_a_sale_says_how_it_was_paid(manager: FlaskClient, shop: Shop, ann: Card) -> None:
    paid = shop.pay(ann, 1_000).payout
    page = manager.get(f"/sales/{paid.sale_id}").text
    assert f"/payouts/{paid.payout_id}" in page
    assert "Give money back" in page
    assert f"/sales/{paid.sale_id}" in manager.get(f"/payouts/{paid.payout_id}").text
    page = manager.get(f"/sales/{foreign(shop, 5).sale_id}").text
    assert "cards.example" in page
    assert "It was paid from outside" in page
    assert manager.get("/sales/nothing").status_code == 404


def test_a_sale_is_given_back_in_parts_and_never_above_what_was_paid(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    sale_id = shop.pay(ann, 1_000).payout.sale_id
    path = f"/sales/{sale_id}/refund"
    for amount, reason, told in (
        ("1001", "x", "amount: more than was paid"),
        ("0", "x", "amount: "),
        ("-5", "x", "amount: "),
        ("0.5", "x", "amount: "),
        ("5", "", "reason: 1 to 120 characters"),
    ):
        page = send(manager, path, amount=amount, reason=reason)
        form = page[page.index('<details class="change" open') :]
        assert told in form[: form.index("</details>")], amount
    assert "The money is back on the card" in send(manager, path, amount="400", reason="cold")
    page = manager.get(f"/sales/{sale_id}").text
    assert "Partly refunded" in page
    assert 'value="600"' in page
    assert "by manager" in page
    send(manager, path, amount="600", reason="angry")
    page = manager.get(f"/sales/{sale_id}").text
    assert "All of it was given back" in page
    account = pull_payments.get(shop.db, shop.account.pull_payment_id)
    assert account
    assert account.balance_msat == sats(1_000_000)
    assert books.check(shop.db).ok
    assert "Refunded</span>" in manager.get("/sales").text


def test_only_who_may_gives_money_back(
    sign_in: Callable[[Role], FlaskClient], shop: Shop, ann: Card
) -> None:
    sale_id = str(shop.pay(ann, 1_000).payout.sale_id)
    technician = sign_in(Role.TECHNICIAN)
    form = {"csrf_token": csrf_of(technician), "amount": "5", "reason": "x"}
    assert technician.post(f"/sales/{sale_id}/refund", data=form).status_code == 403
    manager = sign_in(Role.MANAGER)
    assert manager.post(f"/sales/{sale_id}/refund", data={"amount": "5"}).status_code == 400
    stores.create(shop.db, "Other", store_id="other")
    form["csrf_token"] = csrf_of(manager)
    answer = manager.post(f"/sales/{sale_id}/refund?storeId=other", data=form)
    assert answer.status_code == 404
    sale = sales.get(shop.db, sale_id)
    assert sale
    assert refunds.refunded_msat(sale) == 0


def test_a_card_is_filled_with_cash_with_a_reason(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    path = f"/cards/{ann.card_id}/top-up"
    assert "reason: 1 to 120" in send(manager, path, amount="250", reason="")
    assert "amount: " in send(manager, path, amount="lots", reason="bar")
    page = send(manager, path, amount="250", reason="cash at the bar")
    assert "The money is on the card" in page
    assert "1\u00a0000\u00a0250 sats" in page
    assert "cash at the bar" in manager.get(f"/pull-payments/{ann.pull_payment_id}").text
    pull_payments.end(shop.db, ann.pull_payment_id)
    assert "Fill the card" not in manager.get(f"/cards/{ann.card_id}").text
    send(manager, path, amount="5", reason="x")
    assert books.check(shop.db).ok
    kept = cards.get(shop.db, ann.card_id)
    assert kept


def test_the_fees_of_an_account_are_chosen_with_their_maximum(
    manager: FlaskClient, shop: Shop
) -> None:
    path = f"/pull-payments/{shop.account.pull_payment_id}"
    page = manager.get(path).text
    assert "the card pays" in page
    assert "at most what the host allows" in page
    page = send(manager, f"{path}/fees", payer="store", base="2", ppm="5000")
    assert "the store pays" in page
    assert "5\u00a0000</span> millionths" in page
    for form, told in (
        ({"payer": "store", "base": "2", "ppm": ""}, "fees: give a base"),
        ({"payer": "holder", "base": "", "ppm": ""}, "payer: must be one of card, store"),
        ({"payer": "card", "base": "0", "ppm": "1000001"}, "ppm: must be between"),
        ({"payer": "card", "base": "x", "ppm": "1"}, "base: "),
    ):
        assert told in send(manager, f"{path}/fees", **form)
    assert "the store pays" in manager.get(path).text
    assert "at most what" in send(manager, f"{path}/fees", payer="card", base="", ppm="")


def test_the_list_is_taken_along_as_csv_that_sums(
    manager: FlaskClient, shop: Shop, ann: Card
) -> None:
    sale_id = shop.pay(ann, 1_000).payout.sale_id
    send(manager, f"/sales/{sale_id}/refund", amount="400", reason="cold")
    foreign(shop, 2_000, "=evil.example")
    answer = manager.get("/sales/export.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="sales-main-')
    found = list(csv.DictReader(io.StringIO(answer.text[1:], newline="")))
    assert tuple(found[0]) == room.COLUMNS
    assert found[0]["sale_id"] == sale_id
    assert sum(int(row["amount_sat"]) for row in found) == 3_000
    assert found[0]["refunded_sat"] == "400"
    assert found[1]["issuer"] == "'=evil.example"
    assert (
        len(list(csv.DictReader(io.StringIO(manager.get("/sales/export.csv?method=card").text))))
        == 1
    )


def test_an_open_overview_hears_of_sales_from_outside_and_of_imports(
    context: DashboardContext, shop: Shop
) -> None:
    for make in (lambda: foreign(shop, 5), lambda: on_screen(shop, 5), lambda: past(shop)):
        before = shop.db.events.last_id()
        make()
        stopping = iter((False, True))
        feed = Feed(context, context.terminal, before, frozenset({"payouts"}))
        text = b"".join(feed.messages(lambda: next(stopping, True)))  # noqa: B023
        assert text.count(b"event: payout\n") == 1


def test_each_refused_card_is_listed_with_its_sale_and_with_the_card(
    manager: FlaskClient, cashier: FlaskClient, shop: Shop, ann: Card, clock: ManualClock
) -> None:
    sale = shop.arm(1_000)
    declined, sale_id = SaleState.DECLINED, sale.sale_id
    sales.move(shop.db, sale_id, declined, code=Code.LIMIT_DAY, laid=Laid(ann.card_id))
    clock.advance(9_000)
    words = {"words": "no <b>money</b>"}
    bank = Laid(host="cards.example")
    sales.move(shop.db, sale_id, declined, code=Code.FOREIGN_REFUSED, data=words, laid=bank)
    shop.tap(shop.card("Ben"))
    for page in (manager.get(f"/sales/{sale_id}"), cashier.get(f"/till/recent/{sale_id}")):
        part = page.text[page.text.index('id="refused-cards"') :]
        part = part[: part.index("</table>")]
        told = [re.sub(r"<[^>]+>", " ", row).split() for row in part.split("<tr>")[2:]]
        assert [one[1] for one in told] == ["15:07:31", "15:07:40"]
        assert " ".join(told[0][2:]) == "Ann Over the limit for today"
        assert "Card of cards.example The card&#39;s own bank refused" in " ".join(told[1])
        assert "no &lt;b&gt;money" in " ".join(told[1])
    page = manager.get(f"/cards/{ann.card_id}").text
    part = page[page.index('id="refused"') :]
    assert f"/sales/{sale_id}" in part
    assert "Over the limit for today" in part
    assert "Refused at our tills" not in manager.get("/cards/" + "2".rjust(32, "0")).text
