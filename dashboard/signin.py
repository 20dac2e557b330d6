"""Signing in: a one-time link, a name and a password, or a PIN on a trusted device; and out.

On a trusted device the page shows the people of its store, and whoever is chosen types a PIN. The
same pages change the person (the till goes on with another one) and unlock a till that nobody used.
"""

from __future__ import annotations

from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from dashboard.access import (
    COOKIE,
    DEVICE_COOKIE,
    clear_session,
    everyone,
    local_path,
    person,
    set_device,
    set_session,
    signed_in,
)
from dashboard.formats import when
from dashboard.leaving import leave
from dashboard.room import device, here
from host.clock import MINUTE
from host.language import gettext as _
from host.language import marked as N_
from host.ledger import devices, people, roles, stores
from host.ledger.codes import Words
from host.ledger.devices import Device
from host.ledger.permissions import Role
from host.ledger.proof import Wrong

bp = Blueprint("signin", __name__, url_prefix="/sign-in")

USED = Words("This link was used or is too old", "Make a new one, or sign in with a password.")
WRONG = Words(
    "Name or password is wrong", "Try again; after five wrong ones, wait for five minutes."
)
NOT_HERE = Words("A PIN is of use on a trusted device only", "Sign in with a password.")
WRONG_PIN: Final = N_("Wrong PIN")
LAST_TRY: Final = N_("One try left, then the PIN is locked for a while.")
TRIES_LEFT: Final = N_("Try again: {left} tries left.")
LOCKED: Final = N_("Too many wrong PINs")
ONE_MINUTE: Final = N_("Try again in a minute, at {time}. A manager can set a new PIN.")
MINUTES: Final = N_("Try again in {minutes} minutes, at {time}. A manager can set a new PIN.")


@bp.get("")
@everyone
def page() -> ResponseReturnValue:
    """The people of a trusted device, else the form; whoever is signed in goes on at once."""
    if person() is not None:
        return redirect(_next())
    at = device()
    if at is None or "password" in request.args:
        return _form()
    locked = devices.locked_out(here().db, at, request.cookies.get(COOKIE, ""))
    chosen = request.args.get("as") or (locked.person_id if locked is not None else None)
    return _people(at, None if "people" in request.args else chosen, locked=locked is not None)


@bp.get("/change")
@signed_in
def change() -> ResponseReturnValue:
    """Somebody else goes on with this till; until their PIN is right, nothing changes."""
    at = device()
    if at is None:
        return redirect(url_for("me.page"))
    return _people(at, request.args.get("as"))


@bp.post("")
@everyone
def enter() -> ResponseReturnValue:
    """Check a name and a password; a wrong name and a wrong password look the same."""
    name = request.form.get("name", "").strip()
    token = people.sign_in(here().db, name, request.form.get("password", ""))
    if token is None:
        return _form(WRONG, name=name, status=403)
    _end_session()
    return _welcome(token)


@bp.post("/pin")
@everyone
def pin() -> ResponseReturnValue:
    """Check a PIN; the session that this browser had ends when it is right, and not before."""
    at, chosen = device(), request.form.get("person_id", "")
    if at is None:
        return _form(NOT_HERE, status=403)
    typed, before = request.form.get("pin", ""), request.cookies.get(COOKIE)
    done = devices.sign_in(here().db, at, chosen, typed, instead_of=before)
    if isinstance(done, Wrong):
        return _people(at, chosen, problem=_words(at, done), status=403)
    return _welcome(done)


@bp.get("/link/<token>")
@everyone
def link(token: str) -> ResponseReturnValue:
    """Redeem a one-time link; a browser that only looks ahead does not use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        abort(403)
    session = people.redeem(here().db, token)
    if session is not None:
        return _welcome(session, _first(session) or _next())
    if person() is not None:  # the same link once more, in the same browser
        return redirect(_next())
    return _form(USED, status=403)


@bp.post("/out")
@signed_in
def out() -> ResponseReturnValue:
    """End this session, here and in the ledger, and a sale of theirs that only waits."""
    who = person()
    if who is not None and (words := leave(who)) is not None:
        flash(words, "done")
    _end_session()
    response = make_response(redirect(url_for("signin.page")))
    clear_session(response)
    return response


def _end_session() -> None:
    if token := request.cookies.get(COOKIE):
        people.sign_out(here().db, token)


def _first(token: str) -> str | None:
    """The page on which a manager without a password sets one: the first run, without a default."""
    who = people.session(here().db, token)
    if who is None or who.role is not Role.MANAGER or here().demo is not None:
        return None
    known = roles.secrets_of(here().db, who.person_id)
    return None if "password" in known else url_for("me.page", first=1)


def _welcome(token: str, target: str | None = None) -> Response:
    response = make_response(redirect(target or _next()))
    set_session(response, token)
    if device() is not None:  # the cookie of a till that is used every day never ends
        set_device(response, request.cookies[DEVICE_COOKIE])
    return response


def _next() -> str:
    return local_path(request.args.get("next")) or url_for("home")


def _form(
    problem: Words | None = None, *, name: str = "", status: int = 200
) -> ResponseReturnValue:
    """The form for a name and a password."""
    new = not roles.anybody_has_password(here().db)
    return _page("signin.html", status, problem=problem, name=name, new=new)


def _people(
    at: Device,
    chosen: str | None,
    *,
    problem: Words | None = None,
    locked: bool = False,
    status: int = 200,
) -> ResponseReturnValue:
    """Everybody who may sign in here, or the PIN pad of the one who was chosen."""
    found = devices.colleagues(here().db, at)
    who = next((one for one in found if one.person_id == chosen), None)
    if who is None:
        return _page("signin_people.html", 200, people=found, at=at, store=_store_name(at))
    shut = who.locked_until is not None
    problem = _words(at, Wrong(0, who.locked_until)) if shut else problem
    given = {"who": who, "at": at, "problem": problem, "locked": locked, "shut": shut}
    return _page("signin_pin.html", status, **given)


def _page(template: str, status: int, **more: Any) -> ResponseReturnValue:
    target = local_path(request.args.get("next"))
    return render_template(template, next=target, device=device(), **more), status


def _words(at: Device, wrong: Wrong) -> Words:
    """What somebody reads whose PIN was wrong, or who is locked out."""
    if wrong.locked_until is None:
        left = wrong.tries_left
        return Words(WRONG_PIN, _(LAST_TRY) if left == 1 else _(TRIES_LEFT).format(left=left))
    minutes = -(-(wrong.locked_until - here().clock.now()) // MINUTE)
    store = stores.get(here().db, at.store_id)
    time = when(wrong.locked_until, store.timezone if store is not None else "UTC")[11:16]
    do = _(ONE_MINUTE if minutes <= 1 else MINUTES)
    return Words(LOCKED, do.format(minutes=minutes, time=time))


def _store_name(at: Device) -> str:
    store = stores.get(here().db, at.store_id)
    return store.name if store is not None else at.store_id
