"""The virtual counter's page: cards laid down and taken away by clicks, lamps shown live.

It listens on loopback, where every page of the same browser can reach it. So: only loopback's
names, no requests from other sites or ports, a cookie that a link with the token brings, and a
form token on every change.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from hardware.twin.counter.live import Scene
from hardware.twin.store import DrawerError

COOKIE: Final = "taptill_counter"
MAX_STREAMS: Final = 4

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(scene: Scene, token: str, *, till_url: str | None = None) -> Flask:
    """The page over a scene; whoever has the token may play with the cards."""
    app = Flask(__name__)
    app.config.update(
        TRUSTED_HOSTS=["127.0.0.1", "localhost"],
        MAX_CONTENT_LENGTH=4096,
    )
    form_token = secrets.token_urlsafe(24)
    _guard(app, token, form_token)
    _views(app, scene, token, form_token, till_url)
    _actions(app, scene)
    return app


def _guard(app: Flask, token: str, form_token: str) -> None:
    @app.before_request
    def door() -> None:
        if _from_elsewhere():
            abort(403)
        if request.endpoint in {"static", "enter"}:
            return
        if not hmac.compare_digest(request.cookies.get(COOKIE, ""), token):
            abort(401)
        if request.method == "POST" and not hmac.compare_digest(
            request.headers.get("X-Form-Token", ""), form_token
        ):
            abort(403)

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> ResponseReturnValue:
        words = {
            401: "Open the virtual counter with the link that the demo printed.",
            403: "This request did not come from the virtual counter's page: reload it.",
        }
        says = words.get(error.code or 500, error.description or error.name)
        return jsonify(says=says), error.code or 500


def _views(app: Flask, scene: Scene, token: str, form_token: str, till_url: str | None) -> None:
    streams = threading.BoundedSemaphore(MAX_STREAMS)

    @app.get("/enter/<given>")
    def enter(given: str) -> ResponseReturnValue:
        """The link with the token: it brings the cookie, and leaves the address bar."""
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(401)
        response = redirect("/")
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
        return response

    @app.get("/")
    def counter() -> str:
        return render_template(
            "counter.html", state=scene.view(), form_token=form_token, till_url=till_url
        )

    @app.get("/live")
    def live() -> Response:
        """Every change as a server-sent event."""
        if not streams.acquire(blocking=False):
            return Response("", 503, {"Retry-After": "2"})
        gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(_messages(scene, gone), mimetype="text/event-stream")
        response.call_on_close(streams.release)
        return response


def _actions(app: Flask, scene: Scene) -> None:
    moves: dict[str, Callable[[str], None]] = {
        "lay": scene.lay,
        "lift": scene.lift,
        "tap": scene.tap,
        "hold": scene.hold,
    }

    @app.post("/<any(lay, lift, tap, hold):move>")
    def act(move: str) -> ResponseReturnValue:
        """Do it, and answer what the counter looks like then."""
        body = request.get_json(silent=True)
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(name, str):
            return jsonify(says="name: must be the name of a card or of a button"), 400
        try:
            moves[move](name)
        except DrawerError as error:
            return jsonify(says=str(error)), 409
        return jsonify(scene.view())


def _messages(scene: Scene, gone: Callable[[], bool]) -> Iterator[str]:
    yield "retry: 500\n\n"
    for view in scene.changes():
        if gone():
            return
        yield ": here\n\n" if view is None else f"event: scene\ndata: {json.dumps(view)}\n\n"


def _from_elsewhere() -> bool:
    """True when another site or port started this request; a link to the page may be followed."""
    ours = request.host  # raises `SecurityError`, a 400, for a name that is not ours
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"cross-site", "same-site"}:
        return request.method != "GET" or request.headers.get("Sec-Fetch-Mode") != "navigate"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != ours
