"""The command that takes in the history of another system."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import people, views_both
from host.ledger.permissions import Role
from host.ledger.views_payouts import PayoutList
from host.store.engine import Engine
from tests.support.command import taptill

CSV = """payoutId,pullPaymentId,storeId,amount,currency,status,createdAt
p1,pp,btc,0.00021000,BTC,Completed,2025-01-05T10:00:00Z
p2,pp,btc,0.00000500,BTC,Failed,2025-01-05T11:00:00Z
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert taptill(tmp_path, "init").exit_code == 0
    with Engine.open(tmp_path / DATABASE_NAME, SystemClock()) as db:
        people.create(db, "Cem", Role.CASHIER, store_id="main")
    (tmp_path / "old.csv").write_text(CSV)
    return tmp_path


def payouts(home: Path) -> list[str]:
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        found = views_both.page(db, PayoutList("main", "2025-01-01", "2025-01-31"))
    return [one.payout_id for one in found]


def test_a_file_is_looked_through_then_taken_then_known(home: Path) -> None:
    arguments = ("history", "import", str(home / "old.csv"))
    assert taptill(home, *arguments, "--dry-run").output == "2 rows of payouts: 2 new, 0 changed\n"
    assert payouts(home) == []
    assert taptill(home, *arguments).output == "taken in: 2 new payouts, 0 changed\n"
    assert payouts(home) == ["p2", "p1"]
    assert taptill(home, *arguments).output == "2 rows of payouts, all of them taken in before\n"
    assert taptill(home, "books").output.splitlines()[2].startswith("2 imported payouts")


def test_a_bad_file_says_where_and_changes_nothing(home: Path) -> None:
    (home / "old.csv").write_text(CSV.replace("BTC,F", "EUR,F").replace("0.00021000", "0,1"))
    result = taptill(home, "history", "import", str(home / "old.csv"))
    assert result.exit_code == 2
    assert "line 2, row: has not as many values as there are columns (7)" in result.output
    (home / "old.csv").write_text(CSV.replace("BTC,F", "EUR,F"))
    result = taptill(home, "history", "import", str(home / "old.csv"), "--dry-run")
    assert "line 3, currency: must be BTC or SATS" in result.output
    assert payouts(home) == []


def test_only_who_manages_the_store_imports_by_name(home: Path) -> None:
    result = taptill(home, "history", "import", str(home / "old.csv"), "--person", "Cem")
    assert result.exit_code == 2
    assert "store.manage" in result.output
    assert taptill(home, "history", "import", str(home / "old.csv"), "--store", "x").exit_code == 2
