"""The section "Receipts" of a store's settings: what its template is given, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from dashboard import forms
from dashboard.errors import FieldProblem
from dashboard.room import here
from host.language import LANGUAGES
from host.ledger import print_jobs, settings
from host.ledger.records import Store
from host.receipts.choices import MAX_LINES, PAPERS_MM, RECEIPTS, ReceiptChoices


def values(store: Store) -> Mapping[str, Any]:
    """What stands in the form."""
    return {
        "choices": settings.get(here().db, store.store_id, RECEIPTS),
        "languages": LANGUAGES,
        "papers": PAPERS_MM,
        "max_lines": MAX_LINES,
        "printers": print_jobs.printers_of(here().db, store.store_id),
    }


def save(store: Store, person_id: str | None) -> None:
    """Keep what was chosen; raises `FieldProblem` or `LedgerError`, which the page shows."""
    choices = ReceiptChoices(
        header=_lines("header"),
        footer=_lines("footer"),
        language=forms.text("language"),
        automatic=bool(forms.text("automatic")),
        paper_mm=_paper(),
    )
    settings.put(here().db, store.store_id, RECEIPTS, choices, person_id)


def _lines(field: str) -> tuple[str, ...]:
    """The lines of a text, without blank ones."""
    typed = (" ".join(line.split()) for line in request.form.get(field, "").splitlines())
    return tuple(line for line in typed if line)


def _paper() -> int:
    number = forms.number("paper_mm")
    if number is None:
        raise FieldProblem("paper_mm", "must be 58 or 80")
    return number
