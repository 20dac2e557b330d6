"""The overview's figures and lists as JSON, for programs of the shop (`/api/openapi.json`).

Names are those of the dashboard's guide in camelCase; an `amount` is BTC text with 8 decimals,
`amountSat` the same as an integer. Every answer has an ETag, so asking again costs little.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from dashboard import filters, overview
from dashboard.access import asked_store, permit_in_store
from dashboard.cards import its_card, read_list
from dashboard.errors import FieldProblem
from dashboard.formats import btc, machine_time
from dashboard.payouts import aliases, known, ours
from dashboard.room import here
from dashboard.stats import Period, Sum
from dashboard.timeline import gap_words, timeline
from host.ledger import views_both, views_cards
from host.ledger.records import Card, Payout, Usage
from host.ledger.views import COUNT_CAP
from host.ledger.views_history import Imported
from host.ledger.views_totals import Origin
from host.money import MSAT_PER_SAT

PER_PAGE: Final = 50
MAX_PER_PAGE: Final = 200
DESCRIPTION: Final = Path(__file__).with_name("openapi.json")

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/payouts")
@permit_in_store("payout.view")
def payouts() -> Response:
    """One page of payouts, newest first; `next` is the `before` of the page after."""
    asked, limit = filters.read(request.args), _limit()
    db = here().db
    before = _cursor("before", lambda payout_id: known(payout_id) is not None)
    found = views_both.page(db, asked.payouts(), before=before, limit=limit + 1)
    shown = found[:limit]
    count = views_both.count(db, asked.payouts())
    names = aliases(shown)
    return _answer(
        {
            "payouts": [_either_json(one, names.get(one.boltcard_id)) for one in shown],
            "next": shown[-1].payout_id if len(found) > limit else None,
            "count": min(count, COUNT_CAP),
            "countIsExact": count <= COUNT_CAP,
        }
    )


@bp.get("/payouts/<payout_id>")
@permit_in_store("payout.view")
def payout(payout_id: str) -> Response:
    """One payout with its tap explained and its life."""
    found = ours(payout_id)
    if isinstance(found, Imported):
        body = imported_json(found, aliases([found]).get(found.boltcard_id))
        return _answer(body | {"gapExplained": "", "timeline": []})
    steps = [
        {
            "at": machine_time(step.at) if step.at is not None else None,
            "event": step.words,
            "more": step.more,
        }
        for step in timeline(here().db, found)
    ]
    more = {"gapExplained": gap_words(found), "timeline": steps}
    return _answer(payout_json(found, aliases([found]).get(found.boltcard_id)) | more)


@bp.get("/stats")
@permit_in_store("payout.view")
def stats() -> Response:
    """The figures of the overview, those of the period before, and what its charts show."""
    asked = filters.read(request.args)
    found = overview.kept().get(asked)
    trends = [
        {
            "label": bar.label,
            "startDate": bar.since,
            "endDate": bar.until,
            "totalPayouts": bar.sums.total.payouts,
            **_amount("completedAmount", bar.sums.completed),
            **_amount("pendingAmount", bar.sums.pending),
        }
        for bar in found.bars
    ]
    top = [
        {
            "boltcardId": card.boltcard_id,
            "boltcardAlias": card.alias,
            "totalPayouts": card.payouts,
            **_amount("totalAmount", Sum(card.payouts, card.amount_msat)),
        }
        for card in found.top
    ]
    body = {"storeId": asked.store.store_id, "currency": "BTC", **_period(found.now)}
    return _answer(body | {"before": _period(found.before), "trends": trends, "topBoltcards": top})


@bp.get("/cards")
@permit_in_store("card.view")
def cards() -> Response:
    """One page of cards, oldest first; `next` is the `after` of the page after."""
    db, limit = here().db, _limit()
    which = read_list(asked_store().store_id)
    after = _cursor("after", lambda card_id: its_card(card_id) is not None)
    found = views_cards.page(db, which, after=after, limit=limit + 1)
    shown = found[:limit]
    usage = views_cards.usage_of(db, [card.card_id for card in shown])
    return _answer(
        {
            "cards": [card_json(card, usage.get(card.card_id)) for card in shown],
            "next": shown[-1].card_id if len(found) > limit else None,
        }
    )


@bp.get("/openapi.json")
@permit_in_store("payout.view", "card.view")
def description() -> Response:
    """What is here, as OpenAPI 3.1."""
    asked_store()
    return _answer(_description())


def payout_json(one: Payout, alias: str | None) -> dict[str, Any]:
    """A payout by allow-list: no preimage, and nothing only machines need (THREATS 29)."""
    return _common_json(one, alias) | {
        "currency": one.currency,
        "counter": one.counter,
        "gap": int(one.facts().get("gap", 0)),
        "route": one.route,
        "feeMsat": one.fee_msat,
        "origin": Origin.HERE,
    }


def imported_json(one: Imported, alias: str | None) -> dict[str, Any]:
    """A payout of another system: the same fields; those it did not tell are null."""
    untold = dict.fromkeys(("counter", "gap", "route", "feeMsat"))
    return _common_json(one, alias) | untold | {"currency": "BTC", "origin": Origin.IMPORTED}


def _common_json(one: Payout | Imported, alias: str | None) -> dict[str, Any]:
    """What is told of a payout, whoever made it."""
    return {
        "payoutId": one.payout_id,
        "pullPaymentId": one.pull_payment_id,
        "storeId": one.store_id,
        **_amount("amount", Sum(1, one.amount_msat)),
        "status": one.status,
        "createdAt": machine_time(one.created_at),
        "completedAt": machine_time(one.completed_at) if one.completed_at is not None else None,
        "businessDay": one.day,
        "boltcardId": one.boltcard_id,
        "boltcardNtag": one.boltcard_ntag,
        "boltcardAlias": alias,
        "recipientAddress": one.recipient_address,
        "transactionId": one.transaction_id,
        "errorMessage": one.error_message,
    }


def _either_json(one: Payout | Imported, alias: str | None) -> dict[str, Any]:
    return imported_json(one, alias) if isinstance(one, Imported) else payout_json(one, alias)


def card_json(card: Card, usage: Usage | None) -> dict[str, Any]:
    """A card by allow-list: no key and no hash."""
    total = Sum(usage.total_payouts, usage.total_amount_msat) if usage else Sum()
    first, last = (usage.first_used, usage.last_used) if usage else (None, None)
    return {
        "boltcardId": card.card_id,
        "boltcardNtag": card.uid,
        "boltcardAlias": card.alias,
        "storeId": card.store_id,
        "pullPaymentId": card.pull_payment_id,
        "state": card.state,
        "counter": card.last_counter,
        "totalPayouts": total.payouts,
        **_amount("totalAmount", total),
        "firstUsed": machine_time(first) if first is not None else None,
        "lastUsed": machine_time(last) if last is not None else None,
        "createdAt": machine_time(card.created_at),
    }


def _period(period: Period) -> dict[str, Any]:
    sums = period.sums
    return {
        "startDate": period.since,
        "endDate": period.until,
        "totalPayouts": sums.total.payouts,
        **_amount("totalAmount", sums.total),
        "pendingCount": sums.pending.payouts,
        **_amount("pendingAmount", sums.pending),
        "completedCount": sums.completed.payouts,
        **_amount("completedAmount", sums.completed),
        "importedCount": sums.imported.payouts,
        **_amount("importedAmount", sums.imported),
        "failedCount": sums.failed.payouts,
        **_amount("failedAmount", sums.failed),
        "activeBoltcards": period.active_cards,
    }


def _amount(name: str, total: Sum) -> dict[str, Any]:
    return {name: btc(total.amount_msat), f"{name}Sat": total.amount_msat // MSAT_PER_SAT}


def _limit() -> int:
    typed = request.args.get("limit", "").strip()
    if not typed:
        return PER_PAGE
    digits = typed.isascii() and typed.isdigit() and len(typed) < 10
    if not (digits and 1 <= int(typed) <= MAX_PER_PAGE):
        raise FieldProblem("limit", f"must be 1 to {MAX_PER_PAGE}")
    return int(typed)


def _cursor(field: str, is_there: Callable[[str], bool]) -> str | None:
    """Where a page begins: a `next` of ours. What never was would look like the end of the list."""
    typed = request.args.get(field) or None
    if typed is not None and not is_there(typed):
        raise FieldProblem(field, "is no `next` of this list", 404)
    return typed


def _answer(body: dict[str, Any]) -> Response:
    """The JSON, or 304 for somebody who has it already."""
    response = jsonify(body)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie"
    response.add_etag()
    response.make_conditional(request)
    return response


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text("utf-8"))
    return found
