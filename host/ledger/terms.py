"""Changing what a pull payment allows: how much in all, from when, until when."""

from __future__ import annotations

from host.ledger import audit, pull_payments
from host.ledger.errors import LedgerError, NotFound
from host.ledger.records import PullPayment, PullPaymentState
from host.money import MAX_MSAT
from host.store.tx import Place, Tx


def change(
    db: Place,
    pull_payment_id: str,
    *,
    limit_msat: int | None,
    starts_at: int | None,
    ends_at: int | None,
    person: str | None = None,
) -> PullPayment:
    """Replace limit, start and end (epoch ms); None is open. What is paid or held stays so."""

    def write(tx: Tx) -> PullPayment:
        account = pull_payments.get(tx, pull_payment_id)
        if account is None:
            raise NotFound(f"pull_payment_id: there is no pull payment {pull_payment_id}")
        if account.state is PullPaymentState.ENDED:
            raise LedgerError("pull payment: it was ended; open another one")
        if limit_msat is not None and not 0 <= limit_msat <= MAX_MSAT:
            raise LedgerError("limit: must be zero or more")
        if starts_at is not None and ends_at is not None and ends_at <= starts_at:
            raise LedgerError("ends_at: must be after starts_at")
        terms = {"limit_msat": limit_msat, "starts_at": starts_at, "ends_at": ends_at}
        tx.run(
            "UPDATE pull_payments SET limit_msat = :limit_msat, starts_at = :starts_at,"
            " ends_at = :ends_at WHERE pull_payment_id = :id",
            terms | {"id": pull_payment_id},
        )
        tx.event("pull_payment.changed", store_id=account.store_id, subject=pull_payment_id)
        audit.append(tx, person, "pull_payment.terms", pull_payment_id, terms)
        changed = pull_payments.get(tx, pull_payment_id)
        assert changed is not None  # noqa: S101 - it was there two statements ago
        return changed

    return db.transaction(write)
