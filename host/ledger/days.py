"""The business day of a store: it begins at the cut-off hour, in the store's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from host.clock import MINUTE
from host.ledger.errors import LedgerError


def check_timezone(timezone: str) -> str:
    """Return the name of a known time zone, or raise `LedgerError`."""
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise LedgerError("timezone: not known; write one like Europe/Vienna") from None
    return timezone


def business_day(at: int, timezone: str, cutoff_hour: int) -> str:
    """The day an instant (epoch ms) belongs to, as ISO text.

    The cut-off is an hour on the wall: on the days the clocks change it stays at that hour.
    """
    # Zones are whole minutes from UTC, so all of a minute is in one day: a busy till asks once.
    return _day_of_minute(at // MINUTE, timezone, cutoff_hour)


@lru_cache(maxsize=1024)
def _day_of_minute(minute: int, timezone: str, cutoff_hour: int) -> str:
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(timezone))
    return (local.replace(tzinfo=None) - timedelta(hours=cutoff_hour)).date().isoformat()


def begin_of(day: str, timezone: str, cutoff_hour: int) -> int:
    """When a business day begins (epoch ms)."""
    local = datetime.fromisoformat(day).replace(hour=cutoff_hour, tzinfo=ZoneInfo(timezone))
    return int(local.timestamp()) * 1000
