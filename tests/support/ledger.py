# ruff: noqa: S608 - nothing here comes from outside
"""A ledger as it is after years of business, made in seconds, with clean books."""

from __future__ import annotations

from dataclasses import dataclass

from host.clock import DAY
from host.ledger import stores
from host.ledger.taps import VerifiedTap
from host.ntag424.values import Uid
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.sqlite import connect

STORE, TERMINAL = "filled", "filled-till"
BATCH = 100_000
FUNDS_MSAT = 10**12


@dataclass(frozen=True, slots=True)
class Filled:
    """What is in the ledger: card `n` of 1 to `cards` has paid `paid(n)` times."""

    cards: int
    payouts: int

    def card_id(self, number: int) -> str:
        return f"{number:032x}"

    def paid(self, number: int) -> int:
        return (self.payouts - number) // self.cards + 1 if number <= self.payouts else 0

    def tap(self, number: int, later: int = 1) -> VerifiedTap:
        """A tap of a card that comes after all its payouts."""
        uid = Uid.parse(f"04{number:010x}80")
        return VerifiedTap(self.card_id(number), uid, self.paid(number) + later, 1)


def fill(db: Engine, cards: int, payouts: int, *, days: int = 365) -> Filled:
    """Fill a ledger with a store of its own: own-till payments, in turn by every card, over `days`.

    The card's number gives the amount of all its payments, so every sum has a closed form and the
    rows are made by SQLite itself.
    """
    now = db.clock.now()
    stores.create(db, "Filled", store_id=STORE)
    stores.ensure_terminal(db, TERMINAL, STORE)
    span = {
        "now": now,
        "start": now - days * DAY,
        "step": max(1, (days * DAY) // max(1, payouts)),
        "cards": cards,
        "payouts": payouts,
        "store": STORE,
        "terminal": TERMINAL,
        "funds": FUNDS_MSAT,
    }
    conn = connect(db.path, "rw")
    try:
        # Rows that name each other come in one after the other; `books` looks at them all later.
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute("PRAGMA cache_size = -600000")
        _write(conn, _CARDS, span)
        for first in range(1, payouts + 1, BATCH):
            last = min(first + BATCH - 1, payouts)
            _write(conn, _PAYOUTS, span | {"first": first, "last": last})
        _write(conn, _SUMS, span)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        conn.close()
    return Filled(cards, payouts)


def _write(conn: sqlite3.Connection, statements: tuple[str, ...], span: dict[str, object]) -> None:
    conn.execute("BEGIN IMMEDIATE")
    for sql in statements:
        conn.execute(sql, span)
    conn.execute("COMMIT")


def _numbers(first: str, last: str) -> str:
    return (
        f"WITH RECURSIVE one (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM one"
        f" WHERE n < {last}) "
    )


_AMOUNT = "(1000 * (1 + card % 50))"

_CARDS = (
    # One account a card; what it was given is one entry.
    _numbers("1", ":cards")
    + """
    INSERT INTO pull_payments (pull_payment_id, store_id, name, state, limit_msat, starts_at,
        ends_at, balance_msat, held_msat, paid_msat, created_at)
    SELECT printf('a%d', n), :store, printf('Account %d', n), 'running', NULL, NULL, NULL,
        :funds, 0, 0, :start FROM one
    """,
    _numbers("1", ":cards")
    + """
    INSERT INTO entries (entry_id, at, pull_payment_id, kind, available_msat, held_msat, reason)
    SELECT printf('f%d', n), :start, printf('a%d', n), 'fund', :funds, 0, 'filled' FROM one
    """,
    _numbers("1", ":cards")
    + """
    INSERT INTO cards (card_id, store_id, pull_payment_id, uid, alias, issuer_id, key_version,
        key_scheme, last_counter, state, limit_tap_msat, limit_day_msat, limit_month_msat,
        limit_count, pin_tries, created_at)
    SELECT printf('%032x', n), :store, printf('a%d', n), printf('04%010x80', n),
        printf('Card %d', n), 'issuer', 1, 'boltcard', 0, 'active', 1000000000, 100000000000,
        1000000000000, 1000000, 0, :start FROM one
    """,
)

_ROWS = (
    _numbers(":first", ":last")
    + """
    , made AS (SELECT n, (n - 1) % :cards + 1 AS card, (n - 1) / :cards + 1 AS counter,
        :start + n * :step AS at FROM one)
    """
)

_PAYOUTS = (
    _ROWS
    + f"""
    INSERT INTO sales (sale_id, store_id, terminal_id, amount_msat, currency, state, created_at,
        changed_at, expires_at, payout_id, data)
    SELECT printf('%011x%010x', at, n), :store, :terminal, {_AMOUNT}, 'SATS', 'approved', at,
        at, at + 120000, printf('%011x%010x', at, n), '{{}}' FROM made
    """,
    _ROWS
    + f"""
    INSERT INTO payouts (id, payout_id, pull_payment_id, store_id, amount, currency, status,
        created_at, completed_at, boltcard_id, boltcard_ntag, transaction_id, metadata,
        key_version, counter, day, route, sale_id, fee_msat, fee_held_msat, checks, before_msat,
        before_count)
    SELECT n, printf('%011x%010x', at, n), printf('a%d', card), :store, {_AMOUNT}, 'BTC',
        'Completed', at, at, printf('%032x', card), printf('04%010x80', card),
        printf('internal:%011x%010x', at, n), '{{"source":"till"}}', 1, counter,
        date(at / 1000, 'unixepoch'), 'internal', printf('%011x%010x', at, n), 0, 0, 0,
        (counter - 1) * {_AMOUNT}, counter - 1 FROM made
    """,
    _ROWS
    + f"""
    INSERT INTO entries (entry_id, at, pull_payment_id, payout_id, card_id, kind, available_msat,
        held_msat)
    SELECT printf('%011x%010x.', at, n) || step, at, printf('a%d', card),
        printf('%011x%010x', at, n), printf('%032x', card), kind,
        CASE kind WHEN 'hold' THEN -{_AMOUNT} ELSE 0 END,
        CASE kind WHEN 'hold' THEN {_AMOUNT} ELSE -{_AMOUNT} END
    FROM made, (SELECT 'end' AS step, 'settle' AS kind UNION ALL SELECT 'hold', 'hold')
    """,
)

_SUMS = (
    """
    INSERT INTO boltcard_usage
    SELECT p.boltcard_id, c.alias, count(*), sum(p.amount), min(p.created_at),
        max(p.created_at), p.store_id
    FROM payouts p JOIN cards c ON c.card_id = p.boltcard_id
    WHERE p.store_id = :store GROUP BY p.boltcard_id
    """,
    """
    INSERT INTO daily_totals
    SELECT store_id, day, boltcard_id, status, count(*), sum(amount)
    FROM payouts WHERE store_id = :store GROUP BY store_id, day, boltcard_id, status
    """,
    """
    UPDATE cards SET (last_counter, spent_count, spent_msat, newest_at) =
        (SELECT total_payouts, total_payouts, total_amount, last_used FROM boltcard_usage
            WHERE boltcard_id = card_id)
    WHERE store_id = :store AND card_id IN (SELECT boltcard_id FROM boltcard_usage)
    """,
    """
    UPDATE pull_payments SET (balance_msat, paid_msat) =
        (SELECT :funds - spent_msat, spent_msat FROM cards c
            WHERE c.pull_payment_id = pull_payments.pull_payment_id)
    WHERE store_id = :store
    """,
)
