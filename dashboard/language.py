"""Which language a page speaks: the one chosen in this browser, else the store's, else English."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Flask, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from dashboard import words
from dashboard.access import everyone, local_path
from dashboard.room import here
from host import language
from host.ledger import settings
from host.receipts.choices import RECEIPTS
from host.retold import retold

COOKIE: Final = "taptill_language"
YEAR_S: Final = 365 * 24 * 3600

bp = Blueprint("language", __name__, url_prefix="/language")


@bp.post("")
@everyone
def choose() -> ResponseReturnValue:
    """Keep a language for this browser, and go back to where the choice was made."""
    response = make_response(redirect(local_path(request.form.get("next")) or url_for("home")))
    code = language.choose(request.form.get("language"))
    response.set_cookie(
        COOKIE, code, max_age=YEAR_S, httponly=True, samesite="Lax", secure=here().secure_cookie
    )
    return response


def _of_shop() -> str:
    """The language in which the shop that stands here writes its receipts."""
    context = here()
    return settings.get(context.db, context.terminal.store_id, RECEIPTS).language


def install(app: Flask) -> None:
    """Speak the browser's language in every view, and give the templates their words."""
    language.install(app.jinja_env)
    words.install(app)
    app.jinja_env.filters["tr"] = retold  # for texts that stand in records
    app.jinja_env.globals.update(languages=language.LANGUAGES)

    @app.before_request
    def begin() -> None:
        if request.path.startswith("/api/"):
            language.speak(language.SOURCE)  # programs read the same words everywhere
        elif request.endpoint != "static":
            language.speak(request.cookies.get(COOKIE) or _of_shop())

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        language.speak(language.SOURCE)
