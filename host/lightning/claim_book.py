"""What must be remembered of a payout that is filed at BTCPay, and where it is noted.

A module of its own, because the ledger keeps it and does not speak HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known here of a payout that is filed at BTCPay."""

    pull_payment: str
    """The id of BTCPay's pull payment."""
    unit: str
    """`BTC` or `SATS`."""
    manages: bool
    """Whether we approve it, and cancel it when nobody paid it in time."""
    filing: bool
    """Whether it may have been filed."""
    remote_id: str | None
    """Its id at BTCPay, once it was seen there."""


class ClaimBook(Protocol):
    """Where claims are noted, durably."""

    def claim(self, payment_hash: bytes) -> Claim | None:
        """What is known of this payment; None when it does not go this way."""

    def filing(self, payment_hash: bytes) -> bool:
        """It is about to be filed. False when it was before: then it must not be again."""

    def seen(self, payment_hash: bytes, remote_id: str, state: str) -> None:
        """What BTCPay says of it; what is said again changes nothing."""
