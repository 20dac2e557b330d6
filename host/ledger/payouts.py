"""The life of a payout: Pending → Processing → Completed | Failed; Pending → Cancelled.

Each step is guarded by the status it comes from, so of two that try, one does it; and it moves
the money, the usage and the totals of the day in its own transaction. Unknown is not failed: a
payout that nobody knows about stays Processing with its money held (THREATS 5, 32).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from host.clock import ANY_TIME, MINUTE, SECOND
from host.ledger import audit, btcpay, entries, tallies, windows
from host.ledger.records import (
    PAYOUT_COLUMNS,
    UNRESOLVED,
    EntryKind,
    Payout,
    PayoutStatus,
)
from host.store.tx import Place, Tx

LEASE_MS: Final = MINUTE
"""After `take`, how long a payout is left to whoever took it before `due` names it."""

FIRST_WAIT_MS: Final = SECOND
LONGEST_WAIT_MS: Final = 10 * MINUTE

_GET: Final = f"SELECT {PAYOUT_COLUMNS} FROM payouts WHERE payout_id = :payout_id"  # noqa: S608

_PENDING: Final = f"""
    SELECT {PAYOUT_COLUMNS} FROM payouts WHERE status = 'Pending' ORDER BY id LIMIT :limit
"""  # noqa: S608

_DUE: Final = f"""
    SELECT {PAYOUT_COLUMNS} FROM payouts
    WHERE status = 'Processing' AND next_check_at <= :until ORDER BY next_check_at LIMIT :limit
"""  # noqa: S608

_STEP: Final = """
    UPDATE payouts SET status = :status, completed_at = :completed_at,
        transaction_id = :transaction_id, error_message = :error_message, preimage = :preimage,
        fee_msat = :fee_msat, processing_at = :processing_at, next_check_at = :next_check_at,
        wallet = :wallet
    WHERE payout_id = :payout_id AND status = :was
"""

_POSTPONE: Final = """
    UPDATE payouts SET checks = checks + 1, error_message = :reason, next_check_at = :next_check_at
    WHERE payout_id = :payout_id AND status = 'Processing'
"""


def get(db: Place, payout_id: str) -> Payout | None:
    """The payout of this id."""
    row = db.one(_GET, {"payout_id": payout_id})
    return Payout.of(row) if row else None


def take(
    db: Place, limit: int = 10, *, wallet: str | None = None, look_first: bool = True
) -> list[Payout]:
    """Take pending payouts for paying, oldest first: Processing, durably, before the wallet is
    called. Nobody else gets them; the money stays held.

    `wallet` is the identity of the one that will be called; without one, the next that is in use
    makes them its own (`wallets.begin`). `look_first` leaves the write lock alone when nothing is
    pending, for those who ask often.
    """

    def begin(tx: Tx) -> list[Payout]:
        taken = []
        for row in tx.all(_PENDING, {"limit": limit}):
            payout = Payout.of(row)
            changes: dict[str, Any] = {
                "processing_at": tx.now,
                "next_check_at": tx.now + LEASE_MS,
                "wallet": wallet,
            }
            if _step(tx, payout, PayoutStatus.PROCESSING, changes):
                btcpay.begin(tx, payout)
                taken.append(replace(payout, status=PayoutStatus.PROCESSING, **changes))
        return taken

    return [] if look_first and not pending(db) else db.transaction(begin)


def pending(db: Place) -> bool:
    """Whether any payout waits for `take`; a read, for those who look often."""
    return db.one(_PENDING, {"limit": 1}) is not None


def due(db: Place, *, limit: int = 100, leased: bool = False) -> list[Payout]:
    """Processing payouts whose time to be looked up has come, the longest due first.

    `leased` gives all, also those that somebody took and may be paying right now: for the start,
    when whoever took them is gone, and when the clock was set back.
    """

    def look(tx: Tx) -> list[Payout]:
        until = ANY_TIME if leased else tx.now
        return [Payout.of(row) for row in tx.all(_DUE, {"until": until, "limit": limit})]

    return db.read(look)


def processing(db: Place, payout_ids: Iterable[str]) -> list[Payout]:
    """Those of these payouts that are still Processing, whatever their time to be looked up."""
    found = (get(db, payout_id) for payout_id in payout_ids)
    return [one for one in found if one and one.status is PayoutStatus.PROCESSING]


def settle(db: Place, payout_id: str, preimage: bytes, fee_msat: int = 0) -> bool:
    """Completed, proven by a preimage of the payment hash; True when this call did it.

    False, and nothing changes, when the preimage does not fit or the payout is not Processing. A
    fee above what was held is the shop's: the holder never pays more than was held.
    """
    if fee_msat < 0:
        raise ValueError("fee_msat: must not be negative")

    def complete(tx: Tx) -> bool:
        payout = _find(tx, payout_id)
        if payout is None or not _proves(preimage, payout):
            return False
        changes = {
            "completed_at": tx.now,
            "transaction_id": (payout.payment_hash or b"").hex(),
            "error_message": None,
            "preimage": preimage,
            "fee_msat": fee_msat,
            "next_check_at": None,
        }
        if not _step(tx, payout, PayoutStatus.COMPLETED, changes):
            return _paid_though_failed(tx, payout)
        back = payout.fee_held_msat - min(fee_msat, payout.fee_held_msat)
        _move(tx, payout, EntryKind.SETTLE, back)
        tallies.used(tx, payout)
        return True

    return db.transaction(complete)


def fail(db: Place, payout_id: str, reason: str) -> bool:
    """Failed, because the wallet is sure; the money is free again. True when this call did it."""
    return _give_up(db, payout_id, PayoutStatus.PROCESSING, PayoutStatus.FAILED, reason)


def cancel(db: Place, payout_id: str, reason: str) -> bool:
    """Give up a payout nobody has taken yet; the money is free. True when this call did it."""
    return _give_up(db, payout_id, PayoutStatus.PENDING, PayoutStatus.CANCELLED, reason)


def postpone(db: Place, payout_id: str, reason: str) -> bool:
    """Nobody knows: stays Processing, money held, to be looked up again after a growing pause."""

    def later(tx: Tx) -> bool:
        payout = _find(tx, payout_id)
        if payout is None or payout.status is not PayoutStatus.PROCESSING:
            return False
        wait = min(FIRST_WAIT_MS << min(payout.checks, 20), LONGEST_WAIT_MS)
        row = {"payout_id": payout_id, "reason": reason, "next_check_at": tx.now + wait}
        tx.run(_POSTPONE, row)
        if payout.checks == 0:
            _event(tx, payout, "payout.unknown", reason)
        return True

    return db.transaction(later)


def _give_up(db: Place, payout_id: str, was: PayoutStatus, to: PayoutStatus, reason: str) -> bool:
    def release(tx: Tx) -> bool:
        payout = _find(tx, payout_id)
        if payout is None or payout.status is not was:
            return False
        if not _step(tx, payout, to, {"error_message": reason, "next_check_at": None}):
            return False
        _move(tx, payout, EntryKind.RELEASE, payout.amount_msat + payout.fee_held_msat)
        windows.take_out(tx, payout)
        return True

    return db.transaction(release)


_FROM: Final = {
    PayoutStatus.PROCESSING: PayoutStatus.PENDING,
    PayoutStatus.COMPLETED: PayoutStatus.PROCESSING,
    PayoutStatus.FAILED: PayoutStatus.PROCESSING,
    PayoutStatus.CANCELLED: PayoutStatus.PENDING,
}


def _step(tx: Tx, payout: Payout, to: PayoutStatus, changes: dict[str, Any]) -> bool:
    """Change the status, if it still is the one this step comes from, with totals and event."""
    kept = (
        "payout_id",
        "completed_at",
        "transaction_id",
        "error_message",
        "preimage",
        "fee_msat",
        "processing_at",
        "next_check_at",
        "wallet",
    )
    row = {name: getattr(payout, name) for name in kept} | changes
    if tx.run(_STEP, row | {"status": to, "was": _FROM[to]}) != 1:
        return False
    tallies.move(tx, payout, to)
    _event(tx, payout, f"payout.{to.lower()}", changes.get("error_message"))
    return True


def _move(tx: Tx, payout: Payout, kind: EntryKind, back_msat: int) -> None:
    """End the hold: `back_msat` of it becomes free again, the rest has left."""
    entries.move(
        tx,
        payout.pull_payment_id,
        kind,
        available=back_msat,
        held=-(payout.amount_msat + payout.fee_held_msat),
        payout_id=payout.payout_id,
        card_id=payout.boltcard_id,
    )


def _proves(preimage: bytes, payout: Payout) -> bool:
    if payout.payment_hash is None or len(preimage) != 32:
        return False
    return hmac.compare_digest(hashlib.sha256(preimage).digest(), payout.payment_hash)


def _paid_though_failed(tx: Tx, payout: Payout) -> bool:
    """A wallet proves a payment that was given up: nobody may miss that. Always False."""
    if payout.status not in UNRESOLVED and payout.status is not PayoutStatus.COMPLETED:
        _event(tx, payout, "payout.conflict", "paid, though it had been given up")
        facts = {"amount_msat": payout.amount_msat, "reason": payout.error_message}
        audit.append(tx, None, "payout.conflict", payout.payout_id, facts)
    return False


def _event(tx: Tx, payout: Payout, kind: str, reason: str | None) -> None:
    facts: dict[str, Any] = {
        "amount_msat": payout.amount_msat,
        "boltcard_id": payout.boltcard_id,
    }
    if reason is not None:
        facts["reason"] = reason
    tx.event(kind, store_id=payout.store_id, subject=payout.payout_id, data=facts)


def _find(tx: Tx, payout_id: str) -> Payout | None:
    row = tx.one(_GET, {"payout_id": payout_id})
    return Payout.of(row) if row else None
