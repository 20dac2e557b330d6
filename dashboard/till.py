"""The cashier's till: an amount, a charge, one clear answer."""

from __future__ import annotations

import threading
from typing import Final

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from dashboard.access import permit, person
from dashboard.errors import problem
from dashboard.room import here, terminal
from dashboard.state import till_state
from host.ledger import incoming, sales
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale, SaleState
from host.money import check_amount, sats
from host.till import arm

_ARMING: Final = threading.Lock()
"""Two pages that charge at once, on one terminal: the second one sees the sale of the first."""

bp = Blueprint("till", __name__, url_prefix="/till")


@bp.get("")
@permit("sale.charge")
def page() -> str:
    """The till, with its state inside: it shows the right thing before any script asks."""
    return render_template("till.html", state=till_state(here(), terminal()))


@bp.get("/state")
@permit("sale.charge")
def now() -> Response:
    """The till's state, for a page that has no live stream."""
    return jsonify(till_state(here(), terminal()))


@bp.post("/charge")
@permit("sale.charge")
def charge() -> ResponseReturnValue:
    """Arm the reader for an amount in whole sats.

    No page shows the keypad while a sale is open. One that has not heard of it yet must not
    cancel what another one armed: `sale_open`, or `sale_in_progress`, and it shows that sale.
    """
    try:
        amount_msat = check_amount(sats(int(_given("amount_sat"))))
    except ValueError:
        return problem(Code.AMOUNT_INVALID, 400)
    context = here()
    with _ARMING:
        if (before := sales.current(context.db, terminal().terminal_id)) is not None:
            waits = sales.can_cancel(before)
            return _now_or(Refused(Code.SALE_OPEN if waits else Code.SALE_IN_PROGRESS))
        return _now_or(arm(context.db, context.board, terminal(), amount_msat))


@bp.post("/cancel")
@permit("sale.charge")
def cancel() -> ResponseReturnValue:
    """Give up the sale on the screen; one that is being checked cannot be given up."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    return _now_or(sales.cancel(here().db, sale.sale_id))


@bp.post("/again")
@permit("sale.charge")
def again() -> ResponseReturnValue:
    """Dismiss a refusal: the same sale waits for another tap."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    return _now_or(sales.move(here().db, sale.sale_id, SaleState.READY))


@bp.post("/pin")
@permit("sale.charge")
def pin() -> ResponseReturnValue:
    """The holder typed a PIN: the tap that waits for it goes on. It is handed on and not kept."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    context = here()
    refused = context.pads.enter(terminal().terminal_id, sale.sale_id, _given("pin"))
    return _now_or(refused or sale)


@bp.post("/late-noted")
@permit("sale.charge")
def late_noted() -> ResponseReturnValue:
    """Somebody has read that a sale which was over has been paid, and deals with it."""
    context, who = here(), person()
    incoming.note_late(
        context.db,
        terminal().terminal_id,
        _given("sale_id"),
        who.person_id if who is not None else None,
    )
    return _now_or(_NOTED)


def _given(name: str) -> str:
    body = request.get_json(silent=True)
    return str(body.get(name, "")) if isinstance(body, dict) else ""


def _sale_on_screen() -> Sale | Refused:
    """The sale that the person saw, if it is still this terminal's open one."""
    context = here()
    sale = sales.current(context.db, terminal().terminal_id)
    if sale is None or sale.sale_id != _given("sale_id"):
        return Refused(Code.SALE_CLOSED)
    return sale


_NOTED = object()


def _now_or(outcome: object) -> ResponseReturnValue:
    """The new state, or the refusal with its words."""
    if outcome is None:  # the sale went on in the meantime: a card is being charged
        outcome = Refused(Code.SALE_IN_PROGRESS)
    if isinstance(outcome, Refused):
        return problem(outcome.code, 409, detail=outcome.detail)
    return jsonify(till_state(here(), terminal()))
