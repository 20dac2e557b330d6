"""The balance page in words: amounts, times of the store's zone, and what each line was."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from host import dates
from host.ledger.balance import Left, Line
from host.ledger.records import EntryKind
from host.money import sat_text

_SPACE: Final = "\u00a0"
"""A space that never breaks a line."""

_WORDS: Final = {
    EntryKind.SETTLE: ("Paid", "out", "−"),
    EntryKind.HOLD: ("Being checked", "wait", "…"),
    EntryKind.RELEASE: ("Not paid", "not", "×"),
    EntryKind.REFUND: ("Given back", "in", "+"),
    EntryKind.TOP_UP: ("Filled", "in", "+"),
    EntryKind.FUND: ("Filled", "in", "+"),
    EntryKind.ADJUST: ("Corrected", "in", "±"),
}


class LineWords(NamedTuple):
    """One line of the history as it is shown."""

    words: str
    look: str
    sign: str
    time: str
    machine: str
    amount: str


class LimitWords(NamedTuple):
    """One limit as it is shown, and as numbers for its bar."""

    words: str
    left: str
    limit: str
    value: int
    max: int


def sats(amount_msat: int) -> str:
    """Satoshi grouped by thousands, on one line."""
    return sat_text(amount_msat).replace(" ", _SPACE)


def when(at: int, timezone: str) -> str:
    """A time (UTC epoch ms) in the store's zone, e.g. `2 Mar 2026, 14:07`."""
    moment = datetime.fromtimestamp(at / 1_000, _zone(timezone))
    return f"{dates.day_words(moment)}, {moment:%H:%M}"


def zone_name(timezone: str) -> str:
    """The zone as people read it."""
    return "UTC" if _zone(timezone) is UTC else timezone.replace("_", " ")


def line(one: Line, timezone: str) -> LineWords:
    """One line of the history; what is only held or came to nothing says so."""
    words, look, sign = _WORDS[one.kind]
    machine = datetime.fromtimestamp(one.at / 1_000, UTC).isoformat(timespec="seconds")
    plus = "+" if one.amount_msat > 0 else ""
    amount = "–" if one.kind is EntryKind.RELEASE else f"{plus}{sats(one.amount_msat)}"
    return LineWords(words, look, sign, when(one.at, timezone), machine, amount.replace("-", "−"))


def limit(words: str, one: Left, *, money: bool) -> LimitWords:
    """What is left of a limit, in satoshi or as a count."""
    left, most = (sats(n) if money else str(n) for n in (one.left, one.limit))
    return LimitWords(words, left, most, one.left, max(1, one.limit))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
