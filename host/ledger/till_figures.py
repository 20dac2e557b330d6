"""What lines of a till come to: pure sums, in millisatoshi, and in fiat as it was at the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from host.ledger.rates import worth
from host.ledger.records import SaleMethod
from host.ledger.till_lines import Line, LineKind

NOBODY: Final = ""
"""The name in `people` of what no person charged: the command line, or an older version."""


@dataclass(slots=True)
class Sum:
    """Sales and what was given back of them. The tips are within `gross_msat`."""

    sales: int = 0
    gross_msat: int = 0
    tips_msat: int = 0
    refunds: int = 0
    refunds_msat: int = 0

    @property
    def net_msat(self) -> int:
        return self.gross_msat - self.refunds_msat

    def add(self, line: Line) -> None:
        """Count a sale or a refund."""
        if line.kind is LineKind.REFUND:
            self.refunds += 1
            self.refunds_msat += line.amount_msat
        else:
            self.sales += 1
            self.gross_msat += line.amount_msat
            self.tips_msat += line.tip_msat

    def told(self) -> dict[str, int]:
        """As a report keeps it."""
        return {
            "sales": self.sales,
            "gross_msat": self.gross_msat,
            "tips_msat": self.tips_msat,
            "refunds": self.refunds,
            "refunds_msat": self.refunds_msat,
            "net_msat": self.net_msat,
        }


@dataclass(slots=True)
class Worth:
    """Sales that had a rate, in the currency they were made in, each rounded as on its receipt."""

    sales: int = 0
    gross: Decimal = Decimal(0)
    tips: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)

    def add(self, line: Line, currency: str, rate: str) -> None:
        value = worth(line.amount_msat, rate, currency)
        if line.kind is LineKind.REFUND:
            self.refunds += value
        else:
            self.sales += 1
            self.gross += value
            self.tips += worth(line.tip_msat, rate, currency)

    def told(self) -> dict[str, Any]:
        """As a report keeps it: decimal text."""
        return {
            "sales": self.sales,
            "gross": f"{self.gross:f}",
            "tips": f"{self.tips:f}",
            "refunds": f"{self.refunds:f}",
            "net": f"{self.gross - self.refunds:f}",
        }


@dataclass(slots=True)
class Tally:
    """How many, and how much."""

    count: int = 0
    amount_msat: int = 0

    def add(self, line: Line) -> None:
        self.count += 1
        self.amount_msat += line.amount_msat

    def told(self) -> dict[str, int]:
        return {"count": self.count, "amount_msat": self.amount_msat}


@dataclass(slots=True)
class Figures:
    """Everything that a report says in numbers."""

    total: Sum = field(default_factory=Sum)
    methods: dict[SaleMethod, Sum] = field(default_factory=dict)
    people: dict[str, Sum] = field(default_factory=dict)
    terminals: dict[str, Sum] = field(default_factory=dict)
    days: dict[str, Sum] = field(default_factory=dict)
    """By the store's business day."""
    currencies: dict[str, Worth] = field(default_factory=dict)
    others: dict[LineKind, Tally] = field(default_factory=dict)
    """What is neither a sale nor a refund, by kind."""
    first_at: int | None = None
    last_at: int | None = None
    """The earliest and the latest sale or refund, by the clock of its time."""

    def other(self, kind: LineKind) -> Tally:
        """The tally of a kind that is neither a sale nor a refund."""
        return self.others.get(kind, Tally())


def sum_up(lines: Iterable[Line], day_of: Callable[[int], str]) -> Figures:
    """Add lines up; `day_of` gives the business day of a time."""
    figures = Figures()
    for line in lines:
        if line.kind in (LineKind.SALE, LineKind.REFUND):
            _count(figures, line, day_of(line.at))
        else:
            figures.others.setdefault(line.kind, Tally()).add(line)
    return figures


def _count(figures: Figures, line: Line, day: str) -> None:
    figures.total.add(line)
    if line.method is not None:
        figures.methods.setdefault(line.method, Sum()).add(line)
    figures.people.setdefault(line.person_id or NOBODY, Sum()).add(line)
    figures.terminals.setdefault(line.terminal_id or "", Sum()).add(line)
    figures.days.setdefault(day, Sum()).add(line)
    if line.rate is not None and line.currency is not None:
        figures.currencies.setdefault(line.currency, Worth()).add(line, line.currency, line.rate)
    if line.kind is not LineKind.SALE:
        return
    first, last = figures.first_at, figures.last_at
    figures.first_at = line.at if first is None else min(first, line.at)
    figures.last_at = line.at if last is None else max(last, line.at)
