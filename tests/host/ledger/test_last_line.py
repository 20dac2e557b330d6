"""The schema itself is the last line: without any check of ours, nothing is paid twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from host.clock import ManualClock
from host.ledger import books, cards, claims, pull_payments, spend
from host.ledger.claims import ClaimRequest, Source
from host.ledger.codes import Code
from host.ledger.records import Payout
from host.money import sats
from host.store.engine import Engine
from host.store.errors import StoreConflict, StoreError
from host.store.tx import Tx
from tests.support.books import Shop, code, made, tap

TEN = sats(10)


@pytest.fixture
def blind(here: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose checks all say yes."""
    for check in ("_join", "_standing", "_fresh", "_invoice_fits", "_sale_fits", "_covered"):
        monkeypatch.setattr(claims, check, lambda *_: None)
    return here


def test_threat_3_the_same_tap_twice_is_refused_by_the_schema(blind: Shop) -> None:
    card = blind.card()
    made(blind.pay(card, 1, TEN))
    assert code(blind.pay(card, 1, TEN)) is Code.SUN_REPLAYED


def test_the_same_invoice_twice_is_refused_by_the_schema(blind: Shop) -> None:
    invoice = blind.invoice(TEN)
    made(blind.offer(blind.card(), 1, TEN, invoice=invoice))
    assert code(blind.offer(blind.card(), 1, TEN, invoice=invoice)) is Code.INVOICE_USED


def test_a_second_payment_on_its_way_is_refused_by_the_schema(blind: Shop) -> None:
    card = blind.card()
    made(blind.offer(card, 1, TEN))
    assert code(blind.offer(card, 2, TEN)) is Code.CARD_BUSY


def test_money_that_is_not_there_is_refused_by_the_schema(blind: Shop) -> None:
    card = blind.card()
    for outcome in (
        lambda: blind.pay(card, 1, sats(100_001)),
        lambda: blind.offer(card, 1, sats(100_001)),
    ):
        with pytest.raises(StoreConflict, match="balance_msat"):
            outcome()
    assert blind.count("payouts") == 0


def test_a_sale_that_is_over_is_not_paid_again_whatever_the_checks_say(blind: Shop) -> None:
    sale = blind.sale(TEN)
    made(blind.pay(blind.card(), 1, TEN, sale=sale))
    with pytest.raises(StoreError, match="closed under the write lock"):
        blind.pay(blind.card(), 1, TEN, sale=sale)
    assert blind.count("payouts") == 1


@pytest.mark.parametrize("kind", ["hold", "settle", "release"])
def test_no_hold_is_made_or_ended_twice(here: Shop, kind: str) -> None:
    payout = made(here.pay(here.card(), 1, TEN))
    row = {
        "id": f"{payout.payout_id}.{'hold' if kind == 'hold' else 'end'}",
        "account": payout.pull_payment_id,
        "payout": payout.payout_id,
        "kind": kind,
    }
    sql = (
        "INSERT INTO entries (entry_id, at, pull_payment_id, payout_id, kind, available_msat,"
        " held_msat) VALUES (:id, 0, :account, :payout, :kind, 1, 1)"
    )
    for entry_id in (row["id"], "another name", f"{payout.payout_id}.again"):
        with pytest.raises(StoreConflict):
            here.db.transaction(lambda tx, entry_id=entry_id: tx.run(sql, row | {"id": entry_id}))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payouts SET status = 'Completed', completed_at = 1, next_check_at = NULL",
        "UPDATE payouts SET status = 'Done'",
        "UPDATE payouts SET status = 'Processing'",
        "UPDATE payouts SET amount = amount + 1",
        "UPDATE payouts SET amount = 0",
        "UPDATE payouts SET payment_hash = NULL",
        "UPDATE payouts SET preimage = zeroblob(31)",
        "UPDATE cards SET last_counter = 16777216",
        "UPDATE cards SET pin_hash = 'x'",
        "UPDATE pull_payments SET held_msat = -1",
        "DELETE FROM cards",
        "DELETE FROM payouts",
    ],
)
def test_rows_that_make_no_sense_are_refused_by_the_schema(here: Shop, sql: str) -> None:
    made(here.offer(here.card(), 1, TEN))
    with pytest.raises(StoreConflict):
        here.db.transaction(lambda tx: tx.run(sql))


@pytest.mark.parametrize("fault", range(11))
def test_threat_32_a_claim_that_dies_at_any_statement_leaves_nothing(
    here: Shop, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    card, sale = here.card(), here.sale(TEN)
    execute, done = Tx._execute, [0]

    def dying(tx: Tx, sql: str, params: object) -> object:
        done[0] += 1
        if done[0] > fault:
            raise StoreError("the power is gone")
        return execute(tx, sql, params)  # type: ignore[arg-type]

    monkeypatch.setattr(Tx, "_execute", dying)
    with pytest.raises(StoreError, match="power"):
        here.pay(card, 1, TEN, sale=sale)
    monkeypatch.undo()
    assert here.count("payouts") == 0
    assert here.now(card) == card
    here.clean()
    made(here.pay(card, 1, TEN, sale=sale))


KILLED = """
import os, sys
from pathlib import Path
from host.clock import ManualClock
from host.ledger import cards, claims, tallies
from host.ledger.claims import ClaimRequest, Source
from host.store.engine import Engine
from host.store.tx import Tx
from tests.support.books import tap

path, card_id, sale_id, after = sys.argv[1:]
execute, left = Tx._execute, [int(after)]

def dying(tx, sql, params):
    if not sql.lstrip().startswith("SELECT"):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
    return execute(tx, sql, params)

db = Engine.open(Path(path), ManualClock())
card = cards.get(db, card_id)
Tx._execute = dying
claims.claim(db, ClaimRequest(tap(card, 1), 10_000, Source.TILL, sale_id=sale_id))
os._exit(0)
"""


@pytest.mark.parametrize("after", [0, 1, 4, 8, 99])
def test_threat_32_a_process_killed_in_a_claim_leaves_all_of_it_or_nothing(
    here: Shop, after: int
) -> None:
    card, sale = here.card(), here.sale(TEN)
    arguments = [str(here.db.path), card.card_id, sale.sale_id, str(after)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        check=False,
        cwd=Path(__file__).parents[3],
        env=os.environ,
    )
    assert ended.returncode == (0 if after == 99 else 9)
    assert here.count("payouts") == (1 if after == 99 else 0)
    here.clean()
    outcome = here.pay(card, 1, TEN, sale=sale)
    assert isinstance(made(outcome), Payout)
    assert here.money() == (sats(99_990), 0, TEN)


def test_a_ledger_opened_again_is_the_same(here: Shop) -> None:
    made(here.pay(here.card(), 1, TEN))
    with Engine.open(here.db.path, ManualClock(), read_only=True) as again:
        assert books.check(again) == books.check(here.db)
        assert cards.every(again) == cards.every(here.db)
        assert pull_payments.all(again) == pull_payments.all(here.db)
    assert spend.CURRENCY == "BTC"
    assert ClaimRequest(tap(here.card(), 1), TEN, Source.TILL, sale_id="x").pin is None
