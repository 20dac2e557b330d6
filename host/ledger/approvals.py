"""Giving money back at a till: by whoever may, or by a cashier whom somebody who may stands beside.

The approval is a password or a PIN, proven and counted like a sign-in (`proof`), and it is for this
one refund: nobody is signed in by it. The audit trail names both people.
"""

from __future__ import annotations

from dataclasses import dataclass

from host.ledger import audit, people, refunds, sales
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person
from host.ledger.proof import Wrong, prove
from host.ledger.records import Sale
from host.store.tx import Place, Tx


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund that somebody asks for at a terminal."""

    sale_id: str
    amount_msat: int
    reason: str
    left_msat: int
    """What was left of the sale as the person saw it: a form that is sent twice gives once."""
    terminal_id: str
    by: Person


@dataclass(frozen=True, slots=True)
class Given:
    """A refund that was made: its entry in the books, and who answers for it."""

    sale: Sale
    entry_id: str
    amount_msat: int
    approved_by: Person


def refund(db: Place, asked: Asked, approver: Person | None = None) -> Given:
    """Give back what was asked for; `NotAllowed` unless the approver (or who asks) may.

    Raises `LedgerError` above what is left, for a sale that no card of ours paid, and when
    something was given back meanwhile.
    """
    by = approver or asked.by

    def give(tx: Tx) -> Given:
        before = sales.get(tx, asked.sale_id)
        if before is None:
            raise NotFound(f"sale_id: there is no sale {asked.sale_id}")
        people.must(by, "sale.refund", before.store_id)
        if left_msat(before) != asked.left_msat:
            raise LedgerError("amount: something of this sale was given back just now; look again")
        known = _entries(tx, before)
        sale = refunds.refund(tx, asked.sale_id, asked.amount_msat, asked.reason, by)
        (entry_id,) = _entries(tx, sale) - known
        facts = {
            "amount_msat": asked.amount_msat,
            "reason": asked.reason,
            "asked_by": asked.by.person_id,
            "approved_by": by.person_id,
            "terminal_id": asked.terminal_id,
            "entry_id": entry_id,
        }
        audit.append(tx, by.person_id, "sale.refund", asked.sale_id, facts)
        return Given(sale, entry_id, asked.amount_msat, by)

    return db.transaction(give)


def refund_with(db: Place, asked: Asked, name: str, kind: str, secret: str) -> Given | Wrong:
    """As `refund`, approved by the person of this name with a `password` or a `pin`.

    `Wrong` counts towards that person's lock-out; a name that nobody has takes as long.
    """
    approver = people.by_name(db, name)

    def give(tx: Tx) -> Given:
        # As they are now: somebody may have taken the role away meanwhile.
        now = people.by_name(tx, name)
        if now is None:
            raise NotFound(f"name: there is nobody called {name}")
        return refund(tx, asked, now)

    return prove(db, approver.person_id if approver else "", kind, secret, give)


def left_msat(sale: Sale) -> int:
    """What of a sale can still be given back."""
    return sale.amount_msat - refunds.refunded_msat(sale)


def _entries(tx: Tx, sale: Sale) -> set[str]:
    if sale.payout_id is None:
        return set()
    return {one.entry_id for one in refunds.of_payout(tx, sale.payout_id)}
