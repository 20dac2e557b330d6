"""Amounts and times as a receipt says them, in the language that is spoken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from host.language import SOURCE, current
from host.ledger.rates import minor_unit
from host.money import sat_text


@dataclass(frozen=True, slots=True)
class Style:
    """How a language writes money (Unicode CLDR): separators, signs, and where those stand."""

    group: str
    point: str
    signs: dict[str, str]
    sign_first: bool
    groups_from: int
    """The least that is grouped: four digits stand together in Spanish."""


_STYLES: Final = {
    SOURCE: Style(",", ".", {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}, True, 1_000),
    "es": Style(".", ",", {"EUR": "€", "GBP": "£"}, False, 10_000),
}
"""Signs that every receipt printer has; other currencies are written with their code."""


def sats(amount_msat: int) -> str:
    """An amount with its unit."""
    return f"{sat_text(amount_msat)} sats"


def money(value: Decimal, currency: str) -> str:
    """An amount of a currency, to its smallest unit: `€1,234.50`, `1234,50 €`, `105.00 INR`."""
    style = _STYLES.get(current(), _STYLES[SOURCE])
    exact = value.quantize(minor_unit(currency), ROUND_HALF_UP)
    digits = f"{exact:,f}" if exact >= style.groups_from else f"{exact:f}"
    text = "".join({",": style.group, ".": style.point}.get(one, one) for one in digits)
    sign = style.signs.get(currency)
    return f"{sign}{text}" if sign and style.sign_first else f"{text} {sign or currency}"


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
