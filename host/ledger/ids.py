"""Ids: short text that sorts by time and cannot be guessed."""

from __future__ import annotations

import os
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter is taken for a digit."""
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]
_RANDOM_BYTES: Final = 7
_TIME_BITS: Final = 44
"""Milliseconds until the year 2527."""


def new(now: int) -> str:
    """20 letters: 44 bits of time (epoch ms), 56 bits of chance."""
    number = (now & ((1 << _TIME_BITS) - 1)) << 8 * _RANDOM_BYTES
    number |= int.from_bytes(os.urandom(_RANDOM_BYTES), "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(90, -1, -10)])
