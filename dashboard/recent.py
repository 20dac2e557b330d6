"""The sales behind the till: the last payments, finding one, its details, a receipt, a refund.

Every page stands alone under its own address; on the till `recent.js` shows the same in a dialog.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import forms, unprinted
from dashboard.access import may, permit, person
from dashboard.errors import FieldProblem
from dashboard.formats import zone, zone_words
from dashboard.room import device, here, our_store, store_time, terminal
from host.language import gettext as _
from host.language import marked as N_
from host.ledger import (
    approvals,
    attempts,
    cards,
    payouts,
    print_jobs,
    refunds,
    sales,
    views_recent,
)
from host.ledger.approvals import Asked, Given
from host.ledger.errors import LedgerError
from host.ledger.permissions import Person
from host.ledger.print_jobs import PrintJob
from host.ledger.proof import Wrong
from host.ledger.records import Sale, SaleMethod, SaleState
from host.ledger.views_recent import Wanted
from host.printers import printing
from host.receipts import layout, texts
from host.receipts import receipt as receipts
from host.retold import retold

NO_PRINTER: Final = N_(
    "No printer serves this till: open the receipt and print it from the browser."
)
MAX_SOUGHT: Final = 40

bp = Blueprint("recent", __name__, url_prefix="/till")


@dataclass(frozen=True, slots=True)
class Look:
    """A sale's state as a badge: how it looks, and in words."""

    kind: str
    icon: str
    words: str


_LOOKS: Final = {
    SaleState.APPROVED: Look("yes", "check", "Paid"),
    SaleState.AUTHORISING: Look("wait", "hourglass", "Card read, not paid yet"),
    SaleState.CHECKING: Look("wait", "hourglass", "Being checked: do not charge again"),
    SaleState.DECLINED: Look("no", "cross", "Declined"),
    SaleState.CANCELLED: Look("off", "dash", "Cancelled"),
    SaleState.READY: Look("wait", "clock", "Waits for a card"),
    SaleState.READING: Look("wait", "clock", "Card is being read"),
}
_PART_BACK: Final = Look("wait", "back", "Partly refunded")
_ALL_BACK: Final = Look("off", "back", "Refunded")


@bp.get("/recent")
@permit("sale.view")
def page() -> str:
    """The last payments of this terminal, or those of the store that were looked for (`?q=`)."""
    db, store, sought = here().db, our_store(), request.args.get("q", "").strip()[:MAX_SOUGHT]
    wanted = Wanted.read(sought) if sought else None
    if sought:
        found = views_recent.find(db, store, wanted) if wanted is not None else []
    else:
        found = views_recent.payments(db, terminal().terminal_id)
    return render_template(
        "recent.html",
        rows=found,
        names=_card_names(found),
        sought=sought,
        readable=wanted is not None,
        today=views_recent.today(db, terminal().terminal_id, store),
        printer=print_jobs.printer_of(db, terminal().terminal_id),
        unprinted=unprinted.told(here().db, terminal().terminal_id),
        **_frame(),
    )


@bp.get("/recent/<sale_id>")
@permit("sale.view")
def one(sale_id: str) -> str:
    """Everything a till may know about a sale, and what can be done about it."""
    return _details(_ours(sale_id))


@bp.post("/recent/<sale_id>/print")
@permit("sale.view")
def print_again(sale_id: str) -> Response:
    """Print the receipt; what is printed after the first one is a copy."""
    sale, who = _ours(sale_id), person()

    def act() -> str:
        job = printing.receipt(
            here().db,
            sale.sale_id,
            simulated=here().demo is not None,
            terminal_id=terminal().terminal_id,
            person_id=who.person_id if who else None,
        )
        return _printed_words(job)

    return forms.done(act, str, url_for(".one", sale_id=sale_id))


@bp.post("/recent/<sale_id>/refund")
@permit("sale.view")
def refund(sale_id: str) -> Any:
    """Give money back: by whoever may, else with the approval of somebody who may."""
    sale = _ours(sale_id)
    try:
        given = _refund(sale)
    except (FieldProblem, LedgerError) as error:
        return _details(sale, problem=_words(error)), 400
    if isinstance(given, Wrong):
        return _details(sale, problem=_wrong(given)), 400
    flash(f"{texts.sats(given.amount_msat)} given back to the card.", "done")
    job = printing.refund(
        here().db,
        sale.sale_id,
        given.entry_id,
        terminal().terminal_id,
        simulated=here().demo is not None,
        person_id=given.approved_by.person_id,
    )
    if job is None:
        flash(NO_PRINTER, "done")
    return redirect(url_for(".one", sale_id=sale_id), 303)


@bp.post("/print-jobs/<job_id>/retry")
@permit("sale.view")
def retry(job_id: str) -> Response:
    """Try again what was not printed."""
    if print_jobs.retry(here().db, _our_job(job_id).job_id) is not None:
        flash("It is tried again.", "done")
    return redirect(url_for(".page"), 303)


@bp.post("/print-jobs/<job_id>/dismiss")
@permit("sale.view")
def dismiss(job_id: str) -> Response:
    """Do without what was not printed."""
    print_jobs.dismiss(here().db, _our_job(job_id).job_id)
    return redirect(url_for(".page"), 303)


@bp.post("/drawer")
@permit("drawer.open")
def drawer() -> Response:
    """Kick the cash drawer of this till."""
    place = terminal()
    return forms.done(
        lambda: printing.open_drawer(
            here().db, place.store_id, place.terminal_id, person(), forms.text("reason")
        ),
        "The cash drawer opens.",
        url_for(".page"),
    )


@bp.get("/receipts/<sale_id>")
@permit("sale.view")
def receipt(sale_id: str) -> str:
    """The receipt as a page for paper: the very lines that a printer prints."""
    sale = _ours(sale_id)
    made = receipts.of_sale(
        here().db,
        sale.sale_id,
        copy=print_jobs.has_receipt(here().db, sale.sale_id),
        simulated=here().demo is not None,
    )
    return _paper(made, sale)


@bp.get("/receipts/<sale_id>/refunds/<entry_id>")
@permit("sale.view")
def refund_receipt(sale_id: str, entry_id: str) -> str:
    """The receipt of one refund, as a page for paper."""
    sale = _ours(sale_id)
    simulated = here().demo is not None
    return _paper(receipts.of_refund(here().db, sale_id, entry_id, simulated=simulated), sale)


def state_of(sale: Sale) -> Look:
    """A sale's state in words, with what was given back."""
    back = refunds.refunded_msat(sale)
    if sale.state is SaleState.APPROVED and back:
        return _ALL_BACK if back >= sale.amount_msat else _PART_BACK
    return _LOOKS[sale.state]


def _ours(sale_id: str) -> Sale:
    """A sale of this till's store; another store's is not there."""
    sale = sales.get(here().db, sale_id)
    if sale is None or sale.store_id != terminal().store_id:
        abort(404)
    return sale


def _our_job(job_id: str) -> PrintJob:
    job = print_jobs.get(here().db, job_id)
    if job is None or job.terminal_id != terminal().terminal_id:
        abort(404)
    return job


def _frame() -> dict[str, Any]:
    store = our_store()
    return {
        "store": store,
        "zone": zone_words(here().clock.now(), store.timezone),
        "local": store_time(store),
        "clock_time": _clock_time,
        "state_of": state_of,
        "number": texts.short,
        "paid_by": layout.paid_by,
    }


def _clock_time(at: int) -> str:
    """The hour, and the day before it where it was another."""
    here_zone = zone(our_store().timezone)
    then = datetime.fromtimestamp(at / 1000, here_zone)
    now = datetime.fromtimestamp(here().clock.now() / 1000, here_zone)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"


def _details(sale: Sale, *, problem: str = "") -> str:
    paid = sale.state is SaleState.APPROVED and sale.method is not None
    made = receipts.of_sale(here().db, sale.sale_id) if paid else None
    left = approvals.left_msat(sale) if paid else 0
    return render_template(
        "recentsale.html",
        sale=sale,
        made=made,
        look=state_of(sale),
        refused=attempts.of_sale(here().db, sale.sale_id),
        left=left,
        by_card=sale.method is SaleMethod.CARD,
        own=may("sale.refund"),
        pin=device() is not None,
        problem=problem,
        typed_in=request.form if problem else {},
        printer=print_jobs.printer_of(here().db, terminal().terminal_id),
        printed_before=print_jobs.has_receipt(here().db, sale.sale_id),
        **_frame(),
    )


def _refund(sale: Sale) -> Given | Wrong:
    who = person()
    if who is None:
        abort(401)
    asked = _asked(sale, who)
    if may("sale.refund"):
        return approvals.refund(here().db, asked)
    name, kind, secret = (
        forms.text("name"),
        forms.text("kind") or "password",
        forms.secret("secret"),
    )
    if not name or not secret:
        raise FieldProblem("approval", "a manager types a name and a password")
    if kind == "pin" and device() is None:
        raise FieldProblem("approval", "a PIN counts on a trusted device alone; use the password")
    if kind not in ("password", "pin"):
        raise FieldProblem("approval", "must be a password or a PIN")
    return approvals.refund_with(here().db, asked, name, kind, secret)


def _asked(sale: Sale, who: Person) -> Asked:
    return Asked(
        sale_id=sale.sale_id,
        amount_msat=forms.amount("amount"),
        reason=forms.text("reason"),
        left_msat=forms.amount("left"),
        terminal_id=terminal().terminal_id,
        by=who,
    )


def _words(error: Exception) -> str:
    """Why it was refused, with the field as the name of a thing."""
    field, colon, words = retold(str(error)).partition(": ")
    return f"{field[:1].upper()}{field[1:].replace('_', ' ')}{colon}{words}"


def _wrong(given: Wrong) -> str:
    if given.locked_until is not None:
        at = _clock_time(given.locked_until)
        words = _("Too many wrong ones: that name is locked out until %(at)s.")
        return words % {"at": at}
    return _(
        "Name and secret do not fit. After five wrong ones that person is locked out for a while."
    )


def _printed_words(job: PrintJob | None) -> str:
    if job is None:
        raise FieldProblem("printer", _(NO_PRINTER))
    return _("It is printed on %(printer)s.") % {"printer": job.printer}


def _paper(made: receipts.Receipt, sale: Sale) -> str:
    return render_template(
        "receipt.html",
        pieces=layout.pieces(made),
        choices=made.choices,
        sale=sale,
        number=texts.short(sale.sale_id),
    )


def _card_names(found: list[Sale]) -> Callable[[Sale], str]:
    """Who paid, in a word or two; each card is looked up once."""
    known: dict[str, str] = {}

    def name(sale: Sale) -> str:
        if sale.method is SaleMethod.INVOICE:
            return _("Lightning invoice")
        if sale.payout_id is None:
            host = sale.data.get("host")
            return _("Card of %(host)s") % {"host": host} if host else ""
        payout = payouts.get(here().db, sale.payout_id)
        if payout is None:
            return ""
        if payout.boltcard_id not in known:
            card = cards.get(here().db, payout.boltcard_id)
            known[payout.boltcard_id] = card.alias if card else ""
        return known[payout.boltcard_id]

    return name
