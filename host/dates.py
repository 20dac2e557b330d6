"""Days as people write them, in the language that is spoken."""

from __future__ import annotations

from datetime import date
from typing import Final

from host.language import gettext as _
from host.language import marked as N_

_MONTHS: Final = (
    *(N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun")),
    *(N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec")),
)


def day_month(day: date) -> str:
    """A day of a year that is clear: `2 Mar`."""
    return f"{day.day} {_(_MONTHS[day.month - 1])}"


def month_year(day: date) -> str:
    """The month of a day: `Mar 2026`."""
    return f"{_(_MONTHS[day.month - 1])} {day.year}"


def day_words(day: date) -> str:
    """A day: `2 Mar 2026`."""
    return f"{day.day} {month_year(day)}"
