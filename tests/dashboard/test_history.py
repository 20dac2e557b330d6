"""The history of another system in the dashboard: taken in by a form, marked wherever it stands."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from dashboard import guard
from host.ledger import books, stores
from host.ledger.permissions import Role
from tests.support.forms import csrf_of
from tests.support.shop import Shop

NASTY = "<script>alert(1)</script>"
CSV = (
    "payout_id,pull_payment_id,store_id,amount,currency,status,created_at,boltcard_id,"
    "boltcard_alias,error_message\n"
    "old1,pp,btc,0.00021000,BTC,Completed,2026-02-20T10:00:00Z,c1,Old card,\n"
    f"old2,pp,btc,0.00000500,BTC,Failed,2026-02-21T10:00:00Z,c1,,{NASTY}\n"
    "old3,pp,btc,0.00000700,BTC,Pending,2026-02-22T10:00:00Z,,,\n"
)


def upload(client: FlaskClient, text: str = CSV, name: str = "old.csv", **form: str) -> str:
    data = {"csrf_token": csrf_of(client), "inside": "1", **form}
    file = {"file": (io.BytesIO(text.encode()), name)}
    kind = "multipart/form-data"
    answer = client.post("/history", data=data | file, content_type=kind, follow_redirects=True)
    return answer.text


def rows(page: str) -> list[str]:
    return re.findall(r'<tr data-payout="([^"]+)"', page)


def test_a_file_is_looked_through_taken_in_and_known_again(
    manager: FlaskClient, shop: Shop
) -> None:
    assert "The file is good: 3 new of 3 payouts would be taken in" in upload(manager, look="1")
    assert rows(manager.get("/payouts").text) == []
    page = upload(manager)
    assert "Taken in: 3 new of 3 payouts." in page
    assert "old.csv" in page
    assert "nothing changed" in upload(manager)
    assert rows(manager.get("/payouts").text) == ["old3", "old2", "old1"]
    assert books.check(shop.db).ok


def test_a_bad_file_says_each_line_and_field_inside_the_form(manager: FlaskClient) -> None:
    page = upload(manager, CSV.replace("BTC,F", "EUR,F").replace("0.00021000", "much"))
    assert "line 2, amount: write an amount" in page
    assert "line 3, currency: must be BTC or SATS" in page
    assert page.count('role="alert"') == 1
    assert (
        "file: choose a file"
        in manager.post(
            "/history", data={"csrf_token": csrf_of(manager), "inside": "1"}, follow_redirects=True
        ).text
    )


def test_imported_payouts_are_marked_filtered_and_explained(
    manager: FlaskClient, shop: Shop
) -> None:
    ours = shop.pay(shop.card("Ann"), 9).payout.payout_id
    assert 'name="origin"' not in manager.get("/payouts").text
    upload(manager)
    page = manager.get("/payouts").text
    assert rows(page) == [ours, "old3", "old2", "old1"]
    assert page.count(">Imported</span>") == 3
    assert rows(manager.get("/payouts?origin=here").text) == [ours]
    page = manager.get("/payouts?origin=imported&boltcardId=old card").text
    assert rows(page) == ["old2", "old1"]
    assert 'class="chip"' in page
    assert manager.get("/payouts?origin=elsewhere").status_code == 400
    page = manager.get("/payouts/old2").text
    assert "moved no money in this ledger" in page
    assert NASTY not in page


def test_figures_count_what_was_paid_there_and_say_so(manager: FlaskClient, shop: Shop) -> None:
    shop.pay(shop.card("Ann"), 9)
    assert "of them imported" not in manager.get("/overview").text
    upload(manager)
    page = manager.get("/overview").text
    found = dict(re.findall(r'data-figure="(\w+)">([^<]+)<', page))
    assert found == {"total": "2", "pending": "0", "completed": "2", "cards": "2"}
    assert "1 of them imported, 21\u00a0000 sats" in page
    assert 'data-imported="21000"' in page
    assert "Old card paid the most" in page
    found = dict(
        re.findall(r'data-figure="(\w+)">([^<]+)<', manager.get("/overview?origin=here").text)
    )
    assert (found["total"], found["cards"]) == ("1", "1")
    stats = manager.get("/api/stats").get_json()
    assert (stats["completedCount"], stats["importedCount"]) == (2, 1)
    assert stats["importedAmountSat"] == 21_000
    assert manager.get("/api/payouts/old1").get_json()["origin"] == "imported"


def test_files_have_a_column_that_says_where_a_payout_was_made(
    manager: FlaskClient, shop: Shop
) -> None:
    shop.pay(shop.card("Ann"), 9)
    upload(manager, CSV.replace(NASTY, "=1+1"))
    text = manager.get("/payouts/export.csv").text
    found = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert [row["origin"] for row in found] == ["imported"] * 3 + ["here"]
    assert sum(int(row["amount_sat"]) for row in found) == 21_000 + 500 + 700 + 9
    assert found[1]["error_message"] == "'=1+1"
    lines = manager.get("/payouts/export.jsonl?origin=imported").text.splitlines()
    assert [json.loads(line)["payout_id"] for line in lines] == ["old1", "old2", "old3"]


def test_another_store_knows_nothing_of_it(manager: FlaskClient, shop: Shop) -> None:
    stores.create(shop.db, "Other", store_id="other")
    upload(manager)
    assert rows(manager.get("/payouts?storeId=other").text) == []
    assert manager.get("/payouts/old1?storeId=other").status_code == 404
    assert "old.csv" not in manager.get("/history?storeId=other").text


def test_a_large_file_is_let_in_for_managers_only_and_with_the_token(
    sign_in: Callable[[Role], FlaskClient], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = CSV + "".join(
        f"p{number},pp,btc,0.00001000,BTC,Completed,2026-02-20T10:00:00Z,c1,,\n"
        for number in range(2_000)
    )
    assert len(many) > 100_000
    cashier = sign_in(Role.CASHIER)
    file = {"file": (io.BytesIO(many.encode()), "x.csv")}
    refused = cashier.post("/history", data=file, content_type="multipart/form-data")
    assert refused.status_code == 403
    manager = sign_in(Role.MANAGER)
    file = {"file": (io.BytesIO(many.encode()), "x.csv")}
    refused = manager.post("/history", data=file, content_type="multipart/form-data")
    assert refused.status_code == 400
    assert "2\u00a0003 new" in upload(manager, many)
    monkeypatch.setattr(guard, "LARGEST", 50_000)
    file = {"file": (io.BytesIO(many.encode()), "x.csv")}
    assert manager.post("/history", data=file).status_code == 413


def test_reports_are_of_this_ledger_alone(manager: FlaskClient, shop: Shop) -> None:
    shop.pay(shop.card("Ann"), 9)
    upload(manager)
    page = manager.get("/reports").text
    assert "Old card" not in page
    assert "21\u00a0000" not in page
    days = manager.get("/reports/days.csv?origin=imported").text
    assert sum(int(row["completed_sat"]) for row in csv.DictReader(io.StringIO(days[1:]))) == 9
