"""Recent payouts, newest first, and each of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask import Blueprint, abort, render_template, request

from dashboard.access import permit
from dashboard.formats import zone_words
from dashboard.room import here, our_store, store_time
from host.ledger import cards, payouts, views
from host.ledger.records import Payout

PER_PAGE: Final = 50

bp = Blueprint("payouts", __name__, url_prefix="/payouts")


@bp.get("")
@permit("payout.view")
def page() -> str:
    """One page of payouts; `?before=` is the payout after which it begins (keyset)."""
    context, store = here(), our_store()
    after = context.db.events.last_id()
    before = request.args.get("before")
    found = views.recent_payouts(context.db, store.store_id, before=before, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    return render_template(
        "payouts.html",
        payouts=shown,
        aliases=_aliases(shown),
        more=shown[-1].payout_id if len(found) > PER_PAGE else None,
        before=before,
        after=after,
        store=store,
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
    )


@bp.get("/<payout_id>")
@permit("payout.view")
def one(payout_id: str) -> str:
    """Everything about one payout that may be shown; its preimage may not."""
    store = our_store()
    payout = _ours(payout_id)
    return render_template(
        "payout.html",
        payout=payout,
        alias=_aliases([payout]).get(payout.boltcard_id),
        gap=payout.facts().get("gap", 0),
        zone=zone_words(payout.created_at, store.timezone),
        local=store_time(store),
    )


@bp.get("/<payout_id>/row")
@permit("payout.view")
def one_row(payout_id: str) -> str:
    """The row of one payout, for a list that is on the screen already."""
    payout = _ours(payout_id)
    return render_template(
        "_payout_row.html",
        payout=payout,
        aliases=_aliases([payout]),
        local=store_time(our_store()),
    )


def _ours(payout_id: str) -> Payout:
    payout = payouts.get(here().db, payout_id)
    if payout is None or payout.store_id != here().terminal.store_id:
        abort(404)
    return payout


def _aliases(shown: Iterable[Payout]) -> dict[str, str]:
    """The aliases of the cards that these payouts name."""
    found = (cards.get(here().db, card_id) for card_id in {one.boltcard_id for one in shown})
    return {card.card_id: card.alias for card in found if card is not None}
