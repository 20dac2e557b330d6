"""Shifts: a cashier's own at this till, and the list of a store's for whoever closes it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboard import forms, zreports
from dashboard.access import asked_store, permit, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.formats import GROUP
from dashboard.room import here, our_store, store_time, terminal
from host import till_sheets
from host.language import decimal
from host.ledger import people, shifts, stores, till_lines
from host.ledger.permissions import Person
from host.ledger.rates import minor_unit
from host.ledger.shifts import Shift
from host.ledger.till_lines import Scope
from host.ledger.till_report import Span

PAGE: Final = 50

till = Blueprint("shift", __name__, url_prefix="/shift")
bp = Blueprint("shifts", __name__, url_prefix="/reports/shifts")


@till.get("")
@permit("shift.work")
def mine() -> str:
    """One's own shift at this till: to open it, to see what was taken, to close it."""
    store, shift = our_store(), _current()
    return render_template(
        "shift.html",
        shift=shift,
        body=shifts.report(here().db, shift) if shift else None,
        others_open=_others(shift),
        cash=cash_text,
        counts_cash=shifts.counts_cash(store.currency),
        here={"terminal": terminal().terminal_id},
        local=store_time(store),
        **zreports.frame(store),
    )


@till.post("/open")
@permit("shift.work")
def begin() -> ResponseReturnValue:
    """Open a shift; the opening float may be given."""
    store, who = our_store(), _me()

    def act() -> None:
        opening = cash("opening", store.currency)
        shifts.start(here().db, terminal().terminal_id, who, opening_minor=opening)

    return forms.done(act, "Your shift is open.", _here())


@till.post("/close")
@permit("shift.work")
def end() -> ResponseReturnValue:
    """Close one's own shift; what was counted may be given."""
    shift = _current()
    if shift is None:
        abort(409)
    return _finish(shift, _here())


@bp.get("")
@permit_in_store("report.view")
def page() -> str:
    """The shifts of a store, the newest first."""
    store, db = asked_store(), here().db
    before = request.args.get("before")
    found = shifts.recent(db, store.store_id, before=before, limit=PAGE + 1)
    return render_template(
        "shifts.html",
        rows=[(one, shifts.report(db, one)) for one in found[:PAGE]],
        more=found[PAGE - 1].shift_id if len(found) > PAGE else None,
        before=before,
        names={one.terminal_id: one.name for one in stores.terminals(db)},
        local=store_time(store),
        **zreports.frame(store),
    )


@bp.get("/<shift_id>")
@permit_in_store("report.view")
def one(shift_id: str) -> str:
    """What was taken in one shift."""
    store, shift = asked_store(), _need(shift_id)
    files = url_for(".one_csv", shift_id=shift_id, **zreports.only_store(store))
    body = shifts.report(here().db, shift)
    return zreports.show(store, body, files=files, shift=shift, cash=cash_text)


@bp.get("/<shift_id>.csv")
@permit_in_store("report.view")
def one_csv(shift_id: str) -> Response:
    """Every line of one shift."""
    shift, db = _need(shift_id), here().db
    scope = Scope(shift.store_id, shift.terminal_id, shift.shift_id)
    until = db.read(lambda tx: till_lines.newest(tx, scope))
    span = Span(0, until, shift.opened_at, db.now)
    return zreports.file(till_sheets.lines(db, scope, span), f"shift-{shift_id}")


@bp.post("/<shift_id>/close")
@permit_in_store("report.close")
def close(shift_id: str) -> ResponseReturnValue:
    """Close a shift that somebody forgot."""
    store, shift = asked_store(), _need(shift_id)
    return _finish(shift, url_for(".one", shift_id=shift_id, **zreports.only_store(store)))


def cash(field: str, currency: str) -> int | None:
    """Cash typed in a currency, as a number of its smallest unit; blank where nobody counted."""
    typed = forms.text(field).replace(",", ".").replace(" ", "")
    if not typed or not shifts.counts_cash(currency):
        return None
    try:
        minor = Decimal(typed) / minor_unit(currency)
        whole = int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        raise FieldProblem(field, "write an amount like 150.00, or leave it blank") from None
    if minor != whole or not 0 <= whole < 10**12:
        raise FieldProblem(field, f"write an amount of {currency} above zero, or leave it blank")
    return whole


def cash_text(minor: int | None, currency: str) -> str:
    """Cash as people write it; a dash where nobody counted."""
    if minor is None:
        return "–"
    return decimal(f"{minor * minor_unit(currency):,f} {currency}".replace(",", GROUP))


def _finish(shift: Shift, target: str) -> ResponseReturnValue:
    def act() -> None:
        counted = cash("counted", shift.currency)
        note = forms.text("note")
        shifts.finish(here().db, shift.shift_id, _me(), counted_minor=counted, note=note)

    return forms.done(act, "The shift is closed.", target)


def _here() -> str:
    """The cashier's page, at the very till that this request is about."""
    return url_for(".mine", terminal=terminal().terminal_id)


def _current() -> Shift | None:
    return shifts.current(here().db, terminal().terminal_id, _me().person_id)


def _others(shift: Shift | None) -> list[dict[str, Any]]:
    """Whose shifts are open at this till beside one's own."""
    db, store_id = here().db, terminal().store_id
    names = {one.person_id: one.name for one in people.every(db)}
    return [
        {"name": names.get(one.person_id, ""), "shift": one}
        for one in shifts.recent(db, store_id)
        if one.open and one.terminal_id == terminal().terminal_id and one != shift
    ]


def _me() -> Person:
    who = person()
    if who is None:
        abort(403)
    return who


def _need(shift_id: str) -> Shift:
    shift = shifts.get(here().db, shift_id)
    if shift is None or shift.store_id != asked_store().store_id:
        abort(404)
    return shift
