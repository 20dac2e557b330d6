"""What every card of the store did."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask import Blueprint, render_template, request

from dashboard.access import permit
from dashboard.formats import zone_words
from dashboard.room import here, our_store, store_time
from host.ledger import cards, views
from host.ledger.records import CardState

PER_PAGE: Final = 100

bp = Blueprint("cards", __name__, url_prefix="/cards")


class StateLook(NamedTuple):
    """A card's state as a badge."""

    word: str
    look: str
    icon: str


STATES: Final = {
    CardState.NEW: StateLook("New", "wait", "clock"),
    CardState.ACTIVE: StateLook("Active", "yes", "check"),
    CardState.FROZEN: StateLook("Blocked", "no", "snow"),
    CardState.WIPED: StateLook("Wiped", "off", "dash"),
}


@bp.get("")
@permit("card.view")
def page() -> str:
    """One page of cards with what they paid; `?after=` is the card after which it begins."""
    context, store = here(), our_store()
    after = request.args.get("after")
    found = cards.all(context.db, store.store_id, after=after, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    return render_template(
        "cards.html",
        cards=shown,
        usage={one.boltcard_id: one for one in views.usage(context.db, store.store_id)},
        more=shown[-1].card_id if len(found) > PER_PAGE else None,
        states=STATES,
        store=store,
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
    )
