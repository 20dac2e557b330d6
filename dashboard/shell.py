"""The till as an app of its own: its manifest, its worker, and what it shows without its host.

The worker keeps the till's files and one page that says that there is no connection. It answers
nothing else: no state, no amount and no list ever comes from a cache.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, jsonify, render_template, url_for

from dashboard.access import everyone
from host.language import current
from host.language import gettext as _

NAME: Final = "Taptill"
STATIC: Final = Path(__file__).parent / "static"
_KEPT: Final = (
    "css/*.css",
    "js/*.js",
    "icons/*.png",
    "vendor/bootstrap/bootstrap.min.css",
    "vendor/inter/*.woff2",
    "favicon.svg",
    "icons.svg",
)
"""What the till is made of; a page without its host is drawn with it."""

bp = Blueprint("shell", __name__)


@bp.get("/till/app.webmanifest")
@everyone
def manifest() -> Response:
    """What a device needs to install the till (W3C Web Application Manifest)."""
    answer = jsonify(
        id="/till",
        name=_("Taptill till"),
        short_name=NAME,
        description=_("Charge Boltcards."),
        lang=current(),
        start_url=url_for("till.page"),
        scope="/",
        display="standalone",
        background_color="#eef2f7",
        theme_color="#0b5cad",
        icons=[
            _icon("favicon.svg", "any", "image/svg+xml", "any"),
            *(
                _icon(f"icons/icon-{size}.png", f"{size}x{size}", "image/png", purpose)
                for size in (192, 512)
                for purpose in ("any", "maskable")
            ),
        ],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@bp.get("/till-worker.js")
@everyone
def worker() -> Response:
    """The worker, with the list of what it keeps; what it keeps changed, it is another one."""
    files = [url_for("static", filename=name) for name in kept()]
    shell = {"cache": f"taptill-{digest()}", "files": files, "offline": url_for("shell.offline")}
    text = (STATIC / "worker.js").read_text("utf-8")
    answer = Response(f"self.SHELL = {json.dumps(shell)};\n{text}", mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@bp.get("/till/offline")
@everyone
def offline() -> str:
    """What the till shows without its host; it names nobody and no amount."""
    return render_template("offline.html")


@cache
def kept() -> tuple[str, ...]:
    """The files that the worker keeps, as names below `static/`."""
    found = {path for pattern in _KEPT for path in STATIC.glob(pattern)}
    return tuple(sorted(path.relative_to(STATIC).as_posix() for path in found))


@cache
def digest() -> str:
    """What stands for the contents of all of them, and of the worker."""
    whole = hashlib.sha256()
    for name in (*kept(), "worker.js"):
        whole.update(name.encode() + (STATIC / name).read_bytes())
    return whole.hexdigest()[:16]


def _icon(name: str, sizes: str, kind: str, purpose: str) -> dict[str, str]:
    source = url_for("static", filename=name)
    return {"src": source, "sizes": sizes, "type": kind, "purpose": purpose}
