"""When an invoice of ours is looked at: often while it may be paid, ever less often afterwards.

Pure: sales' invoices (`incoming`) and cards' (`topups`) differ only in how often they are looked at
while they are offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from host.clock import DAY, HOUR, MINUTE

AFTERWARDS_MS: Final = (MINUTE, 10 * MINUTE, HOUR, DAY)
"""When an invoice that is over is looked at once more: what is paid then is told, and not lost."""


class InvoiceState(StrEnum):
    """What became of an invoice that was handed out."""

    OFFERED = "offered"
    PAID = "paid"
    LATE = "late"
    """Paid although its sale was over; a card's money is never late."""
    OVER = "over"


def next_look(now: int, state: InvoiceState, looks: int, pauses_ms: Sequence[int]) -> int | None:
    """When to look again after so many looks in vain, UTC epoch ms; None is never again.

    `looks` counts those since the invoice is in this state. `pauses_ms` are the pauses while it is
    offered; the last one repeats, because what may be paid is never given up.
    """
    if state is InvoiceState.OFFERED:
        return now + pauses_ms[min(looks, len(pauses_ms) - 1)]
    if state is InvoiceState.OVER and looks < len(AFTERWARDS_MS):
        return now + AFTERWARDS_MS[looks]
    return None


def seldom(next_at: int | None, now: int, expires_at: int) -> int | None:
    """The same next look, an hour away at least for what nobody knows a day after its expiry.

    Such an invoice is of a wallet that is not in use, or that is gone: it is never given up, and
    it must not cost much either.
    """
    if next_at is None or now < expires_at + DAY:
        return next_at
    return max(next_at, now + HOUR)
