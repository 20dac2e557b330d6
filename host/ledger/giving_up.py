"""A sale whose wallet is dead for good: a manager says that nobody will find out, and why.

Only a sale that is being checked, and only when its invoices have expired: until then somebody may
pay them. The invoices go on being watched, so money that is found after all is told as
`sale.paid_late`, as for every other sale that is over.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from host.clock import MINUTE
from host.ledger import audit, incoming, people, sales
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person
from host.ledger.records import Sale, SaleState
from host.ledger.stores import check_name
from host.store.tx import Place, Tx

GRACE_MS: Final = MINUTE
"""After an invoice's expiry, until a payment that was on its way has ended."""

_END: Final = """
    UPDATE sales SET state = 'cancelled', code = NULL, changed_at = :now, data = :data
    WHERE sale_id = :sale_id AND state = 'checking'
"""


def undecided(db: Place) -> list[Sale]:
    """The sales that are being checked, oldest first."""
    return [one for one in sales.unfinished(db) if one.state is SaleState.CHECKING]


def give_up(db: Place, sale_id: str, reason: str, person: Person | None = None) -> Sale:
    """Close a sale that is being checked, as not paid as far as anybody knows.

    Raises `NotFound`, `NotAllowed` without `sale.refund` in its store, and `LedgerError` when it
    is not being checked or may still be paid. `person` None is the machine's owner.
    """

    def close(tx: Tx) -> Sale:
        sale = sales.get(tx, sale_id)
        if sale is None:
            raise NotFound(f"sale_id: there is no sale {sale_id}")
        people.must(person, "sale.refund", sale.store_id)
        why = check_name(reason, "reason")
        if sale.state is not SaleState.CHECKING:
            raise LedgerError(f"sale: it is {sale.state}; only one being checked is given up")
        _must_have_expired(tx, sale)
        data = json.dumps({**sale.data, "given_up": why})
        tx.run(_END, {"sale_id": sale_id, "now": tx.now, "data": data})
        _tell(tx, sale, why, person)
        closed = sales.get(tx, sale_id)
        assert closed is not None  # noqa: S101 - it was there three statements ago
        return closed

    return db.transaction(close)


def _must_have_expired(tx: Tx, sale: Sale) -> None:
    until = [one.expires_at + GRACE_MS for one in incoming.offered(tx, sale.sale_id)]
    if until and tx.now < max(until):
        at = datetime.fromtimestamp(max(until) / 1_000, UTC)
        raise LedgerError(f"sale: its invoice may still be paid; wait until {at:%H:%M:%S} UTC")


def _tell(tx: Tx, sale: Sale, why: str, person: Person | None) -> None:
    who = person.person_id if person else None
    facts = {"amount_msat": sale.amount_msat, "reason": why}
    told = {**facts, "terminal_id": sale.terminal_id, "given_up": True}
    tx.event("sale.cancelled", store_id=sale.store_id, subject=sale.sale_id, data=told)
    audit.append(tx, who, "sale.give_up", sale.sale_id, facts)
