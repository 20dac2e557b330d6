"""Tips: what a store offers after "Charge" and before the reader is armed; off by default.

A tip is a part of the sale's amount. A percentage is taken of what is charged for the goods, in
the unit that was keyed in (satoshi, or the currency's smallest unit), rounded half up to a whole
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.ledger.errors import LedgerError
from host.ledger.settings import Setting

MOST_CHOICES: Final = 4
MOST_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Tips:
    """What is offered: up to four percentages, in rising order, and an amount of one's own."""

    on: bool = False
    percents: tuple[int, ...] = (5, 10, 15)
    own: bool = True

    def __post_init__(self) -> None:
        if len(self.percents) > MOST_CHOICES:
            raise LedgerError(f"percents: at most {MOST_CHOICES}")
        if not all(0 < one <= MOST_PERCENT for one in self.percents):
            raise LedgerError(f"percents: whole numbers from 1 to {MOST_PERCENT}")
        if list(self.percents) != sorted(set(self.percents)):
            raise LedgerError("percents: in rising order, each one once")
        if self.on and not (self.percents or self.own):
            raise LedgerError("percents: offer a percentage, or an amount of one's own")


TIPS: Final = Setting("tips", Tips)


def part(amount: int, percent: int) -> int:
    """A percentage of an amount, in the same unit, rounded half up to a whole one."""
    return (amount * percent + 50) // 100
