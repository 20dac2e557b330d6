"""People and roles: who works here, what each role may do, and links that sign somebody in."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from dashboard import forms
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.formats import zone_words
from dashboard.room import here, outside, store_time
from host.ledger import people, roles, stores
from host.ledger.permissions import PERMISSIONS, Person, Role

WORDS: Final = {
    "sale.charge": "charge sales",
    "sale.view": "see the sales of the till",
    "drawer.open": "open the cash drawer",
    "sale.refund": "refund a sale",
    "shift.work": "open and close a shift of one's own",
    "card.view": "see cards",
    "card.provision": "make, check, repair and wipe cards",
    "card.block": "block and unblock cards",
    "card.limits": "change limits, PINs and aliases",
    "card.top_up": "fill cards with cash",
    "payout.resolve": "settle or release a payout by hand",
    "payout.view": "see payouts and the overview",
    "pull_payment.view": "see pull payments",
    "pull_payment.fund": "open, fund, extend and end pull payments",
    "report.view": "see reports",
    "report.close": "close a day with a Z report",
    "audit.view": "read the audit trail",
    "people.manage": "manage people",
    "store.manage": "manage the store",
}

bp = Blueprint("team", __name__, url_prefix="/people")


@bp.get("")
@permit_in_store("people.manage")
def page() -> str:
    """Everybody this manager may manage, and what each role may do."""
    return _page()


@bp.post("")
@permit_in_store("people.manage")
def create() -> Response:
    """Add somebody; a link or a password lets them in later."""

    def act() -> None:
        role, store_id = _role(), _store()
        people.create(here().db, forms.text("name"), role, store_id=store_id, by=_me().person_id)

    return _done(act, "Added. Make a sign-in link for them next.")


@bp.post("/<person_id>/link")
@permit_in_store("people.manage")
def link(person_id: str) -> ResponseReturnValue:
    """A link that signs somebody in once; it is shown now and never again."""
    someone = _ours(person_id)
    token = people.one_time_link(here().db, person_id, by=_me().person_id)
    return _page(once=outside("signin.link", token=token), once_for=someone.name)


@bp.post("/<person_id>/pin")
@permit_in_store("people.manage")
def pin(person_id: str) -> Response:
    """Give somebody a PIN for trusted tills; every session of theirs ends."""
    someone = _ours(person_id)

    def act() -> None:
        typed = forms.secret("pin")
        if typed != forms.secret("again"):
            raise FieldProblem("again", "is not the same PIN")
        people.set_pin(here().db, person_id, typed, by=_me().person_id)

    return _done(act, f"{someone.name} has a new PIN.")


@bp.post("/<person_id>/block")
@permit_in_store("people.manage")
def block(person_id: str) -> Response:
    """Let somebody in no more; every session ends now."""
    _ours(person_id)

    def act() -> None:
        if person_id == _me().person_id:
            raise FieldProblem("person", "you cannot block yourself")
        roles.block(here().db, person_id, by=_me().person_id)

    return _done(act, "Blocked; every session has ended.")


@bp.post("/<person_id>/unblock")
@permit_in_store("people.manage")
def unblock(person_id: str) -> Response:
    """Let somebody in again."""
    _ours(person_id)
    me = _me().person_id
    return _done(lambda: people.unblock(here().db, person_id, by=me), "May sign in again.")


@bp.post("/<person_id>/role")
@permit_in_store("people.manage")
def role(person_id: str) -> Response:
    """Give somebody another role or store."""
    _ours(person_id)

    def act() -> None:
        roles.change(here().db, person_id, _role(), _store(), by=_me().person_id)

    return _done(act, "The new role holds from now on.")


def _page(**more: Any) -> str:
    store = asked_store()
    found = [one for one in people.every(here().db) if _mine(one)]
    return render_template(
        "team.html",
        people=found,
        me=_me(),
        roles=list(Role),
        permissions=PERMISSIONS,
        words=WORDS,
        store_names={one.store_id: one.name for one in stores.all(here().db)},
        stores=open_stores(),
        store=store,
        zone=zone_words(here().clock.now(), store.timezone),
        local=store_time(store),
        **({"once": None} | more),
    )


def _mine(someone: Person) -> bool:
    """A manager of one store manages its people; one of every store manages everybody."""
    own = _me().store_id
    return own is None or someone.store_id == own


def _ours(person_id: str) -> Person:
    someone = people.get(here().db, person_id)
    if someone is None or not _mine(someone):
        abort(404)
    return someone


def _me() -> Person:
    who = person()
    if who is None:
        abort(401)
    return who


def _role() -> Role:
    try:
        return Role(forms.text("role"))
    except ValueError:
        raise FieldProblem("role", f"must be one of {', '.join(Role)}") from None


def _store() -> str | None:
    """The store somebody is to work in; only who has every store gives every store."""
    asked = forms.text("store") or None
    own = _me().store_id
    if own is not None and asked != own:
        raise FieldProblem("store", "must be your own store")
    if asked is not None and stores.get(here().db, asked) is None:
        raise FieldProblem("store", "there is no such store")
    return asked


def _done(act: forms.Act, words: str) -> Response:
    return forms.done(act, words, url_for(".page"))
