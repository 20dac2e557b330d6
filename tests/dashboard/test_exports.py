"""Lists as files: the very list on the screen, safe for spreadsheets, sums that are right."""

from __future__ import annotations

import csv
import io
import json

import pytest
from flask.testing import FlaskClient

from dashboard.exports import COLUMNS, Times
from host.clock import HOUR, ManualClock
from host.ledger import views_payouts
from host.sheets import harmless
from tests.support.busy import failed
from tests.support.shop import Shop


def read(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_a_csv_holds_every_payout_of_the_list_oldest_first(
    manager: FlaskClient, shop: Shop, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_payouts.batches, "__kwdefaults__", {"size": 2})
    ann = shop.card("Ann")
    made = [shop.pay(ann, amount).payout.payout_id for amount in (1, 20, 300, 4000)]
    shop.pay(shop.card("Ben"), 7)
    answer = manager.get("/payouts/export.csv?boltcardId=Ann")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = "payouts-main-2026-02-01-2026-03-02.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    found = read(answer.text)
    assert [row["payout_id"] for row in found] == made
    assert sum(int(row["amount_sat"]) for row in found) == 4_321
    assert tuple(found[0]) == COLUMNS
    assert found[0]["created_at_utc"] == "2026-03-02 14:07:31"
    assert found[0]["created_at_local"] == "2026-03-02 15:07:31"
    assert found[0]["boltcard_alias"] == "Ann"
    assert "\r\n" in answer.text


def test_json_lines_say_the_same(manager: FlaskClient, shop: Shop) -> None:
    payout = failed(shop, shop.card("Ann"), 5, "=1+1")
    lines = manager.get("/payouts/export.jsonl").text.splitlines()
    row = json.loads(lines[0])
    assert row["payout_id"] == payout.payout_id
    assert row["error_message"] == "=1+1"
    assert row["completed_at_utc"] is None
    assert row["amount_sat"] == 5


def test_an_empty_list_is_a_file_with_a_head_only(manager: FlaskClient) -> None:
    assert read(manager.get("/payouts/export.csv").text) == []
    assert manager.get("/payouts/export.jsonl").text == ""


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20"])
def test_no_cell_begins_like_a_formula(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_texts_that_people_wrote_are_made_harmless(manager: FlaskClient, shop: Shop) -> None:
    card = shop.card('=HYPERLINK("http://evil.example","x")')
    failed(shop, card, 5, '@SUM(1+1)*cmd|"\r\nSet-Cookie: a=b')
    (row,) = read(manager.get("/payouts/export.csv").text)
    assert row["boltcard_alias"] == '\'=HYPERLINK("http://evil.example","x")'
    assert row["error_message"].startswith("'@SUM")


def test_times_are_told_twice_and_right_on_both_sides_of_a_change_of_clocks() -> None:
    times = Times("Europe/Rome")
    spring = 1_774_746_000_000  # 2026-03-29T01:00:00Z
    assert times.both(spring - 1000) == ("2026-03-29 00:59:59", "2026-03-29 01:59:59")
    assert times.both(spring) == ("2026-03-29 01:00:00", "2026-03-29 03:00:00")
    assert times.both(spring - HOUR) == ("2026-03-29 00:00:00", "2026-03-29 01:00:00")
    assert times.both(None) == ("", "")
