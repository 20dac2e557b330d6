"""Amounts and times as people read them; registered as template filters."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from host.language import decimal
from host.money import MSAT_PER_SAT, btc_text, sat_text

GROUP = "\u00a0"
"""A space that never breaks a line: groups the digits of an amount."""


def sats(amount_msat: int) -> str:
    """Satoshi grouped by thousands, without the unit."""
    return sat_text(amount_msat).replace(" ", GROUP)


def grouped(number: int) -> str:
    """A number grouped by thousands."""
    return f"{number:,}".replace(",", GROUP)


def fiat(number: object) -> str:
    """An amount of a currency, grouped by thousands: `12 345.67`, in Spanish `12 345,67`."""
    whole, _, rest = str(number).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return decimal(f"{sign}{grouped(int(digits))}{'.' if rest else ''}{rest}")


def btc(amount_msat: int) -> str:
    """BTC with 8 decimals, as the dashboard's guide shows amounts; part-satoshi are cut off."""
    cut = abs(amount_msat) - abs(amount_msat) % MSAT_PER_SAT
    return btc_text(-cut if amount_msat < 0 else cut)


def zone(name: str) -> tzinfo:
    """The store's time zone; UTC when the machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def when(at: int, timezone: str) -> str:
    """A time (UTC epoch ms) in the store's zone, e.g. `2026-03-02 14:07:31`."""
    return f"{datetime.fromtimestamp(at / 1000, zone(timezone)):%Y-%m-%d %H:%M:%S}"


def machine_time(at: int) -> str:
    """A time (UTC epoch ms) for `<time datetime>`: ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")


def zone_words(at: int, timezone: str) -> str:
    """The zone as people read it, with its offset at that time, e.g. `Europe/Rome, UTC+01:00`."""
    here = zone(timezone)
    name = timezone if here is not UTC else "UTC"
    offset = f"{datetime.fromtimestamp(at / 1000, here):%z}"
    return name if name == "UTC" else f"{name}, UTC{offset[:3]}:{offset[3:]}"


def ntag(uid: str | None) -> str:
    """A card's UID in pairs, as technicians write it: `04 A1 B2 …`."""
    return " ".join(uid[i : i + 2] for i in range(0, len(uid), 2)).upper() if uid else ""
