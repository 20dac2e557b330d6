"""Money: integer millisatoshi inside, text at the edges.

An amount is an `int` of millisatoshi (msat). It is never a float, and BTC text has exactly
8 decimals, so an amount below one satoshi has no BTC text and is refused instead of rounded.
"""

from __future__ import annotations

import re

MSAT_PER_SAT = 1_000
SAT_PER_BTC = 100_000_000
MSAT_PER_BTC = MSAT_PER_SAT * SAT_PER_BTC
MAX_MSAT = 21_000_000 * MSAT_PER_BTC

_AMOUNT = re.compile(
    r"(?P<int>[0-9]{1,16})(?:\.(?P<frac>[0-9]{1,11}))?\s*(?P<unit>[a-z]*)", re.ASCII
)
_UNITS = {
    "": MSAT_PER_SAT,
    "sat": MSAT_PER_SAT,
    "sats": MSAT_PER_SAT,
    "msat": 1,
    "btc": MSAT_PER_BTC,
}


def sats(amount_sat: int) -> int:
    """Millisatoshi of a whole number of satoshi."""
    return amount_sat * MSAT_PER_SAT


def check_amount(amount_msat: int, field: str = "amount") -> int:
    """Return a positive amount in msat, or raise `ValueError` that names the field."""
    if isinstance(amount_msat, bool) or not isinstance(amount_msat, int):
        raise ValueError(f"{field}: must be an integer number of millisatoshi")
    if not 0 < amount_msat <= MAX_MSAT:
        raise ValueError(f"{field}: must be above 0 and at most 21 million BTC")
    return amount_msat


def parse_amount(text: str, field: str = "amount") -> int:
    """Read `21000`, `21000 sat`, `500 msat` or `0.00021 btc` as msat; no unit means satoshi.

    Raises `ValueError` that names the field: not a number, an unknown unit, finer than 1 msat,
    zero, or more than 21 million BTC.
    """
    match = _AMOUNT.fullmatch(text.strip().lower())
    if match is None or match["unit"] not in _UNITS:
        raise ValueError(f"{field}: write an amount like 2100, 2100 sat or 0.000021 btc")
    scale = _UNITS[match["unit"]]
    frac = match["frac"] or ""
    whole, rest = divmod(int(match["int"] + frac) * scale, 10 ** len(frac))
    if rest:
        raise ValueError(f"{field}: finer than one millisatoshi")
    return check_amount(whole, field)


def btc_text(amount_msat: int) -> str:
    """BTC with exactly 8 decimals, as the dashboard's guide shows amounts.

    Raises `ValueError` for an amount that is not a whole number of satoshi.
    """
    sat, rest = divmod(abs(amount_msat), MSAT_PER_SAT)
    if rest:
        raise ValueError("amount: not a whole number of satoshi")
    whole, frac = divmod(sat, SAT_PER_BTC)
    return f"{'-' if amount_msat < 0 else ''}{whole}.{frac:08d}"


def sat_text(amount_msat: int) -> str:
    """Satoshi grouped by thousands, e.g. `21 000`; thousandths only where there are any."""
    sat, rest = divmod(abs(amount_msat), MSAT_PER_SAT)
    text = f"{sat:,}".replace(",", " ") + (f".{rest:03d}" if rest else "")
    return f"-{text}" if amount_msat < 0 else text
