"""What the way of a payment may cost, and who bears it: the card's account or the store.

The limit is a base and parts per million of the amount. Where the card pays, all of the limit is
held beside the amount and what was not needed is free again; where the store pays, nothing is
held, and the fee is kept with the payout alone. Inside our own books there is no fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self

from host.ledger import audit
from host.ledger.errors import LedgerError, NotFound
from host.ledger.requests import ClaimRequest
from host.money import MAX_MSAT
from host.store.tx import Place, Row, Tx

MILLION: Final = 1_000_000


class FeePayer(StrEnum):
    """Who bears the fee."""

    CARD = "card"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """The fees of one account; without numbers of its own it follows the host's limit."""

    payer: FeePayer = FeePayer.CARD
    base_msat: int | None = None
    ppm: int | None = None

    def __post_init__(self) -> None:
        if (self.base_msat is None) != (self.ppm is None):
            raise LedgerError("fees: give a base and parts per million, or neither")
        if not 0 <= (self.base_msat or 0) <= MAX_MSAT:
            raise LedgerError("base: must be zero or more")
        if not 0 <= (self.ppm or 0) <= MILLION:
            raise LedgerError("ppm: must be between 0 and 1000000")

    @classmethod
    def of(cls, row: Row) -> Self:
        """From a row with `fee_payer, fee_base_msat, fee_ppm`."""
        return cls(FeePayer(row["fee_payer"]), row["fee_base_msat"], row["fee_ppm"])

    def limit_msat(self, amount_msat: int, default_msat: int) -> int:
        """The most that sending this amount may cost."""
        if self.base_msat is None or self.ppm is None:
            return default_msat
        return self.base_msat + amount_msat * self.ppm // MILLION


class Fee(NamedTuple):
    """The fee of one payout: what the wallet may spend, and what the card's account holds of it."""

    limit_msat: int | None
    """None where nothing is sent."""
    held_msat: int


HERE: Final = Fee(None, 0)


def of(card: Row, request: ClaimRequest) -> Fee:
    """The fee of what a tap asks for."""
    if request.invoice is None:
        return HERE
    policy = FeePolicy.of(card)
    limit = policy.limit_msat(request.amount_msat, request.max_fee_msat)
    return Fee(limit, limit if policy.payer is FeePayer.CARD else 0)


def get(db: Place, pull_payment_id: str) -> FeePolicy:
    """The fees of an account. Raises `NotFound`."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT fee_payer, fee_base_msat, fee_ppm FROM pull_payments"
            " WHERE pull_payment_id = :id",
            {"id": pull_payment_id},
        )
    )
    if row is None:
        raise NotFound(f"pull_payment_id: there is no pull payment {pull_payment_id}")
    return FeePolicy.of(row)


def set_policy(
    db: Place, pull_payment_id: str, policy: FeePolicy, person: str | None = None
) -> FeePolicy:
    """Change the fees of an account from the next claim on; what is held stays as it is."""

    def change(tx: Tx) -> FeePolicy:
        get(tx, pull_payment_id)
        row = {"payer": policy.payer, "base": policy.base_msat, "ppm": policy.ppm}
        tx.run(
            "UPDATE pull_payments SET fee_payer = :payer, fee_base_msat = :base, fee_ppm = :ppm"
            " WHERE pull_payment_id = :id",
            row | {"id": pull_payment_id},
        )
        audit.append(tx, person, "pull_payment.fees", pull_payment_id, row)
        return policy

    return db.transaction(change)
