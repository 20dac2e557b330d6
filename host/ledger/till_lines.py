"""The lines of the tills: what reports count, numbered by the ledger's one writer as it became so.

The schema writes a line with the very change that it stands for (step 009), so no way of charging
can forget one. A report is a range of numbers: a clock that was set back moves no line from one
report to another, and whatever commits after a look has a higher number than all that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from host.ledger.records import SaleMethod, typed
from host.store.tx import Row, Tx


class LineKind(StrEnum):
    """What a line stands for."""

    SALE = "sale"
    REFUND = "refund"
    LATE = "late"
    """Money that came when its sale was over already: no sale of any report has it."""
    TOP_UP = "top-up"
    """Cash that was taken for a card's account; money over Lightning is not in the drawer."""
    FEE = "fee"
    """What sending money over Lightning cost the store beyond what the cards bore."""
    DECLINED = "declined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose lines: a store's, those of one of its terminals, or those of one shift."""

    store_id: str
    terminal_id: str | None = None
    shift_id: str | None = None

    def where(self) -> str:
        """Which lines `l` are meant, by an index that has them in their order."""
        if self.shift_id is not None:
            return "l.shift_id = :shift_id AND l.store_id = :store_id"
        if self.terminal_id is not None:
            return "l.terminal_id = :terminal_id AND l.store_id = :store_id"
        return "l.store_id = :store_id"

    def params(self) -> dict[str, str | None]:
        """What `where` names."""
        return {
            "store_id": self.store_id,
            "terminal_id": self.terminal_id,
            "shift_id": self.shift_id,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a report counts."""

    line_id: int
    at: int
    terminal_id: str | None
    person_id: str | None
    kind: LineKind
    subject: str
    sale_id: str | None
    method: SaleMethod | None
    """How its sale was paid, for sales and refunds."""
    amount_msat: int
    tip_msat: int
    currency: str | None = None
    rate: str | None = None
    """What one bitcoin cost when the sale was made."""

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {4: LineKind, 7: SaleMethod}))

    @property
    def signed_msat(self) -> int:
        """What the line adds to the takings; fees and refunds take away, others add nothing."""
        if self.kind in (LineKind.REFUND, LineKind.FEE):
            return -self.amount_msat
        return 0 if self.kind in (LineKind.DECLINED, LineKind.CANCELLED) else self.amount_msat


_LINES: Final = """
    SELECT l.line_id, l.at, l.terminal_id, l.person_id, l.kind, l.subject, l.sale_id,
        coalesce(l.method, s.method), l.amount_msat, l.tip_msat, s.currency, s.rate
    FROM till_lines l LEFT JOIN sales s ON s.sale_id = l.sale_id
    WHERE {} AND l.line_id > :after AND l.line_id <= :until ORDER BY l.line_id
"""

_NEWEST: Final = "SELECT max(l.line_id) FROM till_lines l WHERE {} AND l.line_id > :after"


def each(tx: Tx, scope: Scope, after: int, until: int) -> Iterator[Line]:
    """The lines above `after` up to and with `until`, in their order, one at a time."""
    params = {"after": after, "until": until, **scope.params()}
    for row in tx.each(_LINES.format(scope.where()), params):
        yield Line.of(row)


def newest(tx: Tx, scope: Scope, after: int = 0) -> int:
    """The highest number that a scope has, `after` when nothing came after it."""
    row = tx.one(_NEWEST.format(scope.where()), {"after": after, **scope.params()})
    return int(row[0]) if row and row[0] is not None else after
