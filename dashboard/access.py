"""Who is signed in and what they may do. A view without `permit` or `everyone` answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    g,
    has_request_context,
    redirect,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from dashboard import room
from dashboard.errors import answer, wants_json
from dashboard.room import TERMINAL_FIELD, here, terminal
from host.ledger import devices, people, stores
from host.ledger.codes import Words
from host.ledger.permissions import Person
from host.ledger.records import Store

COOKIE: Final = "taptill_session"
DEVICE_COOKIE: Final = "taptill_device"
DEVICE_S: Final = 400 * 24 * 3600
"""As long as browsers keep a cookie; it is handed out anew whenever somebody signs in."""
STORE_FIELD: Final = "storeId"
"""The part of an address that names the store a page is about."""
SIGN_IN: Final = Words("You are not signed in", "Sign in again.")

View = TypeVar("View", bound=Callable[..., Any])


def permit(*permissions: str) -> Callable[[View], View]:
    """Open a view to people who have one of these permissions."""

    def mark(view: View) -> View:
        view.open_to = frozenset(permissions)  # type: ignore[attr-defined]
        return view

    return mark


def permit_in_store(*permissions: str) -> Callable[[View], View]:
    """Open a view to people who have one of these permissions in the store that is asked for.

    Every query and every change of such a view is about `asked_store()` and no other store.
    """

    def mark(view: View) -> View:
        view.in_store = True  # type: ignore[attr-defined]
        return permit(*permissions)(view)

    return mark


def at_terminal(view: View) -> View:
    """Say that a view acts for the page's terminal; those of `permit` do so anyway."""
    view.at_terminal = True  # type: ignore[attr-defined]
    return view


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
    """True when the person who is signed in has this permission in this till's store."""
    return _may(permission, terminal().store_id)


def may_in_store(permission: str) -> bool:
    """True when the person who is signed in has this permission in the store asked for."""
    return _may(permission, asked_store_id())


def _may(permission: str, store_id: str) -> bool:
    who = person()
    if who is None or who.store_id not in (None, store_id):
        return False
    return permission in who.permissions


def asked_store_id() -> str:
    """The store that a request is about: the one it names, else the person's, else this till's."""
    who = person()
    own = who.store_id if who is not None else None
    return request.args.get(STORE_FIELD) or own or terminal().store_id


def asked_store() -> Store:
    """The store that a request is about; the door has let the person into it."""
    store = stores.get(here().db, asked_store_id())
    if store is None:
        abort(404)
    return store


def open_stores() -> list[Store]:
    """The stores that the person who is signed in may look at."""
    who = person()
    if who is None:
        return []
    return [one for one in stores.all(here().db) if who.store_id in (None, one.store_id)]


def still_signed_in() -> Callable[[], bool]:
    """A check that outlives the request, for streams: a session that ends, or a person who has
    another role or store by now, ends them."""
    db, token, known, who = here().db, request.cookies.get(COOKIE, ""), room.device(), person()
    device_id = known.device_id if known is not None else None
    return lambda: people.session(db, token, device_id, used=False) == who


def install(app: Flask) -> None:
    """Find out who asks, before anything is counted or decided."""

    @app.before_request
    def look() -> None:
        if _has_door(app):
            _who_asks()


def install_door(app: Flask) -> None:
    """Put the door in front of every view."""

    @app.before_request
    def door() -> AnyResponse | None:
        if not _has_door(app):
            return None
        view = app.view_functions[str(request.endpoint)]
        open_to = getattr(view, "open_to", frozenset({"nobody"}))
        if open_to is None:
            return None
        if person() is None:
            return _ask_to_sign_in()
        allowed = may_in_store if getattr(view, "in_store", False) else may
        if open_to and not any(map(allowed, open_to)):
            abort(403)
        return None

    @app.url_defaults
    def same_place(endpoint: str, values: dict[str, Any]) -> None:
        """Links of a page stay in the store that its address names, and at its terminal."""
        if not has_request_context():
            return
        there, view = (
            app.view_functions.get(endpoint),
            app.view_functions.get(request.endpoint or ""),
        )
        named = request.args.get(STORE_FIELD)
        if named and getattr(there, "in_store", False):
            values.setdefault(STORE_FIELD, named)
        if _acts_at_terminal(there) and _acts_at_terminal(view) and room.choices():
            values.setdefault(TERMINAL_FIELD, terminal().terminal_id)


def _has_door(app: Flask) -> bool:
    return request.endpoint != "static" and request.endpoint in app.view_functions


def _acts_at_terminal(view: Any) -> bool:
    if getattr(view, "at_terminal", False):
        return True
    return bool(getattr(view, "open_to", None)) and not getattr(view, "in_store", False)


def _who_asks() -> None:
    """Find out which device and which person this request comes from, and for which terminal."""
    db, cookie = here().db, request.cookies.get(DEVICE_COOKIE)
    asks = devices.of_token(db, cookie) if cookie else None
    if token := request.cookies.get(COOKIE):
        # What a page asks by itself, to keep itself fresh, is nobody's work.
        used = request.method != "GET" or not wants_json()
        device_id = asks.device_id if asks is not None else None
        g.person = people.session(db, token, device_id, used=used)
    room.enter(person(), asks)


def _ask_to_sign_in() -> AnyResponse:
    if wants_json() or request.method != "GET":
        return answer(401, SIGN_IN, "signed_out")
    return redirect(url_for("signin.page", next=request.full_path.rstrip("?")))


def local_path(target: str | None) -> str | None:
    """A path of ours to go on to after signing in; never another site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if not target.isprintable():  # a line break must not get as far as a header
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def set_session(response: AnyResponse, token: str) -> None:
    """Hand the session to the browser: no script reads it, no other site sends it."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=here().secure_cookie)


def set_device(response: AnyResponse, token: str) -> None:
    """Make the browser a trusted device. Lax: whoever follows a link to us is on it too."""
    response.set_cookie(
        DEVICE_COOKIE,
        token,
        max_age=DEVICE_S,
        httponly=True,
        samesite="Lax",
        secure=here().secure_cookie,
    )


def clear_device(response: AnyResponse) -> None:
    response.delete_cookie(
        DEVICE_COOKIE, httponly=True, samesite="Lax", secure=here().secure_cookie
    )


def clear_session(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=here().secure_cookie)
