"""Pull payments, the accounts that cards draw on: opened, funded, extended, ended."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, url_for
from werkzeug.wrappers import Response

from dashboard import forms
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.cards import STATES, sats_typed
from dashboard.errors import FieldProblem
from dashboard.formats import zone_words
from dashboard.forms import typed_moment
from dashboard.room import here, store_time
from host.ledger import fees, people, pull_payments, terms, views_cards
from host.ledger.fees import FeePayer, FeePolicy
from host.ledger.records import EntryKind, PullPayment
from host.ledger.views_cards import CardList

CARDS_SHOWN = 50

bp = Blueprint("pull_payments", __name__, url_prefix="/pull-payments")


@bp.get("")
@permit_in_store("pull_payment.view")
def page() -> str:
    """Every account of the store with what is left in it."""
    store = asked_store()
    accounts = pull_payments.all(here().db, store.store_id)
    return render_template("pull_payments.html", accounts=accounts, **_frame())


@bp.get("/<pull_payment_id>")
@permit_in_store("pull_payment.view")
def one(pull_payment_id: str) -> str:
    """An account: its money, its terms, its cards, and what came in by hand."""
    account, store, db = _ours(pull_payment_id), asked_store(), here().db
    which = CardList(store.store_id, pull_payment_id=pull_payment_id)
    return render_template(
        "pull_payment.html",
        account=account,
        fees=fees.get(here().db, pull_payment_id),
        cards=views_cards.page(db, which, limit=CARDS_SHOWN),
        entries=pull_payments.entries_by_hand(db, pull_payment_id),
        names={one.person_id: one.name for one in people.every(db)},
        states=STATES,
        sats_of=sats_typed,
        moment_of=lambda at: typed_moment(at, store.timezone),
        **_frame(),
    )


@bp.post("")
@permit_in_store("pull_payment.fund")
def create() -> Response:
    """Open an account with nothing in it."""
    store = asked_store()

    def act() -> None:
        start, end = _dates()
        pull_payments.create(
            here().db,
            store.store_id,
            forms.text("name"),
            limit_msat=forms.limit("limit"),
            starts_at=start,
            ends_at=end,
            person=_who(),
        )

    return forms.done(act, "The pull payment is open. Fund it next.", url_for(".page"))


@bp.post("/<pull_payment_id>/fund")
@permit_in_store("pull_payment.fund")
def fund(pull_payment_id: str) -> Response:
    """Add money that came in by hand; the first is the funding, later ones are top-ups."""
    _ours(pull_payment_id)

    def act() -> None:
        db = here().db
        first = not pull_payments.entries_by_hand(db, pull_payment_id, limit=1)
        kind = EntryKind.FUND if first else EntryKind.TOP_UP
        amount, reason = forms.amount("amount"), forms.text("reason")
        pull_payments.fund(db, pull_payment_id, amount, reason, _who(), kind=kind)

    return _done(act, "The money is in the account.", pull_payment_id)


@bp.post("/<pull_payment_id>/terms")
@permit_in_store("pull_payment.fund")
def change_terms(pull_payment_id: str) -> Response:
    """Replace the limit, the start and the end; this is how an account is extended."""
    _ours(pull_payment_id)

    def act() -> None:
        start, end = _dates()
        limit = forms.limit("limit")
        terms.change(
            here().db,
            pull_payment_id,
            limit_msat=limit,
            starts_at=start,
            ends_at=end,
            person=_who(),
        )

    return _done(act, "The new terms hold from the next payment on.", pull_payment_id)


@bp.post("/<pull_payment_id>/fees")
@permit_in_store("pull_payment.fund")
def change_fees(pull_payment_id: str) -> Response:
    """Who pays what sending over Lightning costs, and how much at most."""
    _ours(pull_payment_id)

    def act() -> None:
        policy = FeePolicy(_payer(), forms.limit("base"), forms.number("ppm"))
        fees.set_policy(here().db, pull_payment_id, policy, _who())

    return _done(act, "The fees hold from the next payment on.", pull_payment_id)


@bp.post("/<pull_payment_id>/end")
@permit_in_store("pull_payment.fund")
def end(pull_payment_id: str) -> Response:
    """Close an account for good; the person confirms by typing its name."""
    account = _ours(pull_payment_id)

    def act() -> None:
        if forms.text("name") != account.name:
            raise FieldProblem("name", "type the name of the pull payment to end it")
        pull_payments.end(here().db, pull_payment_id, _who())

    return _done(act, "The pull payment has ended: its cards pay nothing more.", pull_payment_id)


def _ours(pull_payment_id: str) -> PullPayment:
    account = pull_payments.get(here().db, pull_payment_id)
    if account is None or account.store_id != asked_store().store_id:
        abort(404)
    return account


def _payer() -> FeePayer:
    try:
        return FeePayer(forms.text("payer"))
    except ValueError:
        raise FieldProblem("payer", f"must be one of {', '.join(FeePayer)}") from None


def _dates() -> tuple[int | None, int | None]:
    zone = asked_store().timezone
    start, end = forms.moment("starts_at", zone), forms.moment("ends_at", zone)
    if start is not None and end is not None and end <= start:
        raise FieldProblem("ends_at", "must be after the start")
    return start, end


def _frame() -> dict[str, Any]:
    store = asked_store()
    return {
        "store": store,
        "stores": open_stores(),
        "zone": zone_words(here().clock.now(), store.timezone),
        "local": store_time(store),
    }


def _who() -> str | None:
    who = person()
    return who.person_id if who is not None else None


def _done(act: forms.Act, words: str, pull_payment_id: str) -> Response:
    return forms.done(act, words, url_for(".one", pull_payment_id=pull_payment_id))
