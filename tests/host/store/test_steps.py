"""A ledger that was in use before a step of the schema opens with it, and its books stay clean."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database

from host.clock import ManualClock
from host.ledger import attempts, books, fees, payouts
from host.ledger.codes import Code
from host.ledger.fees import FeePolicy
from host.store import migrations
from host.store.engine import Engine
from host.store.sqlite import connect

STEP = "004_topups"

# What an earlier version wrote: one payment at the till, one over Lightning that is on its way.
ROWS = (
    "INSERT INTO stores (store_id, name, currency, timezone, cutoff_hour, created_at)"
    " VALUES ('s', 'Shop', 'SATS', 'UTC', 0, 0)",
    "INSERT INTO terminals (terminal_id, store_id, name, created_at) VALUES ('t', 's', 't', 0)",
    "INSERT INTO pull_payments (pull_payment_id, store_id, name, state, balance_msat, held_msat,"
    " paid_msat, created_at) VALUES ('a', 's', 'A', 'running', 4000, 3000, 3000, 0)",
    "INSERT INTO cards (card_id, store_id, pull_payment_id, uid, alias, issuer_id, key_version,"
    " key_scheme, last_counter, state, pin_tries, created_at, spent_msat, spent_count, newest_at)"
    " VALUES ('c', 's', 'a', '04000000000080', 'Ann', 'i', 1, 'boltcard', 2, 'active', 0, 0, 5000,"
    " 2, 2)",
    "INSERT INTO payouts (payout_id, pull_payment_id, store_id, amount, currency, status,"
    " created_at, completed_at, boltcard_id, boltcard_ntag, key_version, counter, day, route,"
    " fee_msat, fee_held_msat, checks, before_msat, before_count)"
    " VALUES ('p1', 'a', 's', 3000, 'BTC', 'Completed', 1, 1, 'c', '04000000000080', 1, 1,"
    " '1970-01-01', 'internal', 0, 0, 0, 0, 0)",
    "INSERT INTO sales (sale_id, store_id, terminal_id, amount_msat, currency, state, created_at,"
    " changed_at, expires_at, payout_id, data)"
    " VALUES ('x', 's', 't', 3000, 'SATS', 'approved', 0, 1, 9, 'p1', '{}')",
    "UPDATE payouts SET sale_id = 'x'",
    "INSERT INTO payouts (payout_id, pull_payment_id, store_id, amount, currency, status,"
    " created_at, boltcard_id, boltcard_ntag, key_version, counter, day, route, payment_hash,"
    " fee_msat, fee_held_msat, checks, before_msat, before_count)"
    " VALUES ('p2', 'a', 's', 2000, 'BTC', 'Pending', 2, 'c', '04000000000080', 1, 2,"
    " '1970-01-01', 'lightning', zeroblob(32), 0, 1000, 0, 3000, 1)",
    "INSERT INTO entries (entry_id, at, pull_payment_id, payout_id, kind, available_msat,"
    " held_msat) VALUES ('f', 0, 'a', NULL, 'fund', 10000, 0),"
    " ('p1.hold', 1, 'a', 'p1', 'hold', -3000, 3000),"
    " ('p1.end', 1, 'a', 'p1', 'settle', 0, -3000),"
    " ('p2.hold', 2, 'a', 'p2', 'hold', -3000, 3000)",
    "INSERT INTO boltcard_usage VALUES ('c', 'Ann', 1, 3000, 1, 1, 's')",
    "INSERT INTO daily_totals VALUES ('s', '1970-01-01', 'c', 'Completed', 1, 3000),"
    " ('s', '1970-01-01', 'c', 'Pending', 1, 2000)",
)


def as_before(path: Path, step: str, rows: Iterable[str]) -> None:
    """A ledger that has every step before this one, and these rows."""
    conn = connect(path, "rwc")
    conn.execute("BEGIN IMMEDIATE")
    migrations._set.apply(Database(conn, execute_plugins=False), stop_before=step)
    for sql in rows:
        conn.execute(sql)
    conn.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    conn.execute(f"PRAGMA user_version = {migrations.STEPS.index(step)}")
    conn.execute("COMMIT")
    conn.close()


def test_fees_of_payouts_from_before_are_what_was_held(tmp_path: Path) -> None:
    path = tmp_path / "taptill.db"
    as_before(path, STEP, ROWS)
    with Engine.open(path, ManualClock()) as db:
        assert books.check(db).problems == []
        till, sent = (payouts.get(db, name) for name in ("p1", "p2"))
        assert till is not None
        assert sent is not None
        assert (till.fee_limit_msat, sent.fee_limit_msat) == (None, 1_000)
        assert fees.get(db, "a") == FeePolicy()


def test_refusals_from_before_are_told_without_the_card(tmp_path: Path) -> None:
    path = tmp_path / "taptill.db"
    told = (
        *ROWS[:2],
        "INSERT INTO sales (sale_id, store_id, terminal_id, amount_msat, currency, state,"
        " created_at, changed_at, expires_at, data)"
        " VALUES ('x', 's', 't', 3000, 'SATS', 'cancelled', 0, 1, 9, '{}')",
        "INSERT INTO events (at, kind, store_id, subject, data) VALUES"
        """ (5, 'sale.declined', 's', 'x', '{"code": "limit_day", "tries_left": null}'),"""
        """ (6, 'sale.ready', 's', 'x', '{"amount_msat": 3000}'),"""
        """ (7, 'sale.declined', 's', 'x', '{"code": "foreign_refused", "words": "no"}')""",
    )
    as_before(path, "015_attempts", told)
    with Engine.open(path, ManualClock()) as db:
        found = [(one.at, one.code, one.words) for one in attempts.of_sale(db, "x")]
        assert found == [(5, Code.LIMIT_DAY, ""), (7, Code.FOREIGN_REFUSED, "no")]
