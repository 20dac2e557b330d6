"""The writes of a claim that passed every check, in the claim's own transaction.

This is the hot path: plain SQL, each statement the same text every time so that SQLite keeps it
prepared. What is written: the payout, its entries, the account, the card's counter, the totals
of the day, the event; at our own till also the settlement, the usage and the sale.
"""

from __future__ import annotations

import json
from typing import Any, Final

from host.ledger import entries, ids, tallies, windows
from host.ledger.codes import Code, Refused
from host.ledger.days import business_day
from host.ledger.fees import Fee
from host.ledger.records import EntryKind, Payout, PayoutStatus, Route
from host.ledger.requests import Claimed, ClaimRequest
from host.store.errors import StoreConflict, StoreError
from host.store.tx import Row, Tx

CURRENCY: Final = "BTC"
"""What a payout's amount is a number of (the guide's column)."""

_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode

_PAYOUT: Final = """
    INSERT INTO payouts (payout_id, pull_payment_id, store_id, amount, currency, status,
        created_at, completed_at, boltcard_id, boltcard_ntag, recipient_address, transaction_id,
        metadata, key_version, counter, day, route, sale_id, payment_hash, fee_msat,
        fee_held_msat, fee_limit_msat, checks, before_msat, before_count)
    VALUES (:payout_id, :pull_payment_id, :store_id, :amount, :currency, :status,
        :created_at, :completed_at, :boltcard_id, :boltcard_ntag, :recipient_address,
        :transaction_id, :metadata, :key_version, :counter, :day, :route, :sale_id,
        :payment_hash, 0, :fee_held_msat, :fee_limit_msat, 0, :before_msat, :before_count)
"""

_HOLD_AND_SETTLE: Final = """
    INSERT INTO entries (entry_id, at, pull_payment_id, payout_id, card_id, kind, available_msat,
        held_msat)
    VALUES (:payout_id || '.hold', :created_at, :pull_payment_id, :payout_id, :boltcard_id,
            'hold', -:amount, :amount),
        (:payout_id || '.end', :created_at, :pull_payment_id, :payout_id, :boltcard_id,
            'settle', 0, -:amount)
"""

_PAID: Final = """
    UPDATE pull_payments SET balance_msat = balance_msat - :amount, paid_msat = paid_msat + :amount
    WHERE pull_payment_id = :pull_payment_id
"""

_CARD: Final = """
    UPDATE cards SET last_counter = :counter, spent_msat = spent_msat + :amount,
        spent_count = spent_count + 1, newest_at = :newest_at
    WHERE card_id = :boltcard_id
"""

_APPROVE: Final = """
    UPDATE sales SET state = 'approved', code = NULL, payout_id = :payout_id,
        changed_at = :created_at, settled_at = :created_at, method = 'card'
    WHERE sale_id = :sale_id AND state IN ('ready', 'reading', 'declined')
"""


def spend(
    tx: Tx, request: ClaimRequest, card: Row, sale: Row | None, fee: Fee
) -> Claimed | Refused:
    """Make the payout. Refused only where the schema itself, the last line, says no."""
    row = _row(tx, request, card, fee)
    row |= windows.place(tx, request.tap.card_id, card, request.amount_msat)
    try:
        number = tx.insert(_PAYOUT, row)
    except StoreConflict as conflict:
        return _last_line(conflict)
    tx.run(_CARD, row)
    tx.run(tallies.ADD, row)
    if sale is None:
        entries.move(
            tx,
            row["pull_payment_id"],
            EntryKind.HOLD,
            available=-(request.amount_msat + fee.held_msat),
            held=request.amount_msat + fee.held_msat,
            payout_id=row["payout_id"],
            card_id=row["boltcard_id"],
        )
    else:
        _settle_here(tx, row)
    _tell(tx, request, row, sale)
    return Claimed(_payout(number, row))


def _row(tx: Tx, request: ClaimRequest, card: Row, fee: Fee) -> dict[str, Any]:
    tap, invoice, now = request.tap, request.invoice, tx.now
    facts: dict[str, Any] = {"source": request.source}
    if request.terminal_id is not None:
        facts["terminal_id"] = request.terminal_id
    if tap.gap:
        facts["gap"] = tap.gap
    return {
        "payout_id": ids.new(now),
        "pull_payment_id": card["pull_payment_id"],
        "store_id": card["store_id"],
        "amount": request.amount_msat,
        "currency": CURRENCY,
        "status": PayoutStatus.PENDING if invoice else PayoutStatus.COMPLETED,
        "created_at": now,
        "completed_at": None if invoice else now,
        "boltcard_id": tap.card_id,
        "boltcard_ntag": card["uid"],
        "recipient_address": invoice.bolt11 if invoice else None,
        "transaction_id": None if invoice else f"internal:{request.sale_id}",
        "metadata": _JSON(facts),
        "key_version": tap.key_version,
        "counter": tap.counter,
        "day": business_day(now, card["timezone"], card["cutoff_hour"]),
        "route": Route.LIGHTNING if invoice else Route.INTERNAL,
        "sale_id": request.sale_id,
        "payment_hash": invoice.payment_hash if invoice else None,
        "fee_held_msat": fee.held_msat,
        "fee_limit_msat": fee.limit_msat,
    }


def _settle_here(tx: Tx, row: dict[str, Any]) -> None:
    """Our own till: the money changes hands inside our books, in this very transaction."""
    tx.run(_HOLD_AND_SETTLE, row)
    tx.run(_PAID, row)
    tx.run(tallies.USED, row)
    if tx.run(_APPROVE, row) != 1:
        raise StoreError("the sale was closed under the write lock")  # everything is undone


def _tell(tx: Tx, request: ClaimRequest, row: dict[str, Any], sale: Row | None) -> None:
    facts: dict[str, Any] = {
        "amount_msat": request.amount_msat,
        "boltcard_id": row["boltcard_id"],
        "terminal_id": request.terminal_id,
        "gap": request.tap.gap,
    }
    kind = "payout.pending" if sale is None else "payout.completed"
    tx.event(kind, store_id=row["store_id"], subject=row["payout_id"], data=facts)
    if sale is not None:
        told = {
            "amount_msat": request.amount_msat,
            "terminal_id": sale["terminal_id"],
            "payout_id": row["payout_id"],
        }
        tx.event("sale.approved", store_id=row["store_id"], subject=request.sale_id, data=told)


def _last_line(conflict: StoreConflict) -> Refused:
    """The outcome that a constraint of the schema stands for; nothing was written."""
    words = str(conflict)
    if "payouts.counter" in words:
        return Refused(Code.SUN_REPLAYED)
    if "payouts.payment_hash" in words:
        return Refused(Code.INVOICE_USED)
    if "payouts.boltcard_id" in words:
        return Refused(Code.CARD_BUSY)
    raise conflict


_NOT_TOLD: Final = frozenset({"amount", "before_msat", "before_count", "newest_at"})


def _payout(number: int, row: dict[str, Any]) -> Payout:
    """The record of the row just written, without reading it again."""
    values = {name: value for name, value in row.items() if name not in _NOT_TOLD}
    return Payout(
        **values,
        id=number,
        amount_msat=row["amount"],
        error_message=None,
        preimage=None,
        fee_msat=0,
        processing_at=None,
        next_check_at=None,
        checks=0,
    )
