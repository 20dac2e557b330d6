"""X and Z reports of the tills: figures until now, closing a till, and everything closed before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboard import forms
from dashboard.access import asked_store, may_in_store, open_stores, permit_in_store, person
from dashboard.formats import zone_words
from dashboard.room import here, terminal
from host import till_sheets
from host.language import gettext as _
from host.ledger import people, print_jobs, stores, z_reports
from host.ledger.print_jobs import PrintKind
from host.ledger.records import Store
from host.ledger.till_lines import Scope
from host.ledger.till_report import Body
from host.ledger.z_reports import ZReport
from host.printers import printing
from host.receipts import report as layout

PAGE: Final = 50
MOST: Final = 100_000
"""Z reports in one file: one a day for centuries."""

bp = Blueprint("zreports", __name__, url_prefix="/reports")


@bp.get("/tills")
@permit_in_store("report.view")
def page() -> str:
    """What each till and the store have taken since their last Z, and the Z reports there are."""
    store, db = asked_store(), here().db
    before = request.args.get("before")
    found = z_reports.recent(db, store.store_id, before=before, limit=PAGE + 1)
    names = {one.terminal_id: one.name for one in stores.terminals(db)}
    rows: list[str | None] = [one.terminal_id for one in stores.terminals(db, store.store_id)]
    return render_template(
        "zreports.html",
        rows=[_row(store, one, names) for one in [*rows, None]],
        reports=found[:PAGE],
        more=found[PAGE - 1].report_id if len(found) > PAGE else None,
        before=before,
        names=names,
        **frame(store),
    )


@bp.get("/tills.csv")
@permit_in_store("report.view")
def listed_csv() -> Response:
    """One row a Z report of the store, the newest first."""
    store = asked_store()
    found = z_reports.recent(here().db, store.store_id, limit=MOST)
    return file(till_sheets.reports(found), f"z-reports-{store.store_id}")


@bp.get("/tills/x")
@permit_in_store("report.view")
def interim() -> str:
    """The X report of a till, or of the whole store."""
    store, chosen = asked_store(), _asked_terminal()
    body = z_reports.interim(here().db, store.store_id, chosen)
    files = url_for(".interim_csv", till=chosen, **only_store(store))
    return show(store, body, files=files, terminal_id=chosen)


@bp.get("/tills/x.csv")
@permit_in_store("report.view")
def interim_csv() -> Response:
    """Every line that the X report counts."""
    store, chosen = asked_store(), _asked_terminal()
    scope = Scope(store.store_id, chosen)
    span, _body = z_reports.draft(here().db, scope)
    return file(till_sheets.lines(here().db, scope, span), f"x-{store.store_id}-{chosen or 'all'}")


@bp.post("/tills/z")
@permit_in_store("report.close")
def close() -> ResponseReturnValue:
    """Close a till, or the whole store: the next Z report is made and shown."""
    store = asked_store()
    chosen = _terminal_of(store, forms.text("till"))
    made = z_reports.close(here().db, store.store_id, chosen, person())
    flash(f"Z report {made.number} is made. Its figures never change.", "done")
    return redirect(url_for(".one", report_id=made.report_id, **only_store(store)), 303)


@bp.get("/z/<report_id>")
@permit_in_store("report.view")
def one(report_id: str) -> str:
    """A Z report as it was made."""
    store, made = asked_store(), _need(report_id)
    files = url_for(".one_csv", report_id=report_id, **only_store(store))
    return show(store, made.body, files=files, made=made, terminal_id=made.terminal_id)


@bp.get("/z/<report_id>.csv")
@permit_in_store("report.view")
def one_csv(report_id: str) -> Response:
    """Every line that a Z report counted."""
    made = _need(report_id)
    name = f"z-{made.store_id}-{made.terminal_id or 'all'}-{made.number}"
    return file(till_sheets.lines(here().db, made.scope, made.span), name)


@bp.post("/z/<report_id>/print")
@permit_in_store("report.view")
def paper(report_id: str) -> ResponseReturnValue:
    """Have a Z report printed by this till's receipt printer."""
    store, made, who = asked_store(), _need(report_id), person()
    pieces = layout.pieces(made.body, made.number, made.hash.hex())
    job = printing.submit(
        here().db, store.store_id, terminal().terminal_id, PrintKind.REPORT, pieces,
        subject=report_id, person_id=who.person_id if who else None,
    )  # fmt: skip
    if job:
        flash("It is being printed.", "done")
    else:
        flash("No receipt printer serves this till.", "problem")
    return redirect(url_for(".one", report_id=report_id, **only_store(store)), 303)


def show(
    store: Store,
    body: Body,
    *,
    files: str,
    made: ZReport | None = None,
    terminal_id: str | None = None,
    **more: Any,
) -> str:
    """The page of one report, of whatever kind."""
    number, digest = (made.number, made.hash.hex()) if made else (None, "")
    printer = print_jobs.printer_of(here().db, terminal().terminal_id) if made else None
    return render_template(
        "zreport.html",
        body=body,
        title=layout.title(body, number),
        groups=list(layout.groups(body)),
        pieces=list(layout.pieces(body, number, digest)),
        local_time=layout.local,
        made=made,
        maker=_name_of(made),
        terminal_id=terminal_id,
        files=files,
        printer=printer,
        **frame(store),
        **more,
    )


def frame(store: Store) -> dict[str, Any]:
    """What every page about a store's tills shows."""
    return {
        "store": store,
        "stores": open_stores(),
        "only": only_store(store),
        "zone": zone_words(here().clock.now(), store.timezone),
        "may_close": may_in_store("report.close"),
    }


def only_store(store: Store) -> dict[str, Any]:
    """The part of an address that names the store, where a person may look at several."""
    return {"storeId": store.store_id} if len(open_stores()) > 1 else {}


def file(content: bytes | Iterable[bytes], name: str) -> Response:
    """A CSV file of this name, which is made of ids that are safe in a header."""
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _row(store: Store, terminal_id: str | None, names: dict[str, str]) -> dict[str, Any]:
    db = here().db
    last = z_reports.last(db, store.store_id, terminal_id)
    return {
        "terminal_id": terminal_id,
        "name": names.get(terminal_id or "", "") if terminal_id else _("Whole store"),
        "last": last,
        "body": z_reports.interim(db, store.store_id, terminal_id),
    }


def _need(report_id: str) -> ZReport:
    made = z_reports.get(here().db, report_id)
    if made is None or made.store_id != asked_store().store_id:
        abort(404)
    return made


def _asked_terminal() -> str | None:
    return _terminal_of(asked_store(), request.args.get("till", ""))


def _terminal_of(store: Store, terminal_id: str) -> str | None:
    """A terminal of this store, now or when it was last closed; None is all of the store."""
    if not terminal_id:
        return None
    found = stores.get_terminal(here().db, terminal_id)
    here_before = z_reports.last(here().db, store.store_id, terminal_id)
    if here_before is None and (found is None or found.store_id != store.store_id):
        abort(404)
    return terminal_id


def _name_of(made: ZReport | None) -> str:
    who = people.get(here().db, made.person_id) if made and made.person_id else None
    return who.name if who else ""
