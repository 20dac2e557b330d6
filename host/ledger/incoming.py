"""Invoices of ours that somebody pays for a sale: handed over, paid, paid too late, over.

They are handed to the issuer of a card that is not ours, or shown on the till's screen (`screen`).

A sale that a card of another issuer pays is paid when our own invoice is paid, never because
somebody said so (LUD-03). One invoice serves every card that is tried for a sale, and an invoice is
paid once: so two issuers never both pay one sale. The row is durable before the invoice leaves;
from then on it is watched until it is paid or has expired for sure, and a while beyond.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from host.clock import ANY_TIME, MINUTE, SECOND
from host.ledger import sales
from host.ledger.attempts import NOBODY, Laid
from host.ledger.codes import Code
from host.ledger.looks import InvoiceState, next_look, seldom
from host.ledger.records import Sale, SaleMethod, SaleState, typed
from host.store.tx import Place, Row, Tx

CHECK_MS: Final = (SECOND, SECOND, 2 * SECOND, 3 * SECOND, 5 * SECOND)
"""After how long an invoice that was handed over is looked at again; the last one repeats."""

ANOTHER_CARD_MS: Final = MINUTE
"""How long a sale waits for another card after a refusal that took its time."""


FRESH: Final[Mapping[str, Any]] = {"tries_left": None, "words": ""}
"""What a refusal says of itself alone: nothing of an earlier one stays on the screen."""


class Handed(StrEnum):
    """Who was handed an invoice last."""

    ISSUER = "issuer"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class SaleInvoice:
    """An invoice that was handed out for a sale."""

    payment_hash: bytes
    sale_id: str
    bolt11: str
    amount_msat: int
    host: str
    """Whose card it was handed to last; empty where it was only shown."""
    state: InvoiceState
    offered_at: int
    expires_at: int
    ended_at: int | None
    seen_at: int | None
    """When somebody was told that it was paid late."""
    checks: int
    next_check_at: int | None
    source: Handed

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {5: InvoiceState, len(row) - 1: Handed}))


_MAY_OFFER: Final = {
    Handed.ISSUER: (SaleState.AUTHORISING,),
    Handed.SCREEN: (SaleState.READY, SaleState.DECLINED),
}
_METHOD: Final = {Handed.ISSUER: SaleMethod.FOREIGN, Handed.SCREEN: SaleMethod.INVOICE}

_COLUMNS: Final = ", ".join(f"i.{one.name}" for one in fields(SaleInvoice))

_OFFER: Final = """
    INSERT INTO sale_invoices (payment_hash, sale_id, bolt11, amount_msat, host, state, offered_at,
        expires_at, checks, next_check_at, source)
    VALUES (:payment_hash, :sale_id, :bolt11, :amount_msat, :host, 'offered', :now, :expires_at, 0,
        :next, :source)
    ON CONFLICT (payment_hash) DO UPDATE SET host = excluded.host, source = excluded.source,
        checks = 0, next_check_at = excluded.next_check_at WHERE state = 'offered'
"""

_END: Final = """
    UPDATE sale_invoices SET state = :state, ended_at = :now, checks = 0, next_check_at = :next
    WHERE payment_hash = :payment_hash
"""

_APPROVE: Final = """
    UPDATE sales SET state = 'approved', code = NULL, changed_at = :now, data = :data,
        settled_at = :now, method = :method
    WHERE sale_id = :sale_id
"""


def offer(
    db: Place,
    sale: Sale,
    payment_hash: bytes,
    bolt11: str,
    expires_at: int,
    host: str = "",
) -> bool:
    """Note that an invoice is about to be handed over; False when it must not be.

    Only a sale that is being authorised is paid by an issuer, `host`; without one the invoice goes
    to the screen of a sale that waits. Only an invoice of the sale's own that may still be paid.
    """
    source = Handed.ISSUER if host else Handed.SCREEN

    def note(tx: Tx) -> bool:
        now = sales.get(tx, sale.sale_id)
        known = _get(tx, payment_hash)
        if now is None or now.state not in _MAY_OFFER[source]:
            return False
        if known is not None and known.sale_id != sale.sale_id:
            return False
        row = {
            "payment_hash": payment_hash,
            "sale_id": sale.sale_id,
            "bolt11": bolt11,
            "amount_msat": sale.amount_msat,
            "host": host,
            "now": tx.now,
            "expires_at": expires_at,
            "next": next_look(tx.now, InvoiceState.OFFERED, 0, CHECK_MS),
            "source": source,
        }
        return tx.run(_OFFER, row) == 1

    return db.transaction(note)


def offered(db: Place, sale_id: str) -> list[SaleInvoice]:
    """The invoices of a sale that somebody may still pay, the one that lives longest first."""
    return _all(
        db, "i.sale_id = :id AND i.state = 'offered' ORDER BY i.expires_at DESC", id=sale_id
    )


def paid(db: Place, sale_id: str) -> SaleInvoice | None:
    """The invoice by which a sale was paid; None when a card of ours paid it, or nobody yet."""
    found = _all(db, "i.sale_id = :id AND i.state = 'paid'", id=sale_id)
    return found[0] if found else None


def every(db: Place, sale_id: str) -> list[SaleInvoice]:
    """All invoices that were handed out for a sale, in the order they were."""
    return _all(db, "i.sale_id = :id ORDER BY i.offered_at, i.payment_hash", id=sale_id)


def due(db: Place, *, everything: bool = False) -> list[SaleInvoice]:
    """Invoices that are to be looked at now, or all that are ever looked at again."""

    def look(tx: Tx) -> list[SaleInvoice]:
        until = ANY_TIME if everything else tx.now
        return _all(tx, "i.next_check_at <= :until ORDER BY i.next_check_at", until=until)

    return db.read(look)


def settle(db: Place, payment_hash: bytes) -> SaleInvoice | None:
    """Our wallet says that the invoice is paid: the sale is, or it was paid too late.

    Money never stays unnoticed: a sale that waits, also for another card, is approved; one that is
    over already (cancelled, or paid by another card) gets the event `sale.paid_late`.
    """

    def pay(tx: Tx) -> SaleInvoice | None:
        invoice = _get(tx, payment_hash)
        if invoice is None or invoice.state in (InvoiceState.PAID, InvoiceState.LATE):
            return invoice
        sale = sales.get(tx, invoice.sale_id)
        late = sale is None or sale.state in sales.OVER
        state = InvoiceState.LATE if late else InvoiceState.PAID
        tx.run(_END, {"payment_hash": payment_hash, "state": state, "now": tx.now, "next": None})
        if sale is not None and not late:
            data = {**sale.data, **FRESH, "host": invoice.host, sales.QR: None}
            paid = {"sale_id": invoice.sale_id, "now": tx.now, "method": _METHOD[invoice.source]}
            tx.run(_APPROVE, paid | {"data": json.dumps(data)})
        _tell(tx, sale, "sale.paid_late" if late else "sale.approved", invoice)
        return _get(tx, payment_hash)

    return db.transaction(pay)


def end(db: Place, payment_hash: bytes) -> SaleInvoice | None:
    """The invoice expired and was not paid, for sure: nothing was taken, and its sale goes on."""

    def over(tx: Tx) -> SaleInvoice | None:
        invoice = _get(tx, payment_hash)
        if invoice is None or invoice.state is not InvoiceState.OFFERED:
            return invoice
        row = {"payment_hash": payment_hash, "state": InvoiceState.OVER, "now": tx.now}
        tx.run(_END, row | {"next": next_look(tx.now, InvoiceState.OVER, 0, CHECK_MS)})
        sale = sales.get(tx, invoice.sale_id)
        shown = sale is not None and sale.data.get(sales.QR) == payment_hash.hex()
        waits = sale is not None and sale.state is SaleState.CHECKING
        if (waits or shown) and not offered(tx, invoice.sale_id):
            if invoice.source is Handed.SCREEN:
                decline(tx, invoice.sale_id, Code.QR_UNPAID, {**FRESH, sales.QR: None})
            else:
                words = f"{invoice.host} did not pay in time"
                laid = Laid(host=invoice.host)
                decline(tx, invoice.sale_id, Code.FOREIGN_REFUSED, {"words": words}, laid)
        return _get(tx, payment_hash)

    return db.transaction(over)


def postpone(db: Place, payment_hash: bytes) -> None:
    """Nothing new about an invoice: look again later, ever less often."""

    def later(tx: Tx) -> None:
        invoice = _get(tx, payment_hash)
        if invoice is None or invoice.next_check_at is None:
            return
        next_at = next_look(tx.now, invoice.state, invoice.checks + 1, CHECK_MS)
        next_at = seldom(next_at, tx.now, invoice.expires_at)
        tx.run(
            "UPDATE sale_invoices SET checks = checks + 1, next_check_at = :next"
            " WHERE payment_hash = :payment_hash",
            {"payment_hash": payment_hash, "next": next_at},
        )

    db.transaction(later)


def decline(
    db: Place,
    sale_id: str,
    code: Code,
    data: Mapping[str, Any] | None = None,
    laid: Laid = NOBODY,
) -> Sale | None:
    """Decline a sale so that another card can follow, also when asking took all of its time."""

    def step(tx: Tx) -> Sale | None:
        sale = sales.move(tx, sale_id, SaleState.DECLINED, code=code, data=data, laid=laid)
        if sale is not None:
            tx.run(
                "UPDATE sales SET expires_at = max(expires_at, :until) WHERE sale_id = :sale_id",
                {"sale_id": sale_id, "until": tx.now + ANOTHER_CARD_MS},
            )
        return sale

    return db.transaction(step)


def late(db: Place, terminal_id: str) -> list[SaleInvoice]:
    """What was paid for sales of a terminal that were over, and nobody has noted yet."""
    where = "i.state = 'late' AND i.seen_at IS NULL AND s.terminal_id = :id ORDER BY i.ended_at"
    return _all(db, where, id=terminal_id)


def note_late(db: Place, terminal_id: str, sale_id: str, person: str | None) -> bool:
    """Somebody has noted a late payment and deals with it; False when there is none."""

    def note(tx: Tx) -> bool:
        mine = [one for one in late(tx, terminal_id) if one.sale_id == sale_id]
        if not mine:
            return False
        tx.run(
            "UPDATE sale_invoices SET seen_at = :now WHERE sale_id = :id AND state = 'late'",
            {"now": tx.now, "id": sale_id},
        )
        data = {"terminal_id": terminal_id, "person_id": person}
        sale = sales.get(tx, sale_id)
        store_id = sale.store_id if sale else None
        tx.event("sale.late_noted", store_id=store_id, subject=sale_id, data=data)
        return True

    return db.transaction(note)


def _get(tx: Tx, payment_hash: bytes) -> SaleInvoice | None:
    found = _all(tx, "i.payment_hash = :hash", hash=payment_hash)
    return found[0] if found else None


def _all(db: Place, where: str, **params: Any) -> list[SaleInvoice]:
    sql = (
        f"SELECT {_COLUMNS} FROM sale_invoices i JOIN sales s ON s.sale_id = i.sale_id"  # noqa: S608
        f" WHERE {where}"
    )
    return [SaleInvoice.of(row) for row in db.read(lambda tx: tx.all(sql, params))]


def _tell(tx: Tx, sale: Sale | None, kind: str, invoice: SaleInvoice) -> None:
    data: dict[str, Any] = {
        "amount_msat": invoice.amount_msat,
        "host": invoice.host,
        "payment_hash": invoice.payment_hash.hex(),
    }
    if sale is not None:
        data |= {"terminal_id": sale.terminal_id, "was": sale.state}
    store_id = sale.store_id if sale else None
    tx.event(kind, store_id=store_id, subject=invoice.sale_id, data=data)
