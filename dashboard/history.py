"""Taking in what another system did before: the guide's tables, by a manager, file by file."""

from __future__ import annotations

from typing import BinaryIO, Final, cast

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import filters, forms
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.formats import grouped, zone_words
from dashboard.guard import LARGEST, large
from dashboard.room import here, store_time
from host.language import gettext as _
from host.language import marked as N_
from host.ledger import history, people, views_history
from host.ledger.history import Plan
from host.ledger.history_file import Kind

NAMES: Final = {Kind.PAYOUTS: N_("payouts"), Kind.USAGE: N_("cards")}

bp = Blueprint("history", __name__, url_prefix="/history")


@bp.get("")
@permit_in_store("store.manage")
def page() -> str:
    """What was taken in, and the form for more."""
    context, store = here(), asked_store()
    return render_template(
        "history.html",
        imports=history.imports(context.db, store.store_id),
        cards=views_history.cards(context.db, store.store_id),
        who={one.person_id: one.name for one in people.every(context.db)},
        names=NAMES,
        most=LARGEST >> 20,
        long_ago=filters.long_ago(store),
        store=store,
        stores=open_stores(),
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
    )


@bp.post("")
@large
@permit_in_store("store.manage")
def take() -> Response:
    """Look through a file, and take it in unless it was only to be looked through."""
    store, who, db = asked_store(), person(), here().db
    only = forms.text("only") or None
    look = bool(forms.text("look"))

    def act() -> str:
        given = request.files.get("file")
        if given is None or not given.filename:
            raise FieldProblem("file", "choose a file")
        file = cast(BinaryIO, given.stream)
        if look:
            return _would(history.plan(db, store.store_id, file, only=only))
        by = who.person_id if who is not None else None
        name = given.filename
        return _did(history.take(db, store.store_id, file, name, only=only, person=by))

    return forms.done(act, str, url_for(".page"))


def _would(plan: Plan) -> str:
    words = _("The file is good: %(new)s of %(rows)s %(kind)s would be taken in.")
    return words % _counts(plan)


def _did(plan: Plan) -> str:
    words = _("Taken in: %(new)s of %(rows)s %(kind)s.")
    if not plan.to_take:
        words = _("All %(rows)s %(kind)s of this file were taken in before: nothing changed.")
    return words % _counts(plan)


def _counts(plan: Plan) -> dict[str, str]:
    new = _("%(count)s new") % {"count": grouped(plan.new)}
    if plan.changed:
        new += _(", %(count)s changed") % {"count": grouped(plan.changed)}
    return {"new": new, "rows": grouped(plan.rows), "kind": _(NAMES[plan.kind])}
