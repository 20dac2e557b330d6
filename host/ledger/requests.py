"""What is asked of the ledger for a tap, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from host.bolt11 import Bolt11Invoice, Network
from host.ledger.records import Payout
from host.ledger.taps import VerifiedTap


class Source(StrEnum):
    """Where a claim came in."""

    TILL = "till"
    LNURL = "lnurl"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a tap asks for: either a sale of our own till or a stranger's invoice, never both.

    `network` is the only one whose invoices we pay, `min_left_ms` how long one must still be good:
    what expires on its way would only hold money. `max_fee_msat` is the most that sending may cost,
    where the card's account has no limit of its own (`fees`).
    """

    tap: VerifiedTap
    amount_msat: int
    source: Source
    sale_id: str | None = None
    invoice: Bolt11Invoice | None = None
    pin: str | None = field(default=None, repr=False)
    terminal_id: str | None = None
    max_fee_msat: int = 0
    min_msat: int = 0
    max_msat: int | None = None
    network: Network | None = None
    min_left_ms: int = 0

    def __post_init__(self) -> None:
        if (self.sale_id is None) == (self.invoice is None):
            raise ValueError("a claim needs a sale or an invoice, and not both")
        if self.max_fee_msat < 0 or (self.sale_id is not None and self.max_fee_msat):
            raise ValueError("max_fee_msat: not below zero, and none at our own till")


@dataclass(frozen=True, slots=True)
class Claimed:
    """The tap is spent on this payout; `joined` when an earlier call of the same tap made it."""

    payout: Payout
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """What a tap may ask for; the maximum never tells the balance (THREATS 21)."""

    min_msat: int
    max_msat: int
    description: str
    pin_limit_msat: int | None
    """From this amount on a PIN is needed; 0 is always, None is never."""
