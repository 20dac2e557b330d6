"""Giving back what a card of ours paid for a sale: to that card's account, never above the sale.

A refund is a movement of its own, tied to the payment it gives back; nothing of the payment
itself changes, and what a card spent in the windows of its limits stays spent.
"""

from __future__ import annotations

import json
from typing import Final

from host.ledger import people, pull_payments, sales
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person
from host.ledger.records import (
    ENTRY_COLUMNS,
    Entry,
    EntryKind,
    PayoutStatus,
    PullPayment,
    Sale,
    SaleState,
)
from host.money import MSAT_PER_SAT, check_amount, sat_text
from host.store.tx import Place, Tx

REFUNDED: Final = "refunded_msat"
"""What of a sale was given back in all, in the sale's own data."""

_PAYOUT: Final = """
    SELECT pull_payment_id, boltcard_id, amount, status, sale_id FROM payouts
    WHERE payout_id = :id
"""


def refund(
    db: Place, sale_id: str, amount_msat: int, reason: str, person: Person | None = None
) -> Sale:
    """Give back a sale or a part of it; the sale says how much in all.

    `NotAllowed` without `sale.refund` in the sale's store; `person` None is the machine's owner at
    the command line. Raises `LedgerError` above what is left, and for a sale that no card of ours
    paid: its issuer has the card's account.
    """

    def of_sale(tx: Tx) -> Sale:
        sale = sales.get(tx, sale_id)
        if sale is None:
            raise NotFound(f"sale_id: there is no sale {sale_id}")
        people.must(person, "sale.refund", sale.store_id)
        if sale.state is not SaleState.APPROVED:
            raise LedgerError("sale_id: only a sale that was paid can be refunded")
        if sale.payout_id is None:
            raise LedgerError("sale_id: another issuer's card paid it; refund it another way")
        if amount_msat % MSAT_PER_SAT:
            raise LedgerError("amount: whole satoshi only")
        who = person.person_id if person else None
        give_back(tx, sale.payout_id, amount_msat, reason, who)
        return _need(tx, sale_id)

    return db.transaction(of_sale)


def give_back(
    db: Place, payout_id: str, amount_msat: int, reason: str, person_id: str | None = None
) -> PullPayment:
    """Give back a completed payment or a part of it; whoever calls has asked who may."""
    check_amount(amount_msat)

    def book(tx: Tx) -> PullPayment:
        payout = tx.one(_PAYOUT, {"id": payout_id})
        if payout is None:
            raise NotFound(f"payout_id: there is no payout {payout_id}")
        if payout["status"] != PayoutStatus.COMPLETED:
            raise LedgerError("payout_id: only a completed payment can be refunded")
        in_all = sum(one.available_msat for one in of_payout(tx, payout_id)) + amount_msat
        if in_all > payout["amount"]:
            left = payout["amount"] - (in_all - amount_msat)
            raise LedgerError(f"amount: more than was paid; {sat_text(left)} sats are left of it")
        account = pull_payments.by_hand(
            tx,
            payout["pull_payment_id"],
            EntryKind.REFUND,
            amount_msat,
            reason,
            person_id,
            payout_id=payout_id,
            card_id=payout["boltcard_id"],
        )
        if payout["sale_id"] is not None:
            _note(tx, _need(tx, payout["sale_id"]), payout_id, amount_msat, in_all)
        return account

    return db.transaction(book)


def of_payout(db: Place, payout_id: str) -> list[Entry]:
    """What was given back of a payment, oldest first."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {ENTRY_COLUMNS} FROM entries WHERE payout_id = :id AND kind = 'refund'"  # noqa: S608
            " AND kind NOT IN ('hold', 'release', 'settle') ORDER BY at, entry_id",
            {"id": payout_id},
        )
    )
    return [Entry.of(row) for row in rows]


def refunded_msat(sale: Sale) -> int:
    """What of a sale was given back."""
    return int(sale.data.get(REFUNDED, 0))


def _note(tx: Tx, sale: Sale, payout_id: str, amount_msat: int, in_all: int) -> None:
    data = json.dumps({**sale.data, REFUNDED: in_all})
    tx.run("UPDATE sales SET data = :data WHERE sale_id = :id", {"data": data, "id": sale.sale_id})
    facts = {
        "amount_msat": amount_msat,
        REFUNDED: in_all,
        "payout_id": payout_id,
        "terminal_id": sale.terminal_id,
    }
    tx.event("sale.refunded", store_id=sale.store_id, subject=sale.sale_id, data=facts)


def _need(tx: Tx, sale_id: str) -> Sale:
    sale = sales.get(tx, sale_id)
    assert sale is not None  # noqa: S101 - a payout names it, or it was read just now
    return sale
