"""A payout whose wallet is gone for good, ended by a manager: with the proof, or with a reason.

Only one that is Processing. Settling needs the preimage, as ever. Releasing needs time: until a day
after its invoice expired somebody may well be paid yet, so it is refused until then. Whoever
releases says that the old wallet did not pay, and has nothing in flight, which a stuck route may
hold for two weeks; nobody can check that here, so it is audited by name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from host.bolt11 import Bolt11Error, decode
from host.clock import DAY
from host.ledger import audit, payouts, people
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person
from host.ledger.records import PAYOUT_COLUMNS, Payout, PayoutStatus
from host.ledger.stores import check_name
from host.money import sat_text
from host.store.tx import Place, Tx

GRACE_MS: Final = DAY
"""After its invoice's expiry, until a payment on its way has ended, if no route holds it."""

_UNDECIDED: Final = f"""
    SELECT {PAYOUT_COLUMNS} FROM payouts
    WHERE status = 'Processing' AND next_check_at >= 0 ORDER BY id
"""  # noqa: S608


def undecided(db: Place) -> list[Payout]:
    """The payouts that nobody knows about yet, oldest first."""
    return [Payout.of(row) for row in db.read(lambda tx: tx.all(_UNDECIDED))]


def settle(
    db: Place,
    payout_id: str,
    preimage: bytes,
    person: Person | None = None,
    *,
    fee_msat: int = 0,
) -> Payout:
    """It was paid, as the preimage proves; what the way cost is what the person says, or nothing.

    Raises `NotFound`, `NotAllowed` without `payout.resolve` in its store, and `LedgerError` when it
    is not Processing, the preimage does not hash, or the fee is above what the wallet was allowed.
    `person` None is the machine's owner.
    """

    def complete(tx: Tx) -> Payout:
        payout = _processing(tx, payout_id, person)
        if not 0 <= fee_msat <= (payout.fee_limit_msat or 0):
            most = sat_text(payout.fee_limit_msat or 0)
            raise LedgerError(f"fee: the wallet was allowed {most} sats at most")
        if not payouts.settle(tx, payout_id, preimage, fee_msat):
            raise LedgerError("preimage: it does not hash to the payment hash: no proof")
        return _told(tx, payout, "payout.settle", {"fee_msat": fee_msat}, person)

    return db.transaction(complete)


def release(db: Place, payout_id: str, reason: str, person: Person | None = None) -> Payout:
    """It was not paid, says whoever does this: the money is the account's again.

    Raises as `settle` does, and `LedgerError` while its invoice could still be paid.
    """

    def free(tx: Tx) -> Payout:
        payout = _processing(tx, payout_id, person)
        why = check_name(reason, "reason")
        _must_be_over(tx, payout)
        payouts.fail(tx, payout_id, f"Released by hand: {why}")
        return _told(tx, payout, "payout.release", {"reason": why}, person)

    return db.transaction(free)


def _processing(tx: Tx, payout_id: str, person: Person | None) -> Payout:
    payout = payouts.get(tx, payout_id)
    if payout is None:
        raise NotFound(f"payout_id: there is no payout {payout_id}")
    people.must(person, "payout.resolve", payout.store_id)
    if payout.status is not PayoutStatus.PROCESSING:
        raise LedgerError(
            f"payout: it is {payout.status}; only one that is Processing is undecided"
        )
    return payout


def _must_be_over(tx: Tx, payout: Payout) -> None:
    try:
        until = decode(payout.recipient_address or "").expires_at + GRACE_MS
    except Bolt11Error as error:  # cannot be: it was read when it was claimed
        raise LedgerError(f"payout: its invoice cannot be read: {error}") from error
    if tx.now < until:
        at = datetime.fromtimestamp(until / 1_000, UTC)
        raise LedgerError(f"payout: it may still be paid; wait until {at:%Y-%m-%d %H:%M} UTC")


def _told(
    tx: Tx, payout: Payout, action: str, facts: dict[str, Any], person: Person | None
) -> Payout:
    who = person.person_id if person else None
    told = {"amount_msat": payout.amount_msat, "wallet": payout.wallet, **facts}
    audit.append(tx, who, action, payout.payout_id, told)
    ended = payouts.get(tx, payout.payout_id)
    assert ended is not None  # noqa: S101 - it was there a moment ago
    return ended
