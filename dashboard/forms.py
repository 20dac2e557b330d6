"""Forms of the manager's pages: what was typed becomes values, or a refusal naming the field.

A form that is folded away (`change` in `_forms.html`) shows its refusal inside itself, opened again
and with what was typed still in it (UX rule 9); nothing secret is kept for that.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from flask import (
    Flask,
    current_app,
    flash,
    g,
    get_flashed_messages,
    redirect,
    request,
    session,
)
from werkzeug.wrappers import Response

from dashboard.errors import FieldProblem
from dashboard.formats import zone
from host.ledger.errors import LedgerError, NotFound
from host.money import parse_amount

Act = Callable[[], Any]

TYPED: Final = "typed_form"
SECRET: Final = frozenset({"pin", "password", "again", "current", "csrf_token"})
MAX_TYPED: Final = 4_000
MAX_FIELDS: Final = 40
MAX_FORMS: Final = 100
"""So many refused forms are kept until they are shown again; a cookie is too small for them."""


def text(field: str) -> str:
    """What was typed, trimmed; empty when the field is missing."""
    return request.form.get(field, "").strip()


def secret(field: str) -> str:
    """What was typed into a password field, to the letter."""
    return request.form.get(field, "")


def amount(field: str) -> int:
    """An amount in msat, typed in sats."""
    try:
        return parse_amount(text(field), field)
    except ValueError as error:
        raise FieldProblem(field, str(error).partition(": ")[2]) from None


def limit(field: str) -> int | None:
    """A limit in msat; blank is none, zero is zero."""
    typed = text(field)
    if not typed:
        return None
    return 0 if typed.strip("0") == "" else amount(field)


def number(field: str) -> int | None:
    """A whole number, not below zero; blank is none."""
    typed = text(field)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise FieldProblem(field, "must be a whole number, or blank for none")
    return int(typed)


def moment(field: str, timezone: str) -> int | None:
    """A time (epoch ms) typed on the store's clock; blank is none."""
    typed = text(field)
    if not typed:
        return None
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        raise FieldProblem(field, "write a time like 2026-03-02 14:00") from None
    if not 1971 <= local.year <= 9000:
        raise FieldProblem(field, "must be a year between 1971 and 9000")
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone(timezone))
    return int(local.astimezone(UTC).timestamp() * 1000)


def typed_moment(at: int | None, timezone: str) -> str:
    """A time as `<input type=datetime-local>` wants it; empty for none."""
    if at is None:
        return ""
    return f"{datetime.fromtimestamp(at / 1000, zone(timezone)):%Y-%m-%dT%H:%M}"


def done(action: Act, words: str | Callable[[Any], str], target: str) -> Response:
    """Do a change and go on to `target`, saying that it is done, or why it is not."""
    try:
        result = action()
    except NotFound:
        raise
    except (FieldProblem, LedgerError) as error:
        _refuse(str(error))
    else:
        flash(words if isinstance(words, str) else words(result), "done")
    return redirect(target, 303)


def install(app: Flask) -> None:
    """Give the templates what a refused form has to show."""
    app.extensions[TYPED] = _Kept()
    app.jinja_env.globals.update(refusal=refusal, typed=typed)


class _Kept:
    """What was typed into forms that were refused a moment ago."""

    def __init__(self) -> None:
        self._forms: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, values: dict[str, str]) -> str:
        """Keep it; the name under which it is asked for once."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._forms[name] = values
            while len(self._forms) > MAX_FORMS:
                self._forms.popitem(last=False)
        return name

    def take(self, name: str | None) -> dict[str, str]:
        with self._lock:
            return self._forms.pop(name or "", {})


def refusal(action: str) -> str:
    """Why the form of this address was refused a moment ago; empty when it was not."""
    path = action.partition("?")[0]
    found = get_flashed_messages(category_filter=[f"inside {path}"])
    if "kept" not in g:
        g.kept = current_app.extensions[TYPED].take(session.pop(TYPED, None))
    g.form_values = g.kept if found else {}
    return str(found[-1]) if found else ""


def typed(name: str, value: object) -> object:
    """What was typed into a field of the form whose `refusal` was asked for last, else `value`."""
    return g.get("form_values", {}).get(name, value)


def _refuse(words: str) -> None:
    if "inside" not in request.form:
        flash(words, "problem")
        return
    flash(words, f"inside {request.path}")
    values = islice(request.form.items(), MAX_FIELDS)
    typed = {name: text[:MAX_TYPED] for name, text in values if name not in SECRET}
    session[TYPED] = current_app.extensions[TYPED].put(typed)
