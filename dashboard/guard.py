"""What every request passes before any view: who may call us, from where, and how we answer.

The listener is on loopback, but every page in the same browser can reach loopback too. So: only
our own names (DNS rebinding), no requests started by other sites (Fetch Metadata and Origin), a
CSRF token on every change, and headers that let a page load nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from flask_wtf.csrf import CSRFProtect

View = TypeVar("View", bound=Callable[..., Any])

LARGEST: Final = 32 * 1024 * 1024
"""The most that a view marked `large` takes, and so what the listener lets in."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    # data: is for the drawings inside Bootstrap's style sheet.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def large(view: View) -> View:
    """Let a view take a large file. Its form is not read before the door has let the person in."""
    view.large = True  # type: ignore[attr-defined]
    return view


def from_elsewhere() -> bool:
    """True when another site or another port started this request.

    A person may follow a link to a page of ours from anywhere; nothing else may come from
    outside (Fetch Metadata resource isolation policy). A program without a browser sends neither
    header; it has no cookies of a person to misuse.
    """
    ours = request.host  # raises `SecurityError`, a 400, for a name that is not ours
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"cross-site", "same-site"}:
        follows_link = (
            request.method == "GET"
            and request.headers.get("Sec-Fetch-Mode") == "navigate"
            and request.headers.get("Sec-Fetch-Dest") == "document"
        )
        return not follows_link
    origin = request.headers.get("Origin")
    # The scheme is left out: behind the shop's TLS proxy we speak http.
    return origin is not None and urlsplit(origin).netloc != ours


def install(app: Flask, hosts: tuple[str, ...]) -> None:
    """Put the guard in front of every view."""
    app.config.update(
        TRUSTED_HOSTS=list(hosts),
        MAX_CONTENT_LENGTH=64 * 1024,
        SESSION_COOKIE_NAME="taptill_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        WTF_CSRF_CHECK_DEFAULT=False,  # `token` and `token_of_large` look at every request
        WTF_CSRF_TIME_LIMIT=None,  # a till page stays open all day; the token ends with its cookie
        WTF_CSRF_SSL_STRICT=False,  # the Referer check; `from_elsewhere` is stricter
    )

    @app.before_request
    def stop_strangers() -> None:
        if from_elsewhere():
            abort(403)

    csrf = CSRFProtect(app)

    @app.before_request
    def token() -> None:
        if request.endpoint is not None and not _is_large(app):
            csrf.protect(apply_exemptions=True)

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def install_last(app: Flask) -> None:
    """After the door: forms that hold a large file are read, and their token is looked at."""
    csrf = app.extensions["csrf"]

    @app.before_request
    def token_of_large() -> None:
        if _is_large(app):
            request.max_content_length = LARGEST
            csrf.protect(apply_exemptions=True)


def _is_large(app: Flask) -> bool:
    return getattr(app.view_functions.get(request.endpoint or ""), "large", False)
