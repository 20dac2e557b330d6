"""A sale's invoice as a QR code on the till's screen, for people without a card.

While the code is shown (`sale.data["qr"]`) the sale waits for that money alone: a card laid down is
told so and not read, and nothing else moves the sale. It is put away when the wallet says that
the invoice is not paid; from then on cards may pay again. Nobody can take an invoice back, so
money for it may still come until it expires: a sale that waits is then paid by it, and a sale that
is over, paid by a card or cancelled, tells it as `sale.paid_late` (`incoming`). So a sale can be
paid twice only by somebody who pays a code that was put away, and never unnoticed.

When the time is up the sale is locked (`checking`) until it is sure that nobody paid.
"""

from __future__ import annotations

from host.ledger import incoming, sales
from host.ledger.incoming import SaleInvoice
from host.ledger.records import Sale, SaleState
from host.ledger.sales import QR
from host.lightning.wallet import Invoice
from host.store.tx import Place, Tx


def show(db: Place, sale: Sale, invoice: Invoice) -> Sale | None:
    """Put an invoice on the screen of a sale that waits; the sale then lives as long as it.

    None when the sale went on meanwhile, or the invoice is not for it to be paid with.
    """

    def put_up(tx: Tx) -> Sale | None:
        payment_hash, expires_at = invoice.payment_hash, invoice.expires_at
        now = sales.get(tx, sale.sale_id)
        if now is None or now.data.get(QR):
            return None
        if not incoming.offer(tx, now, payment_hash, invoice.bolt11, expires_at):
            return None
        tx.run(
            "UPDATE sales SET expires_at = :at WHERE sale_id = :id",
            {"at": expires_at, "id": sale.sale_id},
        )
        return sales.ready(tx, sale.sale_id, {QR: payment_hash.hex()})

    return db.transaction(put_up)


def put_away(db: Place, sale_id: str, payment_hash: bytes) -> Sale | None:
    """Take the code off the screen: cards may pay again. None when it is not there any more."""

    def take(tx: Tx) -> Sale | None:
        sale = sales.get(tx, sale_id)
        if sale is None or sale.data.get(QR) != payment_hash.hex():
            return None
        return sales.ready(tx, sale_id, {QR: None})

    return db.transaction(take)


def shown(db: Place, sale: Sale) -> SaleInvoice | None:
    """The invoice that is on the screen of a sale."""
    if sale.state is not SaleState.READY or not sale.data.get(QR):
        return None
    found = incoming.offered(db, sale.sale_id)
    return next((one for one in found if one.payment_hash.hex() == sale.data[QR]), None)
