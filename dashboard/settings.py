"""A store's settings, section by section: each one is a template and what is done with its form.

To add a section: write `templates/settings/NAME.html` (the fields of its form), and one `Section`
in `SECTIONS`. Everything else is here: the form, its refusal inside it, the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

from flask import Blueprint, abort, render_template, url_for
from werkzeug.wrappers import Response

from dashboard import forms, receipt_choices, tip_choices
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.formats import zone, zone_words
from dashboard.room import here, store_time
from host.ledger import rates, settings, stores
from host.ledger.devices import TILL_LOCK, TillLock
from host.ledger.rates import NO_CURRENCY
from host.ledger.records import Store

bp = Blueprint("settings", __name__, url_prefix="/settings")


class Section(NamedTuple):
    """One subject of the page: what its template is given, and what saves its form."""

    name: str
    title: str
    about: str
    values: Callable[[Store], Mapping[str, Any]]
    save: Callable[[Store, str | None], None]
    """Reads the form and changes the store, as this person; raises `FieldProblem` or
    `LedgerError`, which the page shows inside the form."""
    done: str


@bp.get("")
@permit_in_store("store.manage")
def page() -> str:
    """Every section of one store."""
    store = asked_store()
    return render_template(
        "settings.html",
        sections=[(one, one.values(store)) for one in SECTIONS],
        store=store,
        stores=open_stores(),
        zone=zone_words(here().clock.now(), store.timezone),
        local=store_time(store),
    )


@bp.post("/<section>")
@permit_in_store("store.manage")
def save(section: str) -> Response:
    """Save the form of one section."""
    one = next((one for one in SECTIONS if one.name == section), None)
    if one is None:
        abort(404)
    store, who = asked_store(), person()
    person_id = who.person_id if who is not None else None
    return forms.done(lambda: one.save(store, person_id), one.done, url_for(".page"))


def _no_values(_: Store) -> Mapping[str, Any]:
    return {}


def _save_name(store: Store, person_id: str | None) -> None:
    stores.change(here().db, store.store_id, person_id, name=forms.text("name"))


def _money(store: Store) -> Mapping[str, Any]:
    rate = rates.of_store(here().db, store.store_id)
    now = here().clock.now()
    stale = rate is not None and rate.is_stale(now)
    return {"rate": rate, "stale": stale, "none": store.currency == NO_CURRENCY}


def _save_money(store: Store, person_id: str | None) -> None:
    currency = forms.text("currency").upper() or NO_CURRENCY
    stores.change(here().db, store.store_id, person_id, currency=currency)


def _day(store: Store) -> Mapping[str, Any]:
    now = datetime.fromtimestamp(here().clock.now() / 1000, zone(store.timezone))
    return {"zones": sorted(available_timezones()), "now": f"{now:%H:%M}"}


def _save_day(store: Store, person_id: str | None) -> None:
    stores.change(
        here().db,
        store.store_id,
        person_id,
        timezone=forms.text("timezone"),
        cutoff_hour=forms.number("cutoff_hour"),
    )


def _lock(store: Store) -> Mapping[str, Any]:
    return {"minutes": settings.get(here().db, store.store_id, TILL_LOCK).minutes}


def _save_lock(store: Store, person_id: str | None) -> None:
    value = TillLock(forms.number("minutes") or 0)
    settings.put(here().db, store.store_id, TILL_LOCK, value, person_id)


SECTIONS: Final = (
    Section(
        "name",
        "Name",
        "It stands on the till, on receipts and on the pages of card holders.",
        _no_values,
        _save_name,
        "The store has its new name.",
    ),
    Section(
        "money",
        "Currency",
        "Shown beside satoshi, which every amount is kept in.",
        _money,
        _save_money,
        "The currency holds from the next sale on; sales that were made keep theirs.",
    ),
    Section(
        "day",
        "Business day",
        "Which day a sale or a payout belongs to.",
        _day,
        _save_day,
        "The business day is changed from now on; past days stay as they are.",
    ),
    Section(
        "lock",
        "Lock of the tills",
        "When a till that nobody uses asks for the PIN again.",
        _lock,
        _save_lock,
        "It holds for everybody who signs in from now on.",
    ),
    Section(
        "tips",
        "Tips",
        "What the till offers after Charge, before the card is tapped.",
        tip_choices.values,
        tip_choices.save,
        "The till asks like this from the next sale on.",
    ),
    Section(
        "receipts",
        "Receipts",
        "What stands above and below them, and whether they print by themselves.",
        receipt_choices.values,
        receipt_choices.save,
        "The next receipt is printed like this.",
    ),
)
