"""The section "Tips" of a store's settings: what its template is given, and what it saves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard import forms
from dashboard.errors import FieldProblem
from dashboard.room import here
from host.ledger import settings
from host.ledger.records import Store
from host.ledger.tips import MOST_CHOICES, TIPS, Tips


def values(store: Store) -> Mapping[str, Any]:
    """What stands in the form."""
    return {"tips": settings.get(here().db, store.store_id, TIPS), "most": MOST_CHOICES}


def save(store: Store, person_id: str | None) -> None:
    """Keep what was chosen; raises `FieldProblem` or `LedgerError`, which the page shows."""
    tips = Tips(bool(forms.text("on")), _percents(), bool(forms.text("own")))
    settings.put(here().db, store.store_id, TIPS, tips, person_id)


def _percents() -> tuple[int, ...]:
    typed = re.split(r"[\s,;%]+", forms.text("percents"))
    numbers = [one for one in typed if one]
    if not all(one.isascii() and one.isdigit() and len(one) < 4 for one in numbers):
        raise FieldProblem("percents", "write whole numbers like 5, 10, 15")
    return tuple(sorted({int(one) for one in numbers}))
