"""A sample of `make faults`, and proof that its count would see what must never be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from host.bolt11 import decode
from host.clock import SystemClock
from host.lightning.embedded import EmbeddedWallet
from tests.faults.__main__ import last_line, matrix, run, table
from tests.faults.count import count
from tests.faults.runs import SCRIPTS, Case, Till, make_template, play
from tests.faults.victim import POINTS


def test_the_matrix_has_every_point_with_every_script_and_at_least_two_hundred_runs() -> None:
    cases = matrix()
    assert len(cases) >= 200
    assert {(one.point, one.script) for one in cases} == {
        (point, script) for point in POINTS for script in SCRIPTS
    }


def test_threat_32_a_host_that_is_killed_anywhere_pays_nothing_twice_and_loses_nothing(
    tmp_path: Path,
) -> None:
    cases = [
        Case(
            point, SCRIPTS[number % len(SCRIPTS)], cards=1 + number % 2, store_pays=number % 3 == 0
        )
        for number, point in enumerate(POINTS)
    ]
    outcomes = run(cases, tmp_path)
    assert last_line(outcomes) == f"{len(cases)} runs, 0 paid twice, 0 lost", table(outcomes)
    assert all(one.died for one in outcomes if one.case.script != "duplicate"), table(outcomes)


BREAKS: dict[str, tuple[str, str, str]] = {
    "a payment that the ledger calls failed": (
        "taptill.db",
        "UPDATE payouts SET status = 'Failed', completed_at = NULL, preimage = NULL",
        "completed",
    ),
    "money that stays held": (
        "taptill.db",
        "UPDATE pull_payments SET held_msat = 5, balance_msat = balance_msat - 5",
        "the account has",
    ),
    "a payout that is gone": ("taptill.db", "DELETE FROM payouts", "a claim is nowhere"),
    "a stranger who was paid more": (
        "wallet.db",
        "UPDATE accounts SET balance_msat = balance_msat + 21000 WHERE name = 'stranger'",
        "the stranger has",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_count_finds(what: str, tmp_path: Path, paid_run: Callable[[Path], Till]) -> None:
    till = paid_run(tmp_path)
    name, sql, words = BREAKS[what]
    conn = sqlite3.connect(tmp_path / name)
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute(sql)
    conn.commit()
    conn.close()
    stranger = EmbeddedWallet(tmp_path / "wallet.db", "stranger", SystemClock())
    case = Case("before_claim", "ok")
    try:
        counted = count(tmp_path, stranger, [till.invoice], [till], case)
    finally:
        stranger.close()
    assert any(words in one for one in (*counted.twice, *counted.lost)), counted


@pytest.fixture
def paid_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Till]:
    """Plays one good run into a folder."""

    def make(folder: Path) -> Till:
        template = tmp_path_factory.mktemp("template")
        make_template(template)
        folder.rmdir()
        outcome = play(Case("before_claim", "ok"), template, folder)
        assert not outcome.counted.twice
        assert not outcome.counted.lost
        invoice = outcome.invoices[0]
        assert decode(invoice.bolt11).payment_hash == invoice.payment_hash
        return Till({}, invoice, ["OK"])

    return make
