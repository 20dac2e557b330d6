"""Amounts and times as a receipt says them, in the language that is spoken."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, get_currency_symbol

from host.language import current
from host.money import sat_text

_PRINTERS_HAVE = "cp858"
"""The code page that most receipt printers have, with the euro."""


def sats(amount_msat: int) -> str:
    """An amount with its unit."""
    return f"{sat_text(amount_msat)} sats"


def money(value: Decimal, currency: str) -> str:
    """An amount of a currency; with its code where printers do not have its sign."""
    language = current()
    sign = get_currency_symbol(currency, language)
    try:
        sign.encode(_PRINTERS_HAVE)
    except UnicodeEncodeError:
        sign = currency
    if sign != currency:
        return str(format_currency(value, currency, locale=language))
    return str(format_currency(value, currency, "#,##0.00 ¤¤", locale=language))


def moment(at: int, timezone: str) -> str:
    """A time (UTC epoch ms) on the store's clock, with its zone: in the hour that autumn has
    twice, only the zone says which one it was.
    """
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(timezone))
    name = local.tzname() or "UTC"
    return f"{local:%Y-%m-%d %H:%M} {name if name[0].isalpha() else f'UTC{name}'}"


def short(text: str) -> str:
    """The end of an id, as people read it out: it is found by it."""
    return f"{text[-10:-5]}-{text[-5:]}".upper()
