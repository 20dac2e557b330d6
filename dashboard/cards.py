"""What every card of the store did, and each of them alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from flask import Blueprint, abort, render_template, request

from dashboard import filters
from dashboard.access import asked_store, may_in_store, open_stores, permit_in_store
from dashboard.errors import FieldProblem
from dashboard.filters import MAX_TEXT
from dashboard.formats import zone_words
from dashboard.forms import typed_moment
from dashboard.room import here, store_time
from dashboard.timeline import gap_words
from host.ledger import (
    attempts,
    cards,
    pull_payments,
    views,
    views_cards,
    views_payouts,
    views_totals,
)
from host.ledger.records import Card, CardState, PayoutStatus, Store
from host.ledger.views_cards import CardList
from host.ledger.views_payouts import PayoutList
from host.ledger.views_totals import Range
from host.money import MSAT_PER_SAT

PER_PAGE: Final = 100
HISTORY: Final = 20
USAGE_DAYS: Final = 30

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


class LimitLine(NamedTuple):
    """One limit in words, with what is used of it; None is no limit."""

    words: str
    limit: int | None
    used: int | None
    unit: str


class UsageDay(NamedTuple):
    """What a card paid on one day, for a bar and for a row."""

    day: str
    payouts: int
    amount_msat: int


@bp.get("")
@permit_in_store("card.view")
def page() -> str:
    """One page of cards with what they paid; `?after=` is the card after which it begins."""
    context, store = here(), asked_store()
    which = read_list(store.store_id)
    found = views_cards.page(context.db, which, after=request.args.get("after"), limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    return render_template(
        "cards.html",
        cards=shown,
        which=which,
        usage=views_cards.usage_of(context.db, [card.card_id for card in shown]),
        more=shown[-1].card_id if len(found) > PER_PAGE else None,
        states=STATES,
        **_frame(store),
    )


@bp.get("/<card_id>")
@permit_in_store("card.view")
def one(card_id: str) -> str:
    """A card: its state, its limits and what is used of them, its days, its taps."""
    context, store, card = here(), asked_store(), ours(card_id)
    usage = views_cards.usage_of(context.db, [card_id]).get(card_id)
    return render_template(
        "card.html",
        card=card,
        account=pull_payments.get(context.db, card.pull_payment_id),
        usage=usage,
        limits=_limits(card),
        days=_days(store, card),
        history=_history(store, card) if may_in_store("payout.view") else [],
        refused=attempts.of_card(context.db, card_id, store.store_id, limit=HISTORY),
        gap_words=gap_words,
        long_ago=filters.long_ago(store),
        states=STATES,
        sats_of=sats_typed,
        moment_of=lambda at: typed_moment(at, store.timezone),
        **_frame(store),
    )


def read_list(store_id: str) -> CardList:
    """Which cards a request's address asks for; raises `FieldProblem` naming the field."""
    text = request.args.get("q", "").strip()
    if len(text) > MAX_TEXT or not text.isprintable():
        raise FieldProblem("q", f"at most {MAX_TEXT} characters on one line")
    return CardList(store_id, text, _state())


def ours(card_id: str) -> Card:
    """A card of the store that was asked for; another store's is not there."""
    card = its_card(card_id)
    if card is None:
        abort(404)
    return card


def its_card(card_id: str) -> Card | None:
    """A card of the store that was asked for, if there is one of this id."""
    card = cards.get(here().db, card_id)
    return card if card is not None and card.store_id == asked_store().store_id else None


def sats_typed(amount_msat: int | None) -> str:
    """An amount as it is typed into a form, in sats; empty for none."""
    return "" if amount_msat is None else str(amount_msat // MSAT_PER_SAT)


def _frame(store: Store) -> dict[str, Any]:
    return {
        "store": store,
        "stores": open_stores(),
        "zone": zone_words(here().clock.now(), store.timezone),
        "local": store_time(store),
    }


def _state() -> CardState | None:
    text = request.args.get("state", "")
    try:
        return CardState(text) if text else None
    except ValueError:
        raise FieldProblem("state", f"must be one of {', '.join(CardState)}") from None


def _limits(card: Card) -> list[LimitLine]:
    used = views_cards.used(here().db, card.card_id)
    limits = card.limits
    return [
        LimitLine("One payment", limits.tap_msat, None, "sats"),
        LimitLine("Last 24 hours", limits.day_msat, used.day.msat, "sats"),
        LimitLine("Last 30 days", limits.month_msat, used.month.msat, "sats"),
        LimitLine("Payments in 24 hours", limits.count, used.day.taps, ""),
    ]


def _days(store: Store, card: Card) -> list[UsageDay]:
    """The last days of a card, also those without a payment."""
    db = here().db
    today = date.fromisoformat(views.today(db, store.store_id))
    since = (today - timedelta(days=USAGE_DAYS - 1)).isoformat()
    which = Range(store.store_id, since, today.isoformat(), (card.card_id,))
    paid = {
        one.day: one
        for one in views_totals.by_day(db, which)
        if one.status is PayoutStatus.COMPLETED
    }
    return [
        UsageDay(day, paid[day].payouts, paid[day].amount_msat)
        if day in paid
        else UsageDay(day, 0, 0)
        for day in which.days()
    ]


def _history(store: Store, card: Card) -> list[Any]:
    """The newest payouts of a card, however long ago."""
    until = date.fromtimestamp(here().clock.now() // 1000) + timedelta(days=2)
    which = PayoutList(store.store_id, "1971-01-01", until.isoformat(), cards=(card.card_id,))
    return views_payouts.page(here().db, which, limit=HISTORY)
