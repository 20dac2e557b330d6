"""The books find whatever is wrong with them, and name it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from host.ledger import audit, books, cards, payouts
from host.ledger.records import Payout
from host.money import sats
from host.store.driver import sqlite3
from host.store.sqlite import connect
from tests.support.books import Shop, made, preimage_of
from tests.support.ledger import fill

TEN = sats(10)


def business(here: Shop) -> dict[str, Payout]:
    """One payout of every kind."""
    found = {"till": made(here.pay(here.card(), 3, TEN))}
    for name in ("paid", "failed", "taken", "cancelled", "pending"):
        found[name] = made(here.offer(here.card(), 5, TEN, max_fee_msat=2_000))
        if name == "cancelled":
            payouts.cancel(here.db, found[name].payout_id, "expired")
        elif name != "pending":
            payouts.take(here.db, 1)
    payouts.settle(here.db, found["paid"].payout_id, preimage_of(found["paid"]), 700)
    payouts.fail(here.db, found["failed"].payout_id, "no route")
    return found


def test_the_books_of_every_kind_of_payout_are_clean(here: Shop) -> None:
    business(here)
    report = books.check(here.db)
    assert report.ok
    assert report.problems == []
    assert report.lines[0] == "1 account, 6 cards, 6 payouts"
    assert "held 24 sat" in " ".join(report.lines)


BREAKS: dict[str, tuple[str, str]] = {
    "a balance": (
        "UPDATE pull_payments SET balance_msat = balance_msat + 1",
        "account {account}: free",
    ),
    "what is held": ("UPDATE pull_payments SET held_msat = held_msat + 1", "{account}: held"),
    "what was paid": ("UPDATE pull_payments SET paid_msat = paid_msat + 1", "{account}: paid"),
    "an entry's amount": (
        "UPDATE entries SET available_msat = -9 WHERE entry_id = '{till}.hold'",
        "payout {till} is Completed, but its entries are hold (-9, 10000)",
    ),
    "an entry's account": (
        "UPDATE entries SET pull_payment_id = 'gone' WHERE entry_id = '{till}.end'",
        "payout {till}",
    ),
    "a hold that is missing": (
        "DELETE FROM entries WHERE entry_id = '{pending}.hold'",
        "payout {pending} is Pending, but its entries are no hold",
    ),
    "an end that is missing": (
        "DELETE FROM entries WHERE entry_id = '{paid}.end'",
        "payout {paid} is Completed",
    ),
    "an end too many": (
        "INSERT INTO entries SELECT replace(entry_id, '{failed}', '{taken}'), at,"
        " pull_payment_id, '{taken}', card_id, kind, available_msat, held_msat, reason, person_id"
        " FROM entries WHERE entry_id = '{failed}.end'",
        "payout {taken} is Processing",
    ),
    "a status": (
        "UPDATE payouts SET status = 'Failed', next_check_at = NULL WHERE payout_id = '{taken}'",
        "payout {taken} is Failed",
    ),
    "a fee": (
        "UPDATE payouts SET fee_msat = 701 WHERE payout_id = '{paid}'",
        "payout {paid} is Completed",
    ),
    "an amount": (
        "UPDATE payouts SET amount = 11000 WHERE payout_id = '{till}'",
        "payout {till} is Completed",
    ),
    "a preimage": (
        "UPDATE payouts SET preimage = zeroblob(32) WHERE payout_id = '{paid}'",
        "payout {paid}: the preimage does not fit",
    ),
    "a usage's count": (
        "UPDATE boltcard_usage SET total_payouts = 2 WHERE boltcard_id = '{till_card}'",
        "usage of card {till_card}: 2 payouts of 10000 msat, its payouts say 1 of 10000",
    ),
    "a usage's amount": (
        "UPDATE boltcard_usage SET total_amount = 1 WHERE boltcard_id = '{till_card}'",
        "usage of card {till_card}",
    ),
    "a usage's first use": (
        "UPDATE boltcard_usage SET first_used = 1 WHERE boltcard_id = '{till_card}'",
        "usage of card {till_card}: first or last use",
    ),
    "a usage's alias": (
        "UPDATE boltcard_usage SET alias = 'x' WHERE boltcard_id = '{till_card}'",
        "usage of card {till_card}: alias or store",
    ),
    "a usage that is missing": (
        "DELETE FROM boltcard_usage WHERE boltcard_id = '{till_card}'",
        "usage of card {till_card}: 0 payouts",
    ),
    "a usage of what never was": (
        "INSERT INTO boltcard_usage SELECT card_id, alias, 1, 1000, 1, 1, store_id FROM cards"
        " WHERE card_id = '{pending_card}'",
        "usage of card {pending_card}: 1 payouts of 1000 msat, its payouts say 0 of 0",
    ),
    "a day's count": (
        "UPDATE daily_totals SET payouts = payouts + 1 WHERE boltcard_id = '{till_card}'",
        "{till_card} Completed: 2 payouts of 10000 msat, the payouts say 1 payouts of 10000 msat",
    ),
    "a day's amount": (
        "UPDATE daily_totals SET amount = amount + 1 WHERE boltcard_id = '{till_card}'",
        "daily total shop {day} {till_card} Completed",
    ),
    "a day that is missing": (
        "DELETE FROM daily_totals WHERE boltcard_id = '{till_card}'",
        "{till_card} Completed: none, the payouts say 1",
    ),
    "a day that never was": (
        "INSERT INTO daily_totals VALUES ('shop', '1999-12-31', '{till_card}', 'Failed', 1, 1000)",
        "daily total shop 1999-12-31 {till_card} Failed: 1 payouts of 1000 msat, the payouts say n",
    ),
    "what a card spent": (
        "UPDATE cards SET spent_msat = spent_msat + 1 WHERE card_id = '{till_card}'",
        "card {till_card}: spent 10001 msat in 1, its payouts say 10000 in 1",
    ),
    "how often a card spent": (
        "UPDATE cards SET spent_count = 9 WHERE card_id = '{till_card}'",
        "card {till_card}: spent 10000 msat in 9",
    ),
    "what was spent before": (
        "UPDATE payouts SET before_msat = 5 WHERE payout_id = '{till}'",
        "card {till_card}: before its payout",
    ),
    "the newest payout's time": (
        "UPDATE cards SET newest_at = 0 WHERE card_id = '{till_card}'",
        "card {till_card}: newest payout",
    ),
    "a card's counter": (
        "UPDATE cards SET last_counter = 2 WHERE card_id = '{till_card}'",
        "card {till_card}: last counter 2, but counter 3 was spent",
    ),
    "a sale's state": (
        "UPDATE sales SET state = 'cancelled' WHERE payout_id = '{till}'",
        "is cancelled and payout {till} differs",
    ),
    "a sale's payout": (
        "UPDATE sales SET payout_id = '{paid}' WHERE payout_id = '{till}'",
        "differs",
    ),
    "an audit row": ("UPDATE audit SET action = 'nothing' WHERE audit_id = 2", "audit: row 2 was"),
    "an audit row's time": ("UPDATE audit SET at = 1 WHERE audit_id = 2", "audit: row 2 was"),
    "an audit row that is missing": (
        "DELETE FROM audit WHERE audit_id = 2",
        "audit: rows 2 to 2 are missing",
    ),
    "a row that is named": (
        "DELETE FROM cards WHERE card_id = '{till_card}'",
        "names a row of cards that is not there",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_books_name_what_is_wrong_with(broken: Shop, what: str) -> None:
    found = business(broken)
    names = {name: payout.payout_id for name, payout in found.items()}
    names |= {f"{name}_card": payout.boltcard_id for name, payout in found.items()}
    names |= {"account": broken.account.pull_payment_id, "day": found["till"].day}
    sql, words = (text.format(**names) for text in BREAKS[what])
    assert books.check(broken.db).ok
    tamper(broken, lambda conn: conn.execute(sql))
    report = books.check(broken.db)
    assert not report.ok
    assert any(words in problem for problem in report.problems), report.problems


def tamper(here: Shop, act: Callable[[sqlite3.Connection], object]) -> None:
    """Change what nothing here would ever change, as somebody with the file could."""
    conn = connect(here.db.path, "rw")
    try:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in conn.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        act(conn)
    finally:
        conn.close()


def test_a_thousand_problems_are_told_in_a_hundred_lines(broken: Shop) -> None:
    fill(broken.db, 10, 300)
    assert books.check(broken.db).ok
    tamper(broken, lambda conn: conn.execute("UPDATE payouts SET amount = amount + 1000"))
    assert len(books.check(broken.db).problems) == books.MAX_PROBLEMS


def test_a_filled_ledger_has_clean_books_and_goes_on(here: Shop) -> None:
    filled = fill(here.db, 7, 100)
    assert here.count("payouts") == 100
    card = cards.get(here.db, filled.card_id(3))
    assert card is not None
    assert card.last_counter == filled.paid(3)
    assert books.check(here.db).ok


def test_the_audit_trail_is_a_chain(here: Shop) -> None:
    count, head = audit.head(here.db)
    here.db.transaction(lambda tx: audit.append(tx, "p", "till.open", "t", {"b": 1, "a": "ä"}))
    newest = audit.recent(here.db, limit=1)[0]
    assert (newest.person_id, newest.action, newest.subject) == ("p", "till.open", "t")
    assert newest.data == {"a": "ä", "b": 1}
    assert audit.head(here.db) == (count + 1, newest.hash.hex())
    assert head != newest.hash.hex()
    assert audit.verify(here.db) == []
    assert len(audit.recent(here.db, before=newest.audit_id)) == count
