# ruff: noqa: S608 - nothing here comes from outside
"""The books find what is wrong with top-ups and refunds, and name it."""

from __future__ import annotations

import pytest

from host.clock import MINUTE
from host.ledger import books, refunds, topups
from host.money import sats
from tests.host.ledger.test_books import tamper
from tests.support.books import Shop, made

HASH = bytes(range(32))
OPEN = bytes(range(1, 33))

BREAKS: dict[str, tuple[str, str]] = {
    "an invoice that calls itself paid": (
        "UPDATE topup_invoices SET state = 'paid', next_check_at = NULL, ended_at = 1"
        f" WHERE payment_hash = x'{OPEN.hex()}'",
        f"top-up {OPEN.hex()} is paid",
    ),
    "an invoice that calls itself open": (
        "UPDATE topup_invoices SET state = 'offered', next_check_at = 1, ended_at = NULL",
        f"top-up {HASH.hex()} is offered",
    ),
    "an invoice's amount": (
        f"UPDATE topup_invoices SET amount_msat = 1 WHERE payment_hash = x'{HASH.hex()}'",
        f"top-up {HASH.hex()} is paid with 1 msat",
    ),
    "an invoice that is gone": (
        "DELETE FROM topup_invoices",
        f"entry {HASH.hex()}.top-up is of a top-up that never was",
    ),
    "a refund's amount": (
        "UPDATE entries SET available_msat = 11000 WHERE kind = 'refund'",
        "but 11000 were given back",
    ),
    "a refund that the sale does not know": (
        "UPDATE sales SET data = '{{}}'",
        "msat were given back, it says otherwise",
    ),
    "a refund that only the sale knows": (
        "DELETE FROM entries WHERE kind = 'refund'",
        "says it was refunded, but nothing was given back",
    ),
    "a fee between all and nothing": (
        "UPDATE payouts SET fee_limit_msat = 3000 WHERE payout_id = '{payout}'",
        "payout {payout} is Pending",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_books_name_what_is_wrong_with(broken: Shop, what: str) -> None:
    card = broken.card()
    until = broken.clock.now() + MINUTE
    for payment_hash in (HASH, OPEN):
        topups.offer(broken.db, card.card_id, payment_hash, "lnbcrt1", sats(5), until)
    topups.settle(broken.db, HASH)
    sale_id = made(broken.pay(broken.card(), 1, sats(10))).sale_id
    assert sale_id is not None
    refunds.refund(broken.db, sale_id, sats(4), "cold")
    payout = made(broken.offer(card, 1, sats(10), max_fee_msat=2_000))
    assert books.check(broken.db).ok
    sql, words = (text.format(payout=payout.payout_id) for text in BREAKS[what])
    tamper(broken, lambda conn: conn.execute(sql))
    problems = books.check(broken.db).problems
    assert any(words in problem for problem in problems), problems
