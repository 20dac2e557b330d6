"""A receipt as pieces of paper, in the store's language."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from host.language import pgettext, speaking
from host.ledger.records import SaleMethod
from host.receipts.paper import Align, Line, Piece, Rule
from host.receipts.receipt import Amount, GivenBack, Payment, Receipt
from host.receipts.texts import moment, money, sats, short
from host.retold import retold


def pieces(receipt: Receipt) -> list[Piece]:
    """Everything that stands on the paper, from top to bottom."""
    with speaking(receipt.choices.language):
        return list(_refund(receipt, receipt.refund) if receipt.refund else _sale(receipt))


def _sale(receipt: Receipt) -> Iterator[Piece]:
    yield from _head(receipt, pgettext("receipt", "Receipt"))
    yield from _items(receipt)
    yield from _sum(receipt)
    yield Rule()
    yield from _payment(receipt)
    yield from _rate(receipt)
    yield from _refunds(receipt)
    yield from _foot(receipt)


def _refund(receipt: Receipt, given: GivenBack) -> Iterator[Piece]:
    yield from _head(receipt, pgettext("receipt", "REFUND"), given.at)
    yield Line(pgettext("receipt", "Refunded"), sats(given.amount.msat), bold=True, double=True)
    yield from _fiat(receipt, given.amount, bold=True)
    yield Line(pgettext("receipt", "Reason"), given.reason)
    if given.by:
        yield Line(pgettext("receipt", "Approved by"), given.by)
    yield Rule()
    yield Line(pgettext("receipt", "Sale of"), moment(receipt.at, receipt.store.timezone))
    yield Line(pgettext("receipt", "Total of the sale"), sats(receipt.total.msat))
    left = receipt.total.msat - sum(one.amount.msat for one in receipt.refunds)
    yield Line(pgettext("receipt", "Left of the sale"), sats(left))
    yield from _payment(receipt)
    yield from _rate(receipt)
    yield from _foot(receipt)


def _head(receipt: Receipt, title: str, at: int | None = None) -> Iterator[Piece]:
    yield _centre(receipt.store.name, bold=True, double=True)
    yield from map(_centre, receipt.choices.header)
    if receipt.simulated:
        yield _centre(pgettext("receipt", "SIMULATION: no real money"), bold=True)
    yield Rule()
    if receipt.copy:
        yield _centre(pgettext("receipt", "COPY"), bold=True, double=True)
    yield Line(title, short(receipt.sale.sale_id), bold=True)
    yield Line(moment(receipt.at if at is None else at, receipt.store.timezone))
    yield Line(pgettext("receipt", "Till"), receipt.terminal)
    if receipt.cashier:
        yield Line(pgettext("receipt", "Served by"), receipt.cashier)
    yield Rule()


def _items(receipt: Receipt) -> Iterator[Piece]:
    """Each item where there are several; one alone is the total."""
    if len(receipt.items) > 1:
        for number, text in enumerate(receipt.items, 1):
            name = f"{pgettext('receipt', 'Item')} {number}"
            yield Line(name, _keyed(receipt, Decimal(text)))
    if receipt.note:
        yield Line(receipt.note)


def _keyed(receipt: Receipt, value: Decimal) -> str:
    if receipt.keyed_in_fiat:
        return money(value, receipt.currency)
    return sats(int(value * 1_000))


def _sum(receipt: Receipt) -> Iterator[Piece]:
    if receipt.tip.msat:
        yield Line(pgettext("receipt", "Subtotal"), sats(receipt.goods.msat))
        yield from _fiat(receipt, receipt.goods)
        yield Line(pgettext("receipt", "Tip"), sats(receipt.tip.msat))
        yield from _fiat(receipt, receipt.tip)
    yield Line(pgettext("receipt", "TOTAL"), sats(receipt.total.msat), bold=True, double=True)
    yield from _fiat(receipt, receipt.total, bold=True)


def _fiat(receipt: Receipt, amount: Amount, *, bold: bool = False) -> Iterator[Piece]:
    if amount.fiat is not None:
        yield Line(money(amount.fiat, receipt.currency), align=Align.RIGHT, bold=bold)


def _payment(receipt: Receipt) -> Iterator[Piece]:
    payment = receipt.payment
    yield Line(pgettext("receipt", "Paid by"), paid_by(payment))
    if payment.reference:
        card = payment.method is SaleMethod.CARD
        reference = short(payment.reference) if card else payment.reference
        yield Line(pgettext("receipt", "Payment"), reference)


def paid_by(payment: Payment) -> str:
    """The way of paying and the payer, in the language that is spoken."""
    if payment.method is SaleMethod.CARD:
        return f"Boltcard {payment.payer}".strip()
    if payment.method is SaleMethod.FOREIGN and payment.payer:
        return pgettext("receipt", "Card of {host}").format(host=payment.payer)
    if payment.method is SaleMethod.FOREIGN:
        return pgettext("receipt", "Card of another issuer")
    return pgettext("receipt", "Lightning invoice")


def _rate(receipt: Receipt) -> Iterator[Piece]:
    rate = receipt.rate
    if rate is not None:
        yield Line(pgettext("receipt", "Rate"), f"1 BTC = {money(rate.value, receipt.currency)}")
        yield Line(
            f"{retold(rate.source)}, {moment(rate.at, receipt.store.timezone)}", align=Align.RIGHT
        )


def _refunds(receipt: Receipt) -> Iterator[Piece]:
    if not receipt.refunds:
        return
    yield Rule()
    for one in receipt.refunds:
        when = moment(one.at, receipt.store.timezone)
        yield Line(f"{pgettext('receipt', 'Refunded')} {when}", f"-{sats(one.amount.msat)}")
    left = receipt.total.msat - sum(one.amount.msat for one in receipt.refunds)
    yield Line(pgettext("receipt", "Paid after refunds"), sats(left), bold=True)


def _foot(receipt: Receipt) -> Iterator[Piece]:
    yield Rule()
    yield from map(_centre, receipt.choices.footer or (pgettext("receipt", "Thank you"),))


def _centre(text: str, *, bold: bool = False, double: bool = False) -> Line:
    return Line(text, align=Align.CENTER, bold=bold, double=double)
