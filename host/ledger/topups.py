"""Filling a card: in cash at the counter, or by paying an invoice of the shop's wallet (LUD-06).

An invoice's row is durable before the invoice leaves, and it is watched until it is paid or has
expired for sure, and a while beyond. What is paid is credited to the account that the card drew on
when it was asked for, whatever became of the card meanwhile: money that came in is never lost. The
entry is named after the payment hash, so no invoice is credited twice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

from host.clock import ANY_TIME, DAY, SECOND
from host.ledger import audit, cards, entries, people, pull_payments
from host.ledger.codes import Code, Refused
from host.ledger.errors import LedgerError, NotFound
from host.ledger.looks import InvoiceState, next_look, seldom
from host.ledger.permissions import Person
from host.ledger.records import CardState, EntryKind, PullPayment, PullPaymentState, typed
from host.store.tx import Place, Row, Tx

CHECK_MS: Final = (SECOND, SECOND, SECOND, 2 * SECOND, 3 * SECOND, 5 * SECOND, 10 * SECOND)
"""After how long an invoice that was handed out is looked at again; the last one repeats."""

OPEN_PER_CARD: Final = 10
OPEN_IN_ALL: Final = 1_000
"""Invoices that wait to be paid: whoever has a link may ask, so it costs us no more than this."""


@dataclass(frozen=True, slots=True)
class TopUpInvoice:
    """An invoice that somebody asked for to fill a card."""

    payment_hash: bytes
    card_id: str
    pull_payment_id: str
    bolt11: str
    amount_msat: int
    state: InvoiceState
    offered_at: int
    expires_at: int
    ended_at: int | None
    checks: int
    next_check_at: int | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {5: InvoiceState}))


@dataclass(frozen=True, slots=True)
class Fillable:
    """A card that money may be paid in for."""

    card_id: str
    pull_payment_id: str
    store: str
    """The store's name."""


_COLUMNS: Final = ", ".join(one.name for one in fields(TopUpInvoice))

_CARD: Final = """
    SELECT c.card_id, c.pull_payment_id, c.state, a.state AS account, s.name AS store
    FROM cards c JOIN pull_payments a ON a.pull_payment_id = c.pull_payment_id
    JOIN stores s ON s.store_id = c.store_id WHERE c.card_id = :card_id
"""

_OPEN: Final = """
    SELECT (SELECT count(*) FROM topup_invoices WHERE card_id = :card_id AND state = 'offered'
            AND expires_at > :since)
        AS mine,
        (SELECT count(*) FROM topup_invoices WHERE next_check_at IS NOT NULL
            AND expires_at > :since) AS every
"""

_OFFER: Final = f"""
    INSERT INTO topup_invoices ({_COLUMNS}) VALUES (:payment_hash, :card_id, :pull_payment_id,
        :bolt11, :amount_msat, 'offered', :now, :expires_at, NULL, 0, :next)
"""  # noqa: S608

_PAID: Final = """
    UPDATE topup_invoices SET state = 'paid', ended_at = :now, next_check_at = NULL
    WHERE payment_hash = :payment_hash AND state <> 'paid'
"""


def by_hand(
    db: Place, card_id: str, amount_msat: int, reason: str, person: Person | None = None
) -> PullPayment:
    """Money was handed over for a card: its account has it now. `NotAllowed` without the right.

    `person` None is the machine's owner at the command line.
    """

    def fill(tx: Tx) -> PullPayment:
        card = cards.get(tx, card_id)
        if card is None:
            raise NotFound(f"card_id: there is no card {card_id}")
        people.must(person, "card.top_up", card.store_id)
        account = pull_payments.get(tx, card.pull_payment_id)
        if card.state is CardState.WIPED or account is None:
            raise LedgerError("card: it was wiped; fill another one")
        if account.state is not PullPaymentState.RUNNING:
            raise LedgerError("card: its account has ended")
        who = person.person_id if person else None
        filled = pull_payments.fund(
            tx, card.pull_payment_id, amount_msat, reason, who,
            kind=EntryKind.TOP_UP, card_id=card_id,
        )  # fmt: skip
        _tell(tx, card_id, amount_msat, "cash")
        return filled

    return db.transaction(fill)


def fillable(db: Place, card_id: str) -> Fillable | Refused:
    """Whether money may be paid in for a card: it is active and its account runs."""
    row = db.read(lambda tx: tx.one(_CARD, {"card_id": card_id}))
    if row is None or row["state"] == CardState.WIPED:
        return Refused(Code.LINK_INVALID)
    if row["account"] != PullPaymentState.RUNNING:
        return Refused(Code.CARD_EXPIRED)
    if row["state"] != CardState.ACTIVE:
        new = row["state"] == CardState.NEW
        return Refused(Code.CARD_NOT_ACTIVE if new else Code.CARD_BLOCKED)
    return Fillable(row["card_id"], row["pull_payment_id"], row["store"])


def room(db: Place, card_id: str) -> bool:
    """Whether one more invoice may wait to be paid; those of a wallet that is gone do not count."""
    row = db.read(lambda tx: tx.one(_OPEN, {"card_id": card_id, "since": tx.now - DAY}))
    return row is None or (row["mine"] < OPEN_PER_CARD and row["every"] < OPEN_IN_ALL)


def offer(
    db: Place, card_id: str, payment_hash: bytes, bolt11: str, amount_msat: int, expires_at: int
) -> bool:
    """Note an invoice that is about to be handed out; False when it must not be."""

    def note(tx: Tx) -> bool:
        card = fillable(tx, card_id)
        if isinstance(card, Refused) or not room(tx, card_id):
            return False
        row = {
            "payment_hash": payment_hash,
            "card_id": card_id,
            "pull_payment_id": card.pull_payment_id,
            "bolt11": bolt11,
            "amount_msat": amount_msat,
            "now": tx.now,
            "expires_at": expires_at,
            "next": next_look(tx.now, InvoiceState.OFFERED, 0, CHECK_MS),
        }
        return tx.run(_OFFER, row) == 1

    return db.transaction(note)


def get(db: Place, payment_hash: bytes) -> TopUpInvoice | None:
    """The invoice of this hash."""
    found = _all(db, "payment_hash = :hash", hash=payment_hash)
    return found[0] if found else None


def due(db: Place, *, everything: bool = False) -> list[TopUpInvoice]:
    """Invoices that are to be looked at now, or all that are ever looked at again."""

    def look(tx: Tx) -> list[TopUpInvoice]:
        until = ANY_TIME if everything else tx.now
        return _all(tx, "next_check_at <= :until ORDER BY next_check_at", until=until)

    return db.read(look)


def settle(db: Place, payment_hash: bytes) -> bool:
    """Our wallet says that the invoice is paid: the account has the money. True when this call
    did it; again does nothing."""

    def credit(tx: Tx) -> bool:
        if tx.run(_PAID, {"payment_hash": payment_hash, "now": tx.now}) != 1:
            return False
        invoice = get(tx, payment_hash)
        assert invoice is not None  # noqa: S101 - it was written just now
        entries.move(
            tx,
            invoice.pull_payment_id,
            EntryKind.TOP_UP,
            available=invoice.amount_msat,
            card_id=invoice.card_id,
            reason="Lightning",
            entry_id=f"{payment_hash.hex()}.top-up",
        )
        facts = {"amount_msat": invoice.amount_msat, "payment_hash": payment_hash.hex()}
        audit.append(tx, None, "card.top_up", invoice.card_id, facts)
        _tell(tx, invoice.card_id, invoice.amount_msat, "lightning")
        return True

    return db.transaction(credit)


def end(db: Place, payment_hash: bytes) -> bool:
    """The invoice expired and was not paid. True when this call noted it."""

    def over(tx: Tx) -> bool:
        next_at = next_look(tx.now, InvoiceState.OVER, 0, CHECK_MS)
        row = {"hash": payment_hash, "now": tx.now, "next": next_at}
        sql = (
            "UPDATE topup_invoices SET state = 'over', ended_at = :now, checks = 0,"
            " next_check_at = :next WHERE payment_hash = :hash AND state = 'offered'"
        )
        return tx.run(sql, row) == 1

    return db.transaction(over)


def postpone(db: Place, payment_hash: bytes) -> None:
    """Nothing new about an invoice: look again later, ever less often, at last no more."""

    def later(tx: Tx) -> None:
        invoice = get(tx, payment_hash)
        if invoice is None or invoice.next_check_at is None:
            return
        next_at = next_look(tx.now, invoice.state, invoice.checks + 1, CHECK_MS)
        next_at = seldom(next_at, tx.now, invoice.expires_at)
        sql = (
            "UPDATE topup_invoices SET checks = checks + 1, next_check_at = :next"
            " WHERE payment_hash = :hash"
        )
        tx.run(sql, {"hash": payment_hash, "next": next_at})

    db.transaction(later)


def _all(db: Place, where: str, **params: Any) -> list[TopUpInvoice]:
    sql = f"SELECT {_COLUMNS} FROM topup_invoices WHERE {where}"  # noqa: S608
    return [TopUpInvoice.of(row) for row in db.read(lambda tx: tx.all(sql, params))]


def _tell(tx: Tx, card_id: str, amount_msat: int, how: str) -> None:
    card = cards.get(tx, card_id)
    facts = {"amount_msat": amount_msat, "how": how}
    store_id = card.store_id if card else None
    tx.event("card.topped_up", store_id=store_id, subject=card_id, data=facts)
