"""Every movement of money: a row that stays, and the account's balance with it.

balance + held + paid of an account is the sum of what ever came in; a movement changes both the
row and the account in one transaction, and nothing else ever changes an account. A payout has
one `.hold` and one `.end`; the primary key sees to it that neither happens twice.
"""

from __future__ import annotations

from typing import Final

from host.ledger import ids
from host.ledger.records import EntryKind
from host.store.tx import Tx

INSERT: Final = """
    INSERT INTO entries (entry_id, at, pull_payment_id, payout_id, card_id, kind, available_msat,
        held_msat, reason, person_id)
    VALUES (:entry_id, :at, :pull_payment_id, :payout_id, :card_id, :kind, :available, :held,
        :reason, :person_id)
"""

MOVE: Final = """
    UPDATE pull_payments SET balance_msat = balance_msat + :available,
        held_msat = held_msat + :held, paid_msat = paid_msat + :paid
    WHERE pull_payment_id = :pull_payment_id
"""


def move(
    tx: Tx,
    pull_payment_id: str,
    kind: EntryKind,
    *,
    available: int = 0,
    held: int = 0,
    payout_id: str | None = None,
    card_id: str | None = None,
    reason: str | None = None,
    person_id: str | None = None,
    entry_id: str | None = None,
) -> None:
    """Write one movement in msat; what leaves an account by a settlement becomes its `paid`.

    `entry_id` names a movement after what it must happen once for; a payout's are named here.
    """
    if kind is EntryKind.HOLD:
        entry_id = f"{payout_id}.hold"
    elif kind in (EntryKind.SETTLE, EntryKind.RELEASE):
        entry_id = f"{payout_id}.end"
    elif entry_id is None:
        entry_id = ids.new(tx.now)
    row = {
        "entry_id": entry_id,
        "at": tx.now,
        "pull_payment_id": pull_payment_id,
        "payout_id": payout_id,
        "card_id": card_id,
        "kind": kind,
        "available": available,
        "held": held,
        "paid": -available - held if kind is EntryKind.SETTLE else 0,
        "reason": reason,
        "person_id": person_id,
    }
    tx.run(INSERT, row)
    tx.run(MOVE, row)
