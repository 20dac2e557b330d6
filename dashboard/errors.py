"""Answers that are not the page: `{code, says, do}` for our scripts, one page for people."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from host.language import gettext as _
from host.language import marked as N_
from host.language import said
from host.ledger.codes import Code, Words
from host.ledger.errors import LedgerError, NotFound
from host.retold import retold
from host.store.errors import StoreError

_BY_STATUS: Mapping[int, Words] = {
    400: Words("The request cannot be read", "Reload the page and try again."),
    403: Words("You may not do this", "Ask a manager, or sign in as someone else."),
    404: Words("There is no such page", "Go back to the till."),
    405: Words("This page cannot be used like that", "Go back to the till."),
    409: Words("This was changed meanwhile", "Look at it again."),
    413: Words("The request is too large", "Reload the page and try again."),
    429: Words("Too many requests", "Wait a moment, then try again."),
    503: Words("The service is not available", "See the status dots."),
}
_SORRY = Words("Something went wrong here", "Try again; if it stays, tell a technician.")


class FieldProblem(ValueError):
    """What was sent makes no sense in one field; the person corrects it and sends it again."""

    def __init__(self, field: str, words: str, status: int = 400) -> None:
        """`status` 404 is for a field that names something which is not there."""
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words
        self.status = status


def wants_json() -> bool:
    """True for requests of scripts; a person's browser asks for HTML."""
    if request.path.startswith("/api/"):
        return True
    return not request.accept_mimetypes.accept_html or request.accept_mimetypes.best in {
        "application/json",
        "text/event-stream",
    }


def problem(code: Code, status: int, detail: Mapping[str, str | int] | None = None) -> Response:
    """A refusal for our scripts: its code, its words, and facts that name no secret."""
    says, do = said(code.words)
    response = jsonify(code=code.value, says=says, do=do, detail=dict(detail or {}))
    response.status_code = status
    return response


def answer(
    status: int, words: Words, code: str, detail: Mapping[str, str | int] | None = None
) -> Response:
    """The same words for a person or for a script."""
    words = said(words)
    if wants_json():
        response = jsonify(code=code, says=words.says, do=words.do, detail=dict(detail or {}))
    else:
        response = make_response(render_template("error.html", words=words, status=status))
    response.status_code = status
    return response


def _wrong(says: str, error: Exception) -> Words:
    """What a person typed and can mend, with what the error says of it."""
    return Words(_(says) % {"error": retold(str(error))}, "Go back and correct it.")


def install(app: Flask) -> None:
    """Give every error words; what is unexpected is logged by Flask and shown without detail."""

    @app.errorhandler(CSRFError)
    def csrf(error: CSRFError) -> Response:
        words = Words("This page is too old", "Reload the page and try again.")
        return answer(400, words, "page_too_old")

    @app.errorhandler(FieldProblem)
    def field(error: FieldProblem) -> Response:
        words = _wrong(N_("This cannot be right: %(error)s"), error)
        return answer(error.status, words, "field_invalid", {"field": error.field})

    @app.errorhandler(LedgerError)
    def ledger(error: LedgerError) -> Response:
        if isinstance(error, NotFound):
            return answer(404, _BY_STATUS[404], "http_404")
        words = _wrong(N_("This cannot be done: %(error)s"), error)
        return answer(400, words, "refused")

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # a redirect is no error
            return make_response(error.get_response())
        response = answer(status, _BY_STATUS.get(status, _SORRY), f"http_{status}")
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"}
        )
        return response

    @app.errorhandler(UnicodeEncodeError)
    def unreadable(error: UnicodeEncodeError) -> Response:
        """JSON can hold halves of characters, which are in no text that can be kept."""
        return answer(400, _BY_STATUS[400], "http_400")

    @app.errorhandler(StoreError)
    def store(error: StoreError) -> Response:
        app.logger.error("ledger not available: %s", error)
        return answer(503, Code.STORE_OFFLINE.words, Code.STORE_OFFLINE.value)
