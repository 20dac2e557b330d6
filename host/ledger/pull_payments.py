"""Pull payments: the accounts that cards draw on, and how money comes in by hand."""

from __future__ import annotations

from host.ledger import audit, entries, ids, stores
from host.ledger.errors import LedgerError, NotFound
from host.ledger.records import (
    ENTRY_COLUMNS,
    PULL_PAYMENT_COLUMNS,
    Entry,
    EntryKind,
    PullPayment,
    PullPaymentState,
)
from host.ledger.stores import check_name
from host.money import MAX_MSAT, check_amount
from host.store.tx import Place, Tx


def create(
    db: Place,
    store_id: str,
    name: str,
    *,
    limit_msat: int | None = None,
    starts_at: int | None = None,
    ends_at: int | None = None,
    person: str | None = None,
) -> PullPayment:
    """Open an account with nothing in it. `limit_msat` caps what it pays and holds in all."""

    def insert(tx: Tx) -> PullPayment:
        if stores.get(tx, store_id) is None:
            raise NotFound(f"store_id: there is no store {store_id}")
        if limit_msat is not None and not 0 <= limit_msat <= MAX_MSAT:
            raise LedgerError("limit: must be zero or more")
        pull_payment_id = ids.new(tx.now)
        tx.run(
            "INSERT INTO pull_payments (pull_payment_id, store_id, name, state, limit_msat,"
            " starts_at, ends_at, balance_msat, held_msat, paid_msat, created_at)"
            " VALUES (:id, :store_id, :name, :state, :limit, :starts_at, :ends_at, 0, 0, 0, :at)",
            {
                "id": pull_payment_id,
                "store_id": store_id,
                "name": check_name(name),
                "state": PullPaymentState.RUNNING,
                "limit": limit_msat,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "at": tx.now,
            },
        )
        tx.event("pull_payment.created", store_id=store_id, subject=pull_payment_id)
        audit.append(tx, person, "pull_payment.create", pull_payment_id, {"name": name})
        return _need(tx, pull_payment_id)

    return db.transaction(insert)


def fund(
    db: Place,
    pull_payment_id: str,
    amount_msat: int,
    reason: str,
    person: str | None = None,
    *,
    kind: EntryKind = EntryKind.FUND,
    card_id: str | None = None,
) -> PullPayment:
    """Add money, as the first funding or as a top-up (of a card, where one is named)."""
    if kind not in (EntryKind.FUND, EntryKind.TOP_UP):
        raise LedgerError("kind: must be fund or top-up")
    amount_msat = check_amount(amount_msat)
    return by_hand(db, pull_payment_id, kind, amount_msat, reason, person, card_id=card_id)


def adjust(
    db: Place, pull_payment_id: str, amount_msat: int, reason: str, person: str | None = None
) -> PullPayment:
    """Correct an account by a signed amount; never below zero, and never what is held."""
    check_amount(abs(amount_msat))
    return by_hand(db, pull_payment_id, EntryKind.ADJUST, amount_msat, reason, person)


def end(db: Place, pull_payment_id: str, person: str | None = None) -> PullPayment:
    """Close an account: its cards pay nothing more. What is held is still settled or released."""

    def close(tx: Tx) -> PullPayment:
        account = _need(tx, pull_payment_id)
        if account.state is PullPaymentState.RUNNING:
            tx.run(
                "UPDATE pull_payments SET state = 'ended' WHERE pull_payment_id = :id",
                {"id": pull_payment_id},
            )
            tx.event("pull_payment.ended", store_id=account.store_id, subject=pull_payment_id)
            audit.append(tx, person, "pull_payment.end", pull_payment_id)
        return _need(tx, pull_payment_id)

    return db.transaction(close)


def get(db: Place, pull_payment_id: str) -> PullPayment | None:
    """The account of this id."""
    row = db.read(
        lambda tx: tx.one(
            f"SELECT {PULL_PAYMENT_COLUMNS} FROM pull_payments WHERE pull_payment_id = :id",  # noqa: S608
            {"id": pull_payment_id},
        )
    )
    return PullPayment.of(row) if row else None


def all(db: Place, store_id: str | None = None) -> list[PullPayment]:  # noqa: A001
    """Every account, or those of one store, oldest first."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {PULL_PAYMENT_COLUMNS} FROM pull_payments"  # noqa: S608
            " WHERE :store_id IS NULL OR store_id = :store_id"
            " ORDER BY created_at, pull_payment_id",
            {"store_id": store_id},
        )
    )
    return [PullPayment.of(row) for row in rows]


def entries_by_hand(db: Place, pull_payment_id: str, limit: int = 50) -> list[Entry]:
    """What came in, was adjusted or refunded, newest first; payments are among the payouts."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {ENTRY_COLUMNS} FROM entries WHERE pull_payment_id = :id"  # noqa: S608
            " AND kind NOT IN ('hold', 'release', 'settle')"
            " ORDER BY at DESC, entry_id DESC LIMIT :limit",
            {"id": pull_payment_id, "limit": limit},
        )
    )
    return [Entry.of(row) for row in rows]


def by_hand(
    db: Place,
    pull_payment_id: str,
    kind: EntryKind,
    amount_msat: int,
    reason: str,
    person: str | None,
    *,
    payout_id: str | None = None,
    card_id: str | None = None,
) -> PullPayment:
    """One movement that is no payment, with its reason; the account never falls below zero."""

    def book(tx: Tx) -> PullPayment:
        account = _need(tx, pull_payment_id)
        why = check_name(reason, "reason")
        if account.balance_msat + amount_msat < 0:
            raise LedgerError("amount: more than the account has free")
        if account.balance_msat + amount_msat > MAX_MSAT:
            raise LedgerError("amount: the account would hold more than there is")
        entries.move(
            tx,
            pull_payment_id,
            kind,
            available=amount_msat,
            payout_id=payout_id,
            card_id=card_id,
            reason=why,
            person_id=person,
        )
        facts = {"amount_msat": amount_msat, "reason": why}
        tx.event(
            f"pull_payment.{kind}", store_id=account.store_id, subject=pull_payment_id, data=facts
        )
        audit.append(tx, person, f"pull_payment.{kind}", pull_payment_id, facts)
        return _need(tx, pull_payment_id)

    return db.transaction(book)


def _need(tx: Tx, pull_payment_id: str) -> PullPayment:
    account = get(tx, pull_payment_id)
    if account is None:
        raise NotFound(f"pull_payment_id: there is no pull payment {pull_payment_id}")
    return account
