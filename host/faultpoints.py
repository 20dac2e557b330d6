"""Named places where a crash must lose nothing; tests and `make faults` crash there on purpose."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class FaultPoint(StrEnum):
    """Where on the way of a payment the process may die."""

    BEFORE_CLAIM = "before_claim"
    """The asker has a verified tap, nothing is written."""
    AFTER_CLAIM = "after_claim"
    """The claim is durable, the asker has no answer yet."""
    AFTER_TAKE = "after_take"
    """Processing is durable, the wallet has not been called."""
    BEFORE_SEND = "before_send"
    AFTER_SEND = "after_send"
    """The wallet has answered, nothing is written."""
    BEFORE_SETTLE = "before_settle"
    """It is known what to write: settled, free again, or still unknown."""
    AFTER_SETTLE = "after_settle"


Hook = Callable[[FaultPoint], None]


def nowhere(_point: FaultPoint) -> None:
    """The hook of every real run."""
