"""Trusted devices: this browser becomes a till, or no longer is one; where a till charges."""

from __future__ import annotations

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from dashboard import forms
from dashboard.access import (
    asked_store,
    clear_device,
    everyone,
    open_stores,
    permit,
    permit_in_store,
    person,
    set_device,
)
from dashboard.errors import FieldProblem
from dashboard.formats import zone_words
from dashboard.room import TERMINAL_COOKIE, device, here, store_time, terminals_open_to
from host.ledger import devices, stores
from host.ledger.codes import Words
from host.ledger.errors import LedgerError
from host.ledger.records import Terminal

bp = Blueprint("devices", __name__, url_prefix="/device")

USED = Words("This link was used or is too old", "Make a new one under Readers and terminals.")
YEAR_S = 365 * 24 * 3600


@bp.get("")
@permit_in_store("store.manage")
def page() -> str:
    """Whether this browser is a trusted till, and the form that makes it one."""
    store, known = asked_store(), device()
    return render_template(
        "device.html",
        device=known,
        terminals=stores.terminals(here().db, store.store_id),
        terminal=stores.get_terminal(here().db, known.terminal_id) if known else None,
        store=store,
        stores=open_stores(),
        zone=zone_words(here().clock.now(), store.timezone),
        local=store_time(store),
    )


@bp.post("")
@permit_in_store("store.manage")
def trust() -> ResponseReturnValue:
    """Trust this browser; what it was before ends."""
    known = device()
    try:
        place = terminal_of_form()
        made, token = devices.trust(here().db, forms.text("name"), place.terminal_id, me())
    except (FieldProblem, LedgerError) as error:
        flash(str(error), "problem")
        return redirect(url_for(".page"), 303)
    if known is not None:
        devices.revoke(here().db, known.device_id, me())
    flash(f"This browser is now the till “{made.name}”. People sign in here with a PIN.", "done")
    response = make_response(redirect(url_for(".page"), 303))
    set_device(response, token)
    return response


@bp.post("/forget")
@permit_in_store("store.manage")
def forget() -> ResponseReturnValue:
    """Trust this browser no more."""
    known = device()
    if known is not None:
        if known.store_id not in {one.store_id for one in open_stores()}:
            abort(403)
        devices.revoke(here().db, known.device_id, me())
    flash("This browser is no till any more.", "done")
    response = make_response(redirect(url_for(".page"), 303))
    clear_device(response)
    return response


@bp.get("/link/<token>")
@everyone
def link(token: str) -> ResponseReturnValue:
    """Become a trusted till by a manager's link; a browser that looks ahead uses nothing up."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        abort(403)
    made = devices.redeem(here().db, token)
    if made is None:
        if device() is not None:  # the same link once more, in the same browser
            return redirect(url_for("home"))
        return render_template("error.html", words=USED, status=403), 403
    if (before := device()) is not None:
        devices.revoke(here().db, before.device_id, made[0].trusted_by)
    somebody = person() is not None  # who is asked whether they go on here
    response = make_response(redirect(url_for("signin.change" if somebody else "home")))
    set_device(response, made[1])
    return response


@bp.post("/terminal")
@permit("sale.charge")
def charge_at() -> ResponseReturnValue:
    """Charge at another terminal's reader from now on, on this device or in this browser."""
    context, known, who = here(), device(), person()
    place = stores.get_terminal(context.db, forms.text("terminal"))
    if place is None or not terminals_open_to(who, known, place.store_id):
        abort(403)
    response = make_response(redirect(url_for("till.page", terminal=place.terminal_id), 303))
    if known is not None:
        devices.charge_at(context.db, known.device_id, place.terminal_id, me())
    else:
        response.set_cookie(
            TERMINAL_COOKIE,
            place.terminal_id,
            max_age=YEAR_S,
            httponly=True,
            samesite="Lax",
            secure=context.secure_cookie,
        )
    return response


def terminal_of_form() -> Terminal:
    """The terminal that was chosen, of the store that the page is about."""
    place = stores.get_terminal(here().db, forms.text("terminal"))
    if place is None or place.store_id != asked_store().store_id:
        raise FieldProblem("terminal", "choose one of this store")
    return place


def me() -> str | None:
    """Who does this, for the audit trail."""
    who = person()
    return who.person_id if who is not None else None
