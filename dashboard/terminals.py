"""Readers and terminals: where sales are charged, and how each place is now."""

from __future__ import annotations

from flask import Blueprint, render_template

from dashboard.access import asked_store, open_stores, permit_in_store
from dashboard.formats import zone_words
from dashboard.room import here, store_time, terminal
from host.ledger import sales, stores

bp = Blueprint("terminals", __name__, url_prefix="/terminals")


@bp.get("")
@permit_in_store("store.manage")
def page() -> str:
    """Every terminal of the store with its reader, its dot and its newest sale."""
    context, store = here(), asked_store()
    found = stores.terminals(context.db, store.store_id)
    return render_template(
        "terminals.html",
        terminals=[
            {
                "terminal": one,
                "reader": context.board.parts(one.terminal_id)[0],
                "sale": sales.latest(context.db, one.terminal_id),
            }
            for one in found
        ],
        this=terminal().terminal_id,
        store=store,
        stores=open_stores(),
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
    )
