"""The technician's card desk: choose what to do, lay cards down, see each of them done."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from dashboard import deskform
from dashboard.access import permit, person
from dashboard.cards import STATES
from dashboard.context import Workbench
from dashboard.deskform import FormProblem
from dashboard.deskstate import KINDS, count, desk_state, job_state
from dashboard.formats import zone_words
from dashboard.guard import HEADERS
from dashboard.room import here, our_store, store_time, terminal
from host.language import gettext as _
from host.ledger import cards, pull_payments, stores
from host.ledger.codes import Refused, Words
from host.ledger.records import Card, CardState, PullPaymentState
from provisioning import history, joblist, jobs, sheet
from provisioning.jobs import DeskJob, DeskState, Kind, Sign

bp = Blueprint("desk", __name__, url_prefix="/desk")

SIGNS: Final = {
    Sign.DONE: ("yes", "check", "Done"),
    Sign.ASIDE: ("no", "cross", "Set aside"),
    Sign.AGAIN: ("wait", "again", "Once more"),
}
LOOKED_AT: Final = SIGNS | {
    Sign.DONE: ("yes", "check", "Ready to pay"),
    Sign.ASIDE: ("off", "dash", "Cannot pay here"),
}
"""A look changes no card: one that is blank is not set aside, it only cannot pay."""


def bench() -> Workbench:
    """What the desk works with."""
    found = here().bench
    if found is None:
        abort(404)
    return found


def who() -> str:
    """The technician's id, for the journal and the audit trail."""
    signed_in = person()
    if signed_in is None:
        abort(401)
    return signed_in.person_id


@bp.get("")
@permit("card.provision")
def page() -> ResponseReturnValue:
    """The form for a new job (`?do=`); a job that is open comes first."""
    job = jobs.latest(here().db, terminal().terminal_id)
    if job is not None and job.open:
        return redirect(url_for("desk.job", job_id=job.job_id))
    return form(request.args.get("do", ""), last=job)


def form(
    do: str,
    *,
    last: DeskJob | None = None,
    problem: Words | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The desk with one kind of work chosen, and what was typed already."""
    kind = Kind(do) if do in set(Kind) else Kind.ISSUE
    return (
        render_template(
            "desk.html",
            kind=kind,
            kinds=KINDS,
            accounts=accounts(),
            given=request.form if request.method == "POST" else {},
            last=last,
            problem=problem,
        ),
        status,
    )


def accounts() -> dict[str, str]:
    """The store's accounts that a card can draw on, by id."""
    found = pull_payments.all(here().db, terminal().store_id)
    return {one.pull_payment_id: one.name for one in found if one.state is PullPaymentState.RUNNING}


@bp.post("/start")
@permit("card.provision")
def start() -> ResponseReturnValue:
    """Open a job on this terminal's reader."""
    context, do = here(), request.form.get("do", "")
    if do not in set(Kind):
        abort(400)
    kind = Kind(do)
    try:
        batch = deskform.entries(request.form, accounts()) if kind is Kind.ISSUE else []
        options = deskform.options(request.form)
        total = deskform.total(request.form)
    except FormProblem as error:
        return form(do, problem=Words(str(error), ""), status=400)
    place = terminal()
    stores.ensure_terminal(context.db, place.terminal_id, place.store_id)
    job = jobs.start(
        context.db,
        store_id=place.store_id,
        terminal_id=place.terminal_id,
        kind=kind,
        person=who(),
        secret=bench().keyring.secret,
        entries=batch,
        total=total,
        options=options,
    )
    if isinstance(job, Refused):
        return form(do, problem=job.code.words, status=409)
    return redirect(url_for("desk.job", job_id=job.job_id), 303)


@bp.get("/jobs/<job_id>")
@permit("card.provision")
def job(job_id: str) -> str:
    """One job: the step at the reader, and a line for each tap."""
    context = here()
    after = context.db.events.last_id()
    return render_template("deskjob.html", after=after, **_told(_job(job_id)))


@bp.get("/state")
@permit("card.provision")
def now() -> Response:
    """The newest job, for a page that has no live stream."""
    return jsonify(desk_state(here(), terminal()))


@bp.post("/jobs/<job_id>/stop")
@permit("card.provision")
def stop(job_id: str) -> ResponseReturnValue:
    """End a job; the card that lies on the reader is finished first, and nothing is lost."""
    found = _job(job_id)
    jobs.end(here().db, found.job_id, DeskState.STOPPED, who())
    return redirect(url_for("desk.job", job_id=found.job_id), 303)


@bp.post("/jobs/<job_id>/sure")
@permit("card.provision")
def sure(job_id: str) -> ResponseReturnValue:
    """Say yes or no to what a job asks about the card on the reader."""
    found = _job(job_id)
    yes = request.form.get("answer") == "yes"
    jobs.be_sure(here().db, found.job_id, request.form.get("uid", ""), yes, who())
    return redirect(url_for("desk.job", job_id=found.job_id), 303)


@bp.get("/jobs/<job_id>/list")
@permit("card.provision")
def printable(job_id: str) -> Response:
    """The labels of the cards that were made, with their PINs, to print and cut."""
    found = _batch(job_id)
    results = joblist.results(here().db, found.job_id, bench().keyring.secret)
    title = _("%(store)s: new cards") % {"store": our_store().name}
    text = sheet.html_page(results, bench().balance_url, title)
    response = Response(text, mimetype="text/html")
    # The sheet carries its own style, so that it can be kept as one file: this one, and no other.
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode() if style else b"").digest()).decode()
    policy = f"{HEADERS['Content-Security-Policy']}; style-src 'sha256-{digest}'"
    response.headers["Content-Security-Policy"] = policy
    return response


@bp.get("/jobs/<job_id>/list.csv")
@permit("card.provision")
def printable_csv(job_id: str) -> Response:
    """The same for a program."""
    found = _batch(job_id)
    results = joblist.results(here().db, found.job_id, bench().keyring.secret)
    response = Response(sheet.csv_text(results), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=cards-{found.job_id}.csv"
    return response


@bp.get("/cards/<card_id>")
@permit("card.provision")
def card(card_id: str) -> str:
    """One card's life: its state in the books, its jobs and its events."""
    found, store = our_card(card_id), our_store()
    return render_template(
        "deskcard.html",
        card=found,
        states=STATES,
        history=history.of(here().db, found),
        can_reset=found.state is not CardState.WIPED,
        zone=zone_words(here().clock.now(), store.timezone),
        local=store_time(store),
    )


def our_card(card_id: str) -> Card:
    """A card of this store."""
    found = cards.get(here().db, card_id)
    if found is None or found.store_id != terminal().store_id:
        abort(404)
    return found


def _job(job_id: str) -> DeskJob:
    """A job of this terminal."""
    known = job_id.isascii() and job_id.isdigit() and len(job_id) < 16
    found = jobs.get(here().db, int(job_id)) if known else None
    if found is None or found.terminal_id != terminal().terminal_id:
        abort(404)
    return found


def _batch(job_id: str) -> DeskJob:
    """A job of this terminal that makes cards: no other has a list of them."""
    found = _job(job_id)
    if found.kind is not Kind.ISSUE:
        abort(404)
    return found


def _told(found: DeskJob) -> dict[str, Any]:
    """What the templates of a job need."""
    lines = jobs.lines(here().db, found.job_id)
    only_looks = found.kind in (Kind.DIAGNOSE, Kind.VERIFY)
    made = found.kind is Kind.ISSUE and any(line.sign is Sign.DONE for line in lines)
    return {
        "job": found,
        "look": KINDS[found.kind],
        "state": job_state(here(), found),
        "lines": lines,
        "signs": LOOKED_AT if only_looks else SIGNS,
        "only_looks": only_looks,
        "aside": count(lines, Sign.ASIDE),
        "begun": [one for one in jobs.planned(here().db, found.job_id) if one.state == "begun"],
        "has_list": made,
        "local": store_time(our_store()),
    }
