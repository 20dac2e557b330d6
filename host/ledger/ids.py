"""Ids: short text that sorts by time and cannot be guessed."""

from __future__ import annotations

import os


def new(now: int) -> str:
    """21 hex digits: 11 of time (epoch ms, until the year 2527), 10 of chance."""
    return f"{now:011x}{os.urandom(5).hex()}"


def after(previous: str, now: int) -> str:
    """A new id that sorts after another one, also when the clock stood still or was set back."""
    return new(max(now, int(previous[:11], 16) + 1))
