"""Payouts, newest first, narrowed to what was asked for, and each of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import exports, filters, forms
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.filters import Filters
from dashboard.formats import grouped, zone_words
from dashboard.room import here, store_time
from dashboard.timeline import gap_words, timeline
from host.ledger import by_hand, cards, payouts, views_both, views_history
from host.ledger.records import Payout, PayoutStatus
from host.ledger.views import COUNT_CAP
from host.ledger.views_history import Imported

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
    found = views_both.page(context.db, asked.payouts(), before=before, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    count = views_both.count(context.db, asked.payouts())
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
    frame = {
        "zone": zone_words(payout.created_at, store.timezone),
        "local": store_time(store),
        "payout": payout,
    }
    if isinstance(payout, Imported):
        return render_template("payout_imported.html", **frame)
    card = cards.get(here().db, payout.boltcard_id)
    steps = timeline(here().db, payout)
    return render_template("payout.html", card=card, gap=gap_words(payout), steps=steps, **frame)


@bp.post("/<payout_id>/settle")
@permit_in_store("payout.resolve")
def settle(payout_id: str) -> Response:
    """It was paid, says a manager, and gives the preimage that proves it."""
    _undecided(payout_id)

    def act() -> None:
        try:
            proof = bytes.fromhex(forms.text("preimage"))
        except ValueError:
            raise FieldProblem("preimage", "must be 64 hex digits") from None
        fee = forms.limit("fee") or 0
        by_hand.settle(here().db, payout_id, proof, person(), fee_msat=fee)

    return forms.done(act, "It was paid: the books say so.", url_for(".one", payout_id=payout_id))


@bp.post("/<payout_id>/release")
@permit_in_store("payout.resolve")
def release(payout_id: str) -> Response:
    """It was not paid, says a manager who types its amount to make sure."""
    payout = _undecided(payout_id)

    def act() -> None:
        if forms.amount("amount") != payout.amount_msat:
            raise FieldProblem("amount", "type the amount of the payout to release it")
        by_hand.release(here().db, payout_id, forms.text("reason"), person())

    words = "The money is the card's again."
    return forms.done(act, words, url_for(".one", payout_id=payout_id))


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


def ours(payout_id: str) -> Payout | Imported:
    """A payout of the store that was asked for; another store's is not there."""
    found = known(payout_id)
    if found is None:
        abort(404)
    return found


def known(payout_id: str) -> Payout | Imported | None:
    """A payout of the store that was asked for, if there is one of this id."""
    store_id = asked_store().store_id
    payout = payouts.get(here().db, payout_id)
    if payout is not None and payout.store_id == store_id:
        return payout
    return views_history.get(here().db, store_id, payout_id)


def _undecided(payout_id: str) -> Payout:
    """A payout of ours that may be ended by hand; what another system paid is over."""
    payout = ours(payout_id)
    if isinstance(payout, Imported):
        abort(404)
    return payout


def aliases(shown: Iterable[Payout | Imported]) -> dict[str | None, str]:
    """The aliases of the cards that these payouts name: as they are here, else as imported."""
    names: dict[str | None, str] = {}
    for one in shown:
        if isinstance(one, Imported) and one.boltcard_id and one.alias:
            names[one.boltcard_id] = one.alias
    card_ids = {one.boltcard_id for one in shown if one.boltcard_id}
    found = (cards.get(here().db, card_id) for card_id in card_ids)
    return names | {card.card_id: card.alias for card in found if card is not None}


def count_words(count: int) -> str:
    """How many, as far as it was counted."""
    return f"{grouped(COUNT_CAP)}+" if count > COUNT_CAP else grouped(count)
