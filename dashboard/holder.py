"""Holders at the counter: they see their card on the shop's screen, and choose its PIN.

The till begins it and lends its reader (`host.visits`); the holder signs in nowhere. What is shown
is in the page alone and goes with the visit.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from dashboard.access import permit, person
from dashboard.forms import done, secret, text
from dashboard.room import here, our_store, terminal
from host.language import said
from host.ledger import cards
from host.ledger.balance import Balance
from host.ledger.codes import Refused
from host.lnurl import balance_words as words
from host.visits import Kind, Visit, Visits

bp = Blueprint("holder", __name__, url_prefix="/holder")


def visits() -> Visits:
    """The holders at this shop's readers."""
    found = here().visits
    if found is None:
        abort(404)
    return found


@bp.get("")
@permit("sale.charge")
def page() -> str:
    """What the holder sees, or the button to begin."""
    return render_template("holder.html", **_told())


@bp.get("/part")
@permit("sale.charge")
def part() -> str:
    """What changes of the page, for its script."""
    return render_template("_holder.html", **_told())


@bp.post("/look")
@permit("sale.charge")
def look() -> Response:
    """Let a holder see what is on a card."""
    return _begin(Kind.LOOK, None)


@bp.post("/choose-pin")
@permit("card.provision", "card.limits")
def choose_pin() -> Response:
    """Let the holder of this card choose its PIN."""
    return _begin(Kind.PIN, text("card_id"))


@bp.post("/open")
@permit("sale.charge")
def open_with() -> Response:
    """The PIN of a card that shows nothing without it."""
    visits().open_with(terminal(), secret("pin"))
    return redirect(url_for("holder.page"), 303)


@bp.post("/pin")
@permit("sale.charge")
def pin() -> Response:
    """The holder's new PIN, typed twice."""

    def choose() -> None:
        visits().choose(terminal(), secret("pin"), secret("again"))

    return done(choose, "The PIN is set.", url_for("holder.page"))


@bp.post("/end")
@permit("sale.charge")
def end() -> ResponseReturnValue:
    """Show nothing more; the till has its reader back."""
    visits().end(terminal())
    return redirect(url_for("till.page"), 303)


def _begin(kind: Kind, card_id: str | None) -> Response:
    who = person()
    if who is None:
        abort(401)

    begun = visits().begin(kind, terminal(), who, card_id)
    if isinstance(begun, Refused):
        flash("{}. {}".format(*said(begun.code.words)), "problem")
    return redirect(url_for("holder.page"), 303)


def _told() -> dict[str, Any]:
    """Everything the page says, from the visit alone."""
    visit = visits().at(terminal())
    told: dict[str, Any] = {"visit": visit, "card": _card(visit), "version": _version(visit)}
    if visit is None or visit.balance is None:
        return told
    zone = our_store().timezone
    found = visit.balance
    return told | {
        "found": found,
        "limits": _limits(found),
        "lines": [words.line(one, zone) for one in found.history],
        "looked": words.when(found.looked_before, zone) if found.looked_before else None,
    }


def _version(visit: Visit | None) -> str:
    """Another one whenever the page has something else to say."""
    if visit is None:
        return "none"
    return f"{visit.visit_id}.{visit.step}.{visit.problem.says if visit.problem else ''}"


def _card(visit: Visit | None) -> str:
    """The name of the card that the visit is about."""
    found = cards.get(here().db, visit.card_id) if visit and visit.card_id else None
    return found.alias if found is not None else ""


def _limits(found: Balance) -> list[words.LimitWords]:
    told = (
        ("Last 24 hours", found.day, True),
        ("Last 30 days", found.month, True),
        ("Payments in 24 hours", found.count, False),
    )
    return [words.limit(name, one, money=money) for name, one, money in told if one is not None]
