"""A receipt as a record: everything that stands on it, made from a sale in the ledger.

The payer is named as little as possible: the end of the card's number, never the whole, because a
UID and a key version are all that some attacks on cards begin with.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from host.ledger import cards, incoming, payouts, people, rates, refunds, sales, settings, stores
from host.ledger.errors import LedgerError, NotFound
from host.ledger.records import Entry, Sale, SaleMethod, SaleState, Store
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.store.tx import Place, Tx

CARD_DIGITS: Final = 4
HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount, and what it is in the store's currency where there was a rate."""

    msat: int
    fiat: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What one bitcoin cost at the sale, who said so, and when (UX rule 7)."""

    value: Decimal
    source: str
    at: int


@dataclass(frozen=True, slots=True)
class Payment:
    """How a sale was paid; `payer` is the card's short name, or the host of another issuer."""

    method: SaleMethod
    payer: str
    reference: str
    """The end of the payout's id, or the beginning of the payment hash."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of the sale."""

    entry_id: str
    at: int
    amount: Amount
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a customer takes home. `refund` is set where the paper is about that refund alone."""

    store: Store
    choices: ReceiptChoices
    sale: Sale
    terminal: str
    cashier: str
    at: int
    currency: str
    items: tuple[str, ...]
    """What was keyed in, as decimal text: in the currency where `keyed_in_fiat`, else sats."""
    keyed_in_fiat: bool
    note: str
    goods: Amount
    tip: Amount
    total: Amount
    rate: Rate | None
    payment: Payment
    refunds: tuple[GivenBack, ...] = ()
    refund: GivenBack | None = None
    copy: bool = False
    simulated: bool = False


def of_sale(db: Place, sale_id: str, *, copy: bool = False, simulated: bool = False) -> Receipt:
    """The receipt of a paid sale; `LedgerError` for one that was not paid."""
    return db.read(lambda tx: _receipt(tx, sale_id, None, copy, simulated))


def of_refund(db: Place, sale_id: str, entry_id: str, *, simulated: bool = False) -> Receipt:
    """The receipt of one refund of a sale."""
    return db.read(lambda tx: _receipt(tx, sale_id, entry_id, False, simulated))


def _receipt(tx: Tx, sale_id: str, entry_id: str | None, copy: bool, simulated: bool) -> Receipt:
    sale = sales.get(tx, sale_id)
    store = stores.get(tx, sale.store_id) if sale else None
    if sale is None or store is None:
        raise NotFound(f"sale_id: there is no sale {sale_id}")
    if sale.state is not SaleState.APPROVED or sale.method is None or sale.settled_at is None:
        raise LedgerError("sale_id: only a sale that was paid has a receipt")
    given_back = _given_back(tx, sale)
    about = next((one for one in given_back if one.entry_id == entry_id), None)
    if entry_id is not None and about is None:
        raise NotFound(f"entry_id: the sale has no refund {entry_id}")
    terminal = stores.get_terminal(tx, sale.terminal_id)
    goods, tip, total = _amounts(sale)
    return Receipt(
        store=store,
        choices=settings.get(tx, store.store_id, RECEIPTS),
        sale=sale,
        terminal=terminal.name if terminal else sale.terminal_id,
        cashier=_name(tx, sale.person_id),
        at=sale.settled_at,
        currency=sale.currency,
        items=tuple(sale.data.get("lines", ())),
        keyed_in_fiat=sale.fiat is not None,
        note=sale.note,
        goods=goods,
        tip=tip,
        total=total,
        rate=_rate(sale),
        payment=_payment(tx, sale, sale.method),
        refunds=given_back,
        refund=about,
        copy=copy,
        simulated=simulated,
    )


def _amounts(sale: Sale) -> tuple[Amount, Amount, Amount]:
    """Goods, tip and both; where a currency was keyed in, exactly as it was (`bills`)."""
    goods_msat = sale.amount_msat - sale.tip_msat
    if sale.fiat is None:
        goods, tip = _worth(sale, goods_msat), _worth(sale, sale.tip_msat)
        both = _worth(sale, sale.amount_msat)
        return goods, tip, both
    total = Decimal(sale.fiat)
    items = sum((Decimal(one) for one in sale.data.get("lines", ())), Decimal(0)) or total
    tip_fiat = total - items
    return (
        Amount(goods_msat, items),
        Amount(sale.tip_msat, tip_fiat),
        Amount(sale.amount_msat, total),
    )


def _worth(sale: Sale, amount_msat: int) -> Amount:
    if sale.rate is None:
        return Amount(amount_msat)
    return Amount(amount_msat, rates.worth(amount_msat, sale.rate, sale.currency))


def _rate(sale: Sale) -> Rate | None:
    if sale.rate is None or sale.rate_source is None or sale.rate_at is None:
        return None
    return Rate(Decimal(sale.rate), sale.rate_source, sale.rate_at)


def _payment(tx: Tx, sale: Sale, method: SaleMethod) -> Payment:
    if sale.payout_id is not None:
        payout = payouts.get(tx, sale.payout_id)
        card = cards.get(tx, payout.boltcard_id) if payout else None
        words = f"{card.alias} …{card.uid[-CARD_DIGITS:]}" if card else ""
        return Payment(method, words.strip(), sale.payout_id)
    invoice = incoming.paid(tx, sale.sale_id)
    reference = invoice.payment_hash.hex()[:HASH_DIGITS] if invoice else ""
    host = str(sale.data.get("host") or "") if method is SaleMethod.FOREIGN else ""
    return Payment(method, host, reference)


def _given_back(tx: Tx, sale: Sale) -> tuple[GivenBack, ...]:
    if sale.payout_id is None:
        return ()
    return tuple(_one_back(tx, sale, one) for one in refunds.of_payout(tx, sale.payout_id))


def _one_back(tx: Tx, sale: Sale, entry: Entry) -> GivenBack:
    amount = _worth(sale, entry.available_msat)
    who = _name(tx, entry.person_id)
    return GivenBack(entry.entry_id, entry.at, amount, entry.reason or "", who)


def _name(tx: Tx, person_id: str | None) -> str:
    person = people.get(tx, person_id) if person_id is not None else None
    return person.name if person else ""
