"""What a manager, or a technician, changes about a card; each change is audited in the ledger."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from dashboard import forms
from dashboard.access import asked_store, permit_in_store, person
from dashboard.cards import ours
from dashboard.errors import FieldProblem
from dashboard.room import here
from host.ledger import cards, topups
from host.ledger.records import CardState, Limits

bp = Blueprint("card_changes", __name__, url_prefix="/cards")


@bp.post("/<card_id>/freeze")
@permit_in_store("card.block")
def freeze(card_id: str) -> Response:
    """Block a card from now on, also a tap that was scanned but not claimed yet."""
    card = ours(card_id)

    def act() -> None:
        if card.state is not CardState.ACTIVE:
            raise FieldProblem("card", "only an active card can be blocked")
        cards.freeze(here().db, card_id, _who())

    return _done(act, "The card is blocked: no tap of it is paid from now on.", card_id)


@bp.post("/<card_id>/unfreeze")
@permit_in_store("card.block")
def unfreeze(card_id: str) -> Response:
    """Let a blocked card pay again."""
    card = ours(card_id)

    def act() -> None:
        if card.state is not CardState.FROZEN:
            raise FieldProblem("card", "only a blocked card can be unblocked")
        cards.unfreeze(here().db, card_id, _who())

    return _done(act, "The card pays again.", card_id)


@bp.post("/<card_id>/alias")
@permit_in_store("card.limits")
def alias(card_id: str) -> Response:
    """Give the card another name."""
    ours(card_id)
    return _done(
        lambda: cards.rename(here().db, card_id, forms.text("alias"), _who()),
        "The card has its new name.",
        card_id,
    )


@bp.post("/<card_id>/limits")
@permit_in_store("card.limits")
def limits(card_id: str) -> Response:
    """Replace all limits; blank is none."""
    ours(card_id)

    def act() -> None:
        wanted = Limits(
            forms.limit("limit_tap"),
            forms.limit("limit_day"),
            forms.limit("limit_month"),
            forms.number("limit_count"),
        )
        cards.set_limits(here().db, card_id, wanted, _who())

    return _done(act, "The limits hold from the next payment on.", card_id)


@bp.post("/<card_id>/top-up")
@permit_in_store("card.top_up")
def top_up(card_id: str) -> Response:
    """Fill the card with money that was handed over."""
    ours(card_id)

    def act() -> None:
        amount, reason = forms.amount("amount"), forms.text("reason")
        topups.by_hand(here().db, card_id, amount, reason, person())

    return _done(act, "The money is on the card.", card_id)


@bp.post("/<card_id>/dates")
@permit_in_store("card.limits")
def dates(card_id: str) -> Response:
    """From when and until when the card pays; blank is open."""
    ours(card_id)
    zone = asked_store().timezone

    def act() -> None:
        start, end = forms.moment("starts_at", zone), forms.moment("ends_at", zone)
        if start is not None and end is not None and end <= start:
            raise FieldProblem("ends_at", "must be after the start")
        cards.set_dates(here().db, card_id, start, end, _who())

    return _done(act, "The card's dates are changed.", card_id)


@bp.post("/<card_id>/pin")
@permit_in_store("card.limits")
def pin(card_id: str) -> Response:
    """Set a PIN and from which amount on it is asked for; blank is always."""
    ours(card_id)

    def act() -> None:
        least = forms.limit("pin_limit") or 0
        cards.set_pin(here().db, card_id, forms.text("pin"), limit_msat=least, person=_who())

    return _done(act, "The card has a new PIN.", card_id)


@bp.post("/<card_id>/pin/remove")
@permit_in_store("card.limits")
def pin_remove(card_id: str) -> Response:
    """Ask for no PIN any more."""
    ours(card_id)
    return _done(
        lambda: cards.set_pin(here().db, card_id, None, person=_who()),
        "The card needs no PIN any more.",
        card_id,
    )


@bp.post("/<card_id>/pin/unlock")
@permit_in_store("card.limits")
def pin_unlock(card_id: str) -> Response:
    """Let the PIN be tried again."""
    ours(card_id)
    return _done(
        lambda: cards.unlock_pin(here().db, card_id, _who()), "The PIN can be tried again.", card_id
    )


def _who() -> str | None:
    who = person()
    return who.person_id if who is not None else None


def _done(act: forms.Act, words: str, card_id: str) -> Response:
    return forms.done(act, words, url_for("cards.one", card_id=card_id))
