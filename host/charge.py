"""One sale from the command line: arm it, tell what happens, and answer when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from host.clock import SECOND, Clock, SystemClock
from host.health import Board
from host.ledger import payouts, refunds, sales
from host.ledger.codes import Code, Refused
from host.ledger.records import Payout, Sale, SaleState
from host.money import btc_text, sat_text
from host.store.engine import Engine
from host.till import Terminal, arm

CLOSED = frozenset({SaleState.APPROVED, SaleState.CANCELLED})
_CODES = {
    SaleState.CANCELLED: Code.SALE_CLOSED,
    SaleState.AUTHORISING: Code.LIGHTNING_UNKNOWN,  # it may still be paid: no second charge
    SaleState.CHECKING: Code.LIGHTNING_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Charged:
    """How a sale ended: the sale and its payout, or why it could not start."""

    sale: Sale | None
    payout: Payout | None = None
    code: Code | None = None
    detail: str = ""
    """What the status dot that is down says."""

    @property
    def approved(self) -> bool:
        return self.sale is not None and self.sale.state is SaleState.APPROVED

    @property
    def words(self) -> str:
        if self.approved and self.sale:
            return f"approved: {sat_text(self.sale.amount_msat)} sat"
        code = self.code or Code.SALE_CLOSED
        do = f"{self.detail[:1].upper()}{self.detail[1:]}." if self.detail else code.words.do
        return f"{code.words.says}. {do} ({code.value})"


def charge_once(
    db: Engine,
    store_id: str,
    terminal_id: str,
    amount_msat: int,
    timeout_ms: int,
    tell: Callable[[str], object],
) -> Charged:
    """Charge once and wait; Ctrl-C, or the time being over, cancels a sale that is still open."""
    clock = SystemClock()
    terminal = Terminal(terminal_id, store_id)
    sale = arm(db, Board(db, clock), terminal, amount_msat, timeout_ms=timeout_ms)
    if isinstance(sale, Refused):
        return Charged(None, code=sale.code, detail=str(sale.detail.get("detail", "")))
    tell(f"ready: {sat_text(amount_msat)} sat, lay the card on the reader")
    try:
        _follow(db, sale, clock, tell)
    except KeyboardInterrupt:
        sales.cancel(db, sale.sale_id)
    return result_of(db, sale.sale_id)


def result_of(db: Engine, sale_id: str) -> Charged:
    """How a sale stands now."""
    sale = sales.get(db, sale_id)
    if sale is None:
        return Charged(None, code=Code.SALE_UNKNOWN)
    payout = payouts.get(db, sale.payout_id) if sale.payout_id else None
    return Charged(sale, payout, sale.code or _CODES.get(sale.state))


def _follow(db: Engine, sale: Sale, clock: Clock, tell: Callable[[str], object]) -> None:
    """Tell every change of a sale until it is closed, or a daemon should have closed it."""
    state, until = sale.state, sale.expires_at + SECOND
    while clock.now() < until:
        seen = db.events.last_id()
        now = sales.get(db, sale.sale_id)
        if now is None or now.state in CLOSED:
            return
        if now.state is not state:
            state = now.state
            words = f"{now.code.words.says}. {now.code.words.do}" if now.code else ""
            tell(f"{state.value}: {words}" if words else state.value)
        db.events.wait(seen, 500)
    sales.expire_due(db)


def describe(result: Charged) -> dict[str, Any]:
    """A result as JSON: amounts in msat, and BTC text where a person reads them."""
    return {
        "approved": result.approved,
        "code": result.code.value if result.code else None,
        "detail": result.detail or None,
        "sale": describe_sale(result.sale) if result.sale else None,
        "payout": describe_payout(result.payout) if result.payout else None,
    }


def describe_sale(sale: Sale) -> dict[str, Any]:
    """A sale as JSON."""
    return {
        "saleId": sale.sale_id,
        "storeId": sale.store_id,
        "terminalId": sale.terminal_id,
        "amountMsat": sale.amount_msat,
        "state": sale.state.value,
        "code": sale.code.value if sale.code else None,
        "refundedMsat": refunds.refunded_msat(sale),
        "createdAt": sale.created_at,
        "changedAt": sale.changed_at,
    }


def describe_payout(payout: Payout) -> dict[str, Any]:
    """A payout as JSON, with the field names of the dashboard's guide."""
    return {
        "payoutId": payout.payout_id,
        "pullPaymentId": payout.pull_payment_id,
        "storeId": payout.store_id,
        "amount": btc_text(payout.amount_msat),
        "amountMsat": payout.amount_msat,
        "currency": payout.currency,
        "status": payout.status.value,
        "createdAt": payout.created_at,
        "completedAt": payout.completed_at,
        "boltcardId": payout.boltcard_id,
        "boltcardNtag": payout.boltcard_ntag,
        "counter": payout.counter,
        "transactionId": payout.transaction_id,
    }
