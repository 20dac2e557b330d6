"""Who is signed in and what they may do. A view without `permit` or `everyone` answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from dashboard.errors import answer, wants_json
from dashboard.room import here
from host.ledger import people
from host.ledger.codes import Words
from host.ledger.records import Person

COOKIE: Final = "taptill_session"
SIGN_IN: Final = Words("You are not signed in", "Sign in again.")

View = TypeVar("View", bound=Callable[..., Any])


def permit(*permissions: str) -> Callable[[View], View]:
    """Open a view to people who have one of these permissions."""

    def mark(view: View) -> View:
        view.open_to = frozenset(permissions)  # type: ignore[attr-defined]
        return view

    return mark


def everyone(view: View) -> View:
    """Open a view to everybody, signed in or not."""
    view.open_to = None  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Open a view to everybody who is signed in."""
    view.open_to = frozenset()  # type: ignore[attr-defined]
    return view


def person() -> Person | None:
    """Who is signed in, for this request."""
    return cast("Person | None", g.get("person"))


def may(permission: str) -> bool:
    """True when the person who is signed in has this permission in this store."""
    who = person()
    if who is None or who.store_id not in (None, here().terminal.store_id):
        return False
    return permission in who.permissions


def still_signed_in() -> Callable[[], bool]:
    """A check that outlives the request, for streams: a revoked session ends them."""
    db, token = here().db, request.cookies.get(COOKIE, "")
    return lambda: people.session(db, token) is not None


def install(app: Flask) -> None:
    """Put the door in front of every view."""

    @app.before_request
    def door() -> AnyResponse | None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.endpoint == "static":
            return None
        open_to = getattr(view, "open_to", frozenset({"nobody"}))
        token = request.cookies.get(COOKIE)
        g.person = people.session(here().db, token) if token else None
        if open_to is None:
            return None
        if g.person is None:
            return _ask_to_sign_in()
        if open_to and not any(map(may, open_to)):
            abort(403)
        return None


def _ask_to_sign_in() -> AnyResponse:
    if wants_json() or request.method != "GET":
        return answer(401, SIGN_IN, "signed_out")
    return redirect(url_for("signin.page", next=request.full_path.rstrip("?")))


def local_path(target: str | None) -> str | None:
    """A path of ours to go on to after signing in; never another site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def set_session(response: Response, token: str) -> None:
    """Hand the session to the browser: no script reads it, no other site sends it."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=here().secure_cookie)


def clear_session(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=here().secure_cookie)
