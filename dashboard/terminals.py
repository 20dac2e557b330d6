"""Readers and terminals: where sales are charged, how each reader is, which devices are trusted."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from dashboard import forms
from dashboard.access import asked_store, open_stores, permit_in_store
from dashboard.devices import me, terminal_of_form
from dashboard.errors import FieldProblem
from dashboard.formats import zone_words
from dashboard.room import device, here, outside, store_time, terminal
from host.ledger import devices, people, sales, stores
from host.ledger.errors import LedgerError
from host.ledger.records import Store
from host.ledger.records import Terminal as Place

bp = Blueprint("terminals", __name__, url_prefix="/terminals")


@bp.get("")
@permit_in_store("store.manage")
def page() -> str:
    """Every terminal of the store: its reader, its dot, its newest sale and its devices."""
    return _page()


@bp.post("/<terminal_id>/name")
@permit_in_store("store.manage")
def rename(terminal_id: str) -> Response:
    """Call a terminal something else."""
    place = _ours(terminal_id)

    def act() -> None:
        stores.rename_terminal(here().db, place.terminal_id, forms.text("name"), me())

    return forms.done(act, "The terminal has its new name.", url_for(".page"))


@bp.post("/link")
@permit_in_store("store.manage")
def link() -> ResponseReturnValue:
    """A link that makes another browser a trusted till, once; it is shown now and never again."""
    name = forms.text("name")
    try:
        place = terminal_of_form()
        token = devices.one_time_link(here().db, name, place.terminal_id, me())
    except (FieldProblem, LedgerError) as error:
        flash(str(error), "problem")
        return redirect(url_for(".page"), 303)
    made = outside("devices.link", token=token)
    code = segno.make(made, error="m", micro=False)
    # Drawn with attributes alone: the policy of our pages allows no style inside a page.
    qr = Markup(code.svg_inline(border=4, omitsize=True, light="#fff"))  # noqa: S704
    return _page(once=made, once_for=name, qr=qr)


@bp.post("/devices/<device_id>/revoke")
@permit_in_store("store.manage")
def revoke(device_id: str) -> Response:
    """Trust a device no more; whoever is signed in there by PIN is out at once."""
    found = devices.get(here().db, device_id)
    if found is None or found.store_id != asked_store().store_id:
        abort(404)

    def act() -> None:
        devices.revoke(here().db, device_id, me())

    return forms.done(act, "The device is trusted no more.", url_for(".page"))


def _page(**more: Any) -> str:
    context, store = here(), asked_store()
    return render_template(
        "terminals.html",
        terminals=_terminals(store),
        this=terminal().terminal_id,
        device=device(),
        names={one.person_id: one.name for one in people.every(context.db)},
        store=store,
        stores=open_stores(),
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
        **({"once": None} | more),
    )


def _terminals(store: Store) -> list[dict[str, Any]]:
    context = here()
    trusted = devices.every(context.db, store.store_id)
    return [
        {
            "terminal": one,
            "reader": context.board.parts(one.terminal_id)[0],
            "sale": sales.latest(context.db, one.terminal_id),
            "devices": [each for each in trusted if each.terminal_id == one.terminal_id],
        }
        for one in stores.terminals(context.db, store.store_id)
    ]


def _ours(terminal_id: str) -> Place:
    found = stores.get_terminal(here().db, terminal_id)
    if found is None or found.store_id != asked_store().store_id:
        abort(404)
    return found
