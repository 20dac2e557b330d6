"""One's own account: a password and a PIN of one's own, set by whoever proves who they are."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from dashboard import forms
from dashboard.access import COOKIE, person, set_session, signed_in
from dashboard.errors import FieldProblem
from dashboard.room import here
from host.ledger import devices, people, roles
from host.ledger.errors import LedgerError
from host.ledger.permissions import Person
from host.ledger.proof import Wrong, prove

bp = Blueprint("me", __name__, url_prefix="/me")


@bp.get("")
@signed_in
def page() -> str:
    """Who one is, and the forms for a password and a PIN."""
    who, db = _me(), here().db
    known = roles.secrets_of(db, who.person_id)
    return render_template(
        "me.html",
        me=who,
        has_password="password" in known,
        has_pin="pin" in known,
        by_pin=devices.by_pin(db, _token()),
    )


@bp.post("/password")
@signed_in
def password() -> ResponseReturnValue:
    """Set a password. Every other session ends, and this one goes on under a new token."""
    who, db = _me(), here().db
    typed, again = forms.secret("password"), forms.secret("again")
    problem = None
    if typed != again:
        problem = "again: is not the same password"
    elif "password" in roles.secrets_of(db, who.person_id):
        if not people.sign_in(db, who.name, forms.secret("current")):
            problem = "current: this is not your password"
    elif devices.by_pin(db, _token()):  # a PIN must not become more than it is
        problem = "password: sign in with a link to set your first one"
    if problem is None:
        try:
            people.set_password(db, who.person_id, typed, by=who.person_id)
        except LedgerError as error:
            problem = str(error)
    if problem is not None:
        flash(problem, "problem")
        return redirect(url_for(".page"), 303)
    token = people.sign_in(db, who.name, typed)
    response = redirect(url_for(".page"), 303)
    if token is not None:
        set_session(response, token)
        flash("Your password is set. Every other session of yours has ended.", "done")
    return response


@bp.post("/pin")
@signed_in
def pin() -> Response:
    """Set a PIN, with the proof of the one before; every other session ends."""
    who, db, typed = _me(), here().db, forms.secret("pin")

    def act() -> None:
        if typed != forms.secret("again"):
            raise FieldProblem("again", "is not the same PIN")
        if "pin" in roles.secrets_of(db, who.person_id):
            known = prove(db, who.person_id, "pin", forms.secret("current"), lambda _: None)
            if isinstance(known, Wrong):
                raise FieldProblem("current", "this is not your PIN")
        people.set_pin(db, who.person_id, typed, who.person_id, keep=_token())

    return forms.done(act, "Your PIN is set.", url_for(".page"))


def _me() -> Person:
    who = person()
    assert who is not None  # noqa: S101 - the door let nobody else in
    return who


def _token() -> str:
    return request.cookies[COOKIE]
