"""The commands about shifts and reports of the tills."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import people, pull_payments, shifts, stores
from host.ledger.permissions import Role
from host.money import sats
from host.store.engine import Engine
from tests.support.books import Shop
from tests.support.command import taptill, words
from tests.support.tills import Tills


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A shop where Ann has taken 1 000 sat, a tip of 50 among them, and given back 200."""
    assert taptill(tmp_path, "init", "--name", "Corner shop").exit_code == 0
    with Engine.open(tmp_path / DATABASE_NAME, SystemClock()) as db:
        stores.create(db, "Shop", store_id="shop", timezone="Europe/Madrid")
        account = pull_payments.create(db, "shop", "Account")
        pull_payments.fund(db, account.pull_payment_id, sats(10_000), "opening")
        people.create(db, "=Eve", Role.CASHIER, store_id="shop")
        tills = Tills(Shop(db, SystemClock(), account))  # type: ignore[arg-type]
        tills.start("till-1", "Ann")
        tills.give_back(tills.pay(1_000, "till-1", "Ann", tip_sat=50), 200)
        tills.pay(7, "till-2", "=Eve")
    return tmp_path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_an_x_report_is_shown_as_on_paper_and_changes_nothing(home: Path) -> None:
    for _ in range(2):
        told = taptill(home, "report", "x", "--store", "shop", "--terminal", "till-1")
        assert told.exit_code == 0
        assert "X report" in told.output
        assert "Gross                           1 000 sats" in told.output
        assert "800 sats" in told.output
        assert max(map(len, told.output.splitlines())) <= 42


def test_z_reports_are_numbered_and_shown_again(home: Path) -> None:
    args = ("--store", "shop", "--terminal", "till-1")
    first = taptill(home, "report", "z", *args, "--person", "Mona", "--json")
    told = json.loads(first.output)
    assert (told["number"], told["total"]["net_msat"]) == (1, 800_000)
    again = taptill(home, "report", "show", "1", *args, "--json")
    assert json.loads(again.output) == told
    assert json.loads(taptill(home, "report", "z", *args, "--json").output)["number"] == 2
    assert "Ann may not do this" in words(taptill(home, "report", "z", *args, "--person", "Ann"))
    assert "no Z report 9" in words(taptill(home, "report", "show", "9", *args))
    lines = taptill(home, "report", "list", "--store", "shop").output.splitlines()
    assert [line.split()[:2] for line in lines] == [["Z", "2"], ["Z", "1"]]
    assert taptill(home, "books").exit_code == 0


def test_csv_has_every_line_and_sums_to_the_report(home: Path) -> None:
    made = taptill(home, "report", "z", "--store", "shop", "--csv")
    found = rows(made.output)
    assert sum(int(row["amount_msat"]) for row in found) == 807_000
    assert [row["kind"] for row in found] == ["sale", "refund", "sale"]
    assert [row["person"] for row in found] == ["Ann", "Mona", "'=Eve"]
    assert all(row["at_local"] > row["at_utc"] for row in found)  # Madrid is ahead of UTC
    listed = rows(taptill(home, "report", "list", "--store", "shop", "--csv").output)
    assert [(row["number"], row["net_msat"]) for row in listed] == [("1", "807000")]


def test_shifts_are_listed(home: Path) -> None:
    (shift,) = json.loads(taptill(home, "shifts", "--store", "shop", "--json").output)
    assert (shift["person"], shift["closed"], shift["sales"]) == ("Ann", False, 1)
    assert "open" in taptill(home, "shifts", "--store", "shop").output
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        shifts.finish(db, shift["shift_id"], note="done")
    (closed,) = json.loads(taptill(home, "shifts", "--store", "shop", "--json").output)
    assert (closed["closed"], closed["note"]) == (True, "done")
