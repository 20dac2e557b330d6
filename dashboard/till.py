"""The cashier's till: an amount, a charge, one clear answer."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import Any, Final

import segno
from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from dashboard.access import permit, person
from dashboard.errors import problem
from dashboard.room import here, terminal
from dashboard.state import till_state
from host import till
from host.ledger import incoming, sales, screen
from host.ledger.bills import Bill
from host.ledger.codes import Code, Refused
from host.ledger.rates import NO_CURRENCY
from host.ledger.records import Sale, SaleState

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
    """Arm the reader for what was keyed in: `lines` and `tip`, whole numbers of one `unit`.

    No page shows the keypad while a sale is open. One that has not heard of it yet must not
    cancel what another one armed: `sale_open`, or `sale_in_progress`, and it shows that sale.
    """
    bill = _bill()
    fault = bill.fault if bill is not None else "lines"
    if bill is None or fault is not None:
        return problem(Code.AMOUNT_INVALID, 400, {"field": fault or ""})
    context, place = here(), terminal()
    with _ARMING:
        if (before := sales.current(context.db, place.terminal_id)) is not None:
            waits = sales.can_cancel(before)
            return _now_or(Refused(Code.SALE_OPEN if waits else Code.SALE_IN_PROGRESS))
        return _now_or(till.charge(context.db, context.board, place, bill, _who()))


@bp.post("/cancel")
@permit("sale.charge")
def cancel() -> ResponseReturnValue:
    """Give up the sale on the screen; one that is being checked cannot be given up."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    display = here().screen
    return _now_or(display.cancel(sale) if display else sales.cancel(here().db, sale.sale_id))


@bp.post("/again")
@permit("sale.charge")
def again() -> ResponseReturnValue:
    """Dismiss a refusal: the same sale waits for another tap."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    return _now_or(sales.move(here().db, sale.sale_id, SaleState.READY))


@bp.post("/qr")
@permit("sale.charge")
def show_qr() -> ResponseReturnValue:
    """Show the sale's invoice as a QR code, for somebody without a card."""
    return _now_or(_on_display("show"))


@bp.post("/qr/hide")
@permit("sale.charge")
def hide_qr() -> ResponseReturnValue:
    """Put the code away: the sale waits for a card again."""
    return _now_or(_on_display("hide"))


@bp.get("/qr/<sale_id>.svg")
@permit("sale.charge")
def qr(sale_id: str) -> Response:
    """The code that is on the screen of this terminal's sale."""
    sale = sales.current(here().db, terminal().terminal_id)
    invoice = screen.shown(here().db, sale) if sale and sale.sale_id == sale_id else None
    if invoice is None:
        abort(404)
    # In capitals a code is a third smaller, and so easier to read; bech32 allows it (BIP 173).
    code = segno.make(f"lightning:{invoice.bolt11}".upper(), error="l", micro=False)
    drawn = BytesIO()
    code.save(drawn, kind="svg", xmldecl=False, border=4, omitsize=True, light="#fff")
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


@bp.post("/pin")
@permit("sale.charge")
def pin() -> ResponseReturnValue:
    """The holder typed a PIN: the tap that waits for it goes on. It is handed on and not kept."""
    sale = _sale_on_screen()
    if isinstance(sale, Refused):
        return _now_or(sale)
    refused = here().pads.enter(terminal().terminal_id, sale.sale_id, _given("pin"))
    return _now_or(refused or sale)


@bp.post("/late-noted")
@permit("sale.charge")
def late_noted() -> ResponseReturnValue:
    """Somebody has read that a sale which was over has been paid, and deals with it."""
    incoming.note_late(here().db, terminal().terminal_id, _given("sale_id"), _who())
    return _now_or(_NOTED)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _given(name: str) -> str:
    return str(_body().get(name, ""))


def _bill() -> Bill | None:
    """What the page sent, where it has the shape of a bill."""
    body = _body()
    lines, tip = body.get("lines"), body.get("tip", 0)
    numbers = [*lines, tip] if isinstance(lines, list) else [None]
    if not all(type(one) is int for one in numbers):
        return None
    unit, note = str(body.get("unit", NO_CURRENCY)), " ".join(str(body.get("note", "")).split())
    return Bill(tuple(lines or ()), unit, tip, note)


def _who() -> str | None:
    who = person()
    return who.person_id if who is not None else None


def _on_display(act: str) -> object:
    """Show or hide the code of the sale on the screen; what became of it."""
    sale, display = _sale_on_screen(), here().screen
    if isinstance(sale, Refused):
        return sale
    if display is None:
        return Refused(Code.STORE_OFFLINE, {"part": "lightning"})
    return (display.show(sale) if act == "show" else display.hide(sale)) or sale


def _sale_on_screen() -> Sale | Refused:
    """The sale that the person saw, if it is still this terminal's open one."""
    sale = sales.current(here().db, terminal().terminal_id)
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
