"""Payouts, newest first, narrowed to what was asked for, and each of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint, abort, render_template, request

from dashboard import exports, filters
from dashboard.access import asked_store, open_stores, permit_in_store
from dashboard.filters import Filters
from dashboard.formats import grouped, zone_words
from dashboard.room import here, store_time
from dashboard.timeline import gap_words, timeline
from host.ledger import cards, payouts, views_payouts
from host.ledger.records import Payout, PayoutStatus
from host.ledger.views import COUNT_CAP

PER_PAGE: Final = 50

bp = Blueprint("payouts", __name__, url_prefix="/payouts")


@bp.get("")
@permit_in_store("payout.view")
def page() -> str:
    """The list alone; `?before=` is the payout after which it begins (keyset)."""
    return render_template("payouts.html", **listing(filters.read(request.args)))


def listing(asked: Filters) -> dict[str, Any]:
    """One page of a list, and all that its template needs."""
    context, store = here(), asked.store
    after = context.db.events.last_id()
    before = request.args.get("before")
    found = views_payouts.page(context.db, asked.payouts(), before=before, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    count = views_payouts.count(context.db, asked.payouts())
    return {
        "asked": asked,
        "payouts": shown,
        "aliases": aliases(shown),
        "more": shown[-1].payout_id if len(found) > PER_PAGE else None,
        "before": before,
        "after": after,
        "count": count_words(count),
        "statuses": list(PayoutStatus),
        "stores": open_stores(),
        "store": store,
        "zone": zone_words(context.clock.now(), store.timezone),
        "local": store_time(store),
    }


@bp.get("/<payout_id>")
@permit_in_store("payout.view")
def one(payout_id: str) -> str:
    """Everything about one payout that may be shown; its preimage may not."""
    store, payout = asked_store(), ours(payout_id)
    card = cards.get(here().db, payout.boltcard_id)
    return render_template(
        "payout.html",
        payout=payout,
        card=card,
        gap=gap_words(payout),
        steps=timeline(here().db, payout),
        zone=zone_words(payout.created_at, store.timezone),
        local=store_time(store),
    )


@bp.get("/export.csv")
@permit_in_store("payout.view")
def csv() -> Any:
    """The very list on the screen as CSV, streamed (UX rule 12)."""
    return exports.payouts_csv(filters.read(request.args))


@bp.get("/export.jsonl")
@permit_in_store("payout.view")
def jsonl() -> Any:
    """The very list on the screen as JSON lines, streamed."""
    return exports.payouts_jsonl(filters.read(request.args))


def ours(payout_id: str) -> Payout:
    """A payout of the store that was asked for; another store's is not there."""
    payout = payouts.get(here().db, payout_id)
    if payout is None or payout.store_id != asked_store().store_id:
        abort(404)
    return payout


def aliases(shown: Iterable[Payout]) -> dict[str, str]:
    """The aliases of the cards that these payouts name."""
    found = (cards.get(here().db, card_id) for card_id in {one.boltcard_id for one in shown})
    return {card.card_id: card.alias for card in found if card is not None}


def count_words(count: int) -> str:
    """How many, as far as it was counted."""
    return f"{grouped(COUNT_CAP)}+" if count > COUNT_CAP else grouped(count)
