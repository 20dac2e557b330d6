"""One's own account: a password of one's own, set before there is any other way to come back in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from dashboard import forms
from dashboard.access import person, set_session, signed_in
from dashboard.room import here
from host.ledger import people, roles
from host.ledger.errors import LedgerError

bp = Blueprint("me", __name__, url_prefix="/me")


@bp.get("")
@signed_in
def page() -> str:
    """Who one is, and the form for a password."""
    who = person()
    known = who is not None and roles.has_password(here().db, who.person_id)
    return render_template("me.html", me=who, has_password=known)


@bp.post("/password")
@signed_in
def password() -> ResponseReturnValue:
    """Set a password. Every other session ends, and this one goes on under a new token."""
    who, db = person(), here().db
    assert who is not None  # noqa: S101 - the door let nobody else in
    typed, again = forms.secret("password"), forms.secret("again")
    problem = None
    if typed != again:
        problem = "again: is not the same password"
    elif roles.has_password(db, who.person_id) and not people.sign_in(
        db, who.name, forms.secret("current")
    ):
        problem = "current: this is not your password"
    else:
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
