"""Signing in: a one-time link, or a name and a password; and signing out."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from dashboard.access import (
    COOKIE,
    clear_session,
    everyone,
    local_path,
    person,
    set_session,
    signed_in,
)
from dashboard.room import here
from host.ledger import people
from host.ledger.codes import Words

bp = Blueprint("signin", __name__, url_prefix="/sign-in")

USED = Words("This link was used or is too old", "Make a new one, or sign in with a password.")
WRONG = Words(
    "Name or password is wrong", "Try again; after five wrong ones, wait for five minutes."
)


@bp.get("")
@everyone
def page() -> ResponseReturnValue:
    """The form; whoever is signed in goes on at once."""
    if person() is not None:
        return redirect(_next())
    return _form()


@bp.post("")
@everyone
def enter() -> ResponseReturnValue:
    """Check a name and a password; a wrong name and a wrong password look the same."""
    name = request.form.get("name", "").strip()
    token = people.sign_in(here().db, name, request.form.get("password", ""))
    if token is None:
        return _form(WRONG, name=name, status=403)
    return _welcome(token)


@bp.get("/link/<token>")
@everyone
def link(token: str) -> ResponseReturnValue:
    """Redeem a one-time link; a browser that only looks ahead does not use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        abort(403)
    session = people.redeem(here().db, token)
    if session is not None:
        return _welcome(session)
    if person() is not None:  # the same link once more, in the same browser
        return redirect(_next())
    return _form(USED, status=403)


@bp.post("/out")
@signed_in
def out() -> ResponseReturnValue:
    """End this session, here and in the ledger."""
    people.sign_out(here().db, request.cookies[COOKIE])
    response = make_response(redirect(url_for("signin.page")))
    clear_session(response)
    return response


def _welcome(token: str) -> Response:
    response = make_response(redirect(_next()))
    set_session(response, token)
    return response


def _next() -> str:
    return local_path(request.args.get("next")) or url_for("home")


def _form(
    problem: Words | None = None, *, name: str = "", status: int = 200
) -> ResponseReturnValue:
    target = local_path(request.args.get("next"))
    return render_template("signin.html", problem=problem, name=name, next=target), status
