"""The business day of a store: it begins at the cut-off hour, in the store's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from host.ledger.errors import LedgerError


@lru_cache(maxsize=64)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


def check_timezone(timezone: str) -> str:
    """Return the name of a known time zone, or raise `LedgerError`."""
    try:
        _zone(timezone)
    except (KeyError, ValueError, OSError):
        raise LedgerError(
            f"timezone: {timezone!r} is not known; write one like Europe/Vienna"
        ) from None
    return timezone


def business_day(at: int, timezone: str, cutoff_hour: int) -> str:
    """The day an instant (epoch ms) belongs to, as ISO text.

    The cut-off is an hour on the wall: on the days the clocks change it stays at that hour.
    """
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(_zone(timezone)).replace(tzinfo=None)
    return (local - timedelta(hours=cutoff_hour)).date().isoformat()
