"""Sales: what was charged, how it was paid, and giving money back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from flask import Blueprint, Response, abort, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from dashboard import filters, forms
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.exports import Times, attachment
from dashboard.filters import Filters
from dashboard.formats import zone_words
from dashboard.room import here, store_time
from host.language import gettext as _
from host.ledger import (
    attempts,
    days,
    giving_up,
    incoming,
    people,
    refunds,
    sales,
    stores,
    views_sales,
)
from host.ledger.records import Sale, SaleMethod, SaleState
from host.ledger.views_recent import Wanted
from host.ledger.views_sales import OtherSum, PaidBy, SaleList
from host.money import MSAT_PER_SAT
from host.receipts import texts
from host.sheets import MARK, csv_line, harmless

PER_PAGE: Final = 50
MAX_SOUGHT: Final = 40

Choice = TypeVar("Choice", bound=StrEnum)

COLUMNS: Final = (
    *("sale_id", "state", "method", "amount_sat", "tip_sat", "refunded_sat", "currency", "fiat"),
    *("rate", "rate_source", "created_at_utc", "created_at_local", "settled_at_utc"),
    *("settled_at_local", "terminal_id", "person", "boltcard_id", "boltcard_alias", "issuer"),
    *("payout_id", "code", "note"),
)

bp = Blueprint("sales", __name__, url_prefix="/sales")


class Look(NamedTuple):
    """A state or a method as a badge."""

    word: str
    look: str
    icon: str


STATES: Final = {
    SaleState.APPROVED: Look("Paid", "yes", "check"),
    SaleState.CHECKING: Look("Being checked", "wait", "hourglass"),
    SaleState.DECLINED: Look("Declined", "no", "cross"),
    SaleState.CANCELLED: Look("Cancelled", "off", "dash"),
    SaleState.AUTHORISING: Look("Authorising", "wait", "hourglass"),
    SaleState.READY: Look("Waiting", "wait", "clock"),
    SaleState.READING: Look("Reading", "wait", "tap"),
}
METHODS: Final = {
    SaleMethod.CARD: "Our card",
    SaleMethod.FOREIGN: "Another issuer's card",
    SaleMethod.INVOICE: "Invoice on the screen",
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The list's filters: days, and what a sale is like."""

    days: Filters
    state: SaleState | None
    method: SaleMethod | None
    sought: str = ""
    """An amount, or the number of a receipt, as it was typed."""

    @property
    def wanted(self) -> Wanted | None:
        return Wanted.read(self.sought) if self.sought else None

    def sales(self) -> SaleList:
        """The sales that these filters leave."""
        store, (since, until) = self.days.store, between(self.days)
        return SaleList(
            store.store_id, since, until, self.state, self.method, self.wanted, store.currency
        )

    def args(self, **changes: str | None) -> dict[str, str]:
        """The address of these filters, with some changed; None takes one out."""
        asked = {"state": self.state, "method": self.method, "q": self.sought}
        values = self.days.args() | asked | changes
        return {name: value for name, value in values.items() if value}

    def chips(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Each filter that is set, in words, and the address without it."""
        if not self.days.usual_days:
            yield self.days.words_of_days(), self.args(startDate=None, endDate=None)
        if self.state is not None:
            yield _(STATES[self.state].word), self.args(state=None)
        if self.method is not None:
            yield _(METHODS[self.method]), self.args(method=None)
        if self.sought:
            yield f"“{self.sought}”", self.args(q=None)


def between(asked: Filters) -> tuple[int, int]:
    """When the days of a filter begin and are over (epoch ms)."""
    zone, cutoff = asked.store.timezone, asked.store.cutoff_hour
    return (
        days.begin_of(asked.since, zone, cutoff),
        days.begin_of(filters.day_after(asked.until), zone, cutoff),
    )


def others(asked: Filters) -> dict[SaleMethod, OtherSum]:
    """What came in during these days without a payout, by method."""
    return views_sales.other_totals(here().db, asked.store.store_id, *between(asked))


@bp.get("")
@permit_in_store("payout.view")
def page() -> str:
    """One page of sales; `?before=` is the sale after which it begins (keyset)."""
    asked, before = _read(), request.args.get("before") or None
    found = views_sales.page(here().db, asked.sales(), before=before, limit=PER_PAGE)
    return render_template(
        "sales.html",
        asked=asked,
        sales=found.sales,
        more=found.next,
        before=before,
        paid_by=views_sales.paid_by(here().db, found.sales),
        others=others(asked.days),
        **_frame(),
    )


@bp.get("/<sale_id>")
@permit_in_store("payout.view")
def one(sale_id: str) -> str:
    """A sale: what was asked for, how it was paid, and what was given back."""
    db, sale = here().db, _ours(sale_id)
    terminal = stores.get_terminal(db, sale.terminal_id)
    return render_template(
        "sale.html",
        sale=sale,
        paid_by=views_sales.paid_by(db, [sale]).get(sale_id, PaidBy()),
        invoices=incoming.every(db, sale_id),
        refused=attempts.of_sale(db, sale_id),
        refunds=refunds.of_payout(db, sale.payout_id) if sale.payout_id else [],
        left=sale.amount_msat - refunds.refunded_msat(sale),
        terminal=terminal.name if terminal else sale.terminal_id,
        names={one.person_id: one.name for one in people.every(db)},
        **_frame(),
    )


@bp.post("/<sale_id>/refund")
@permit_in_store("sale.refund")
def refund(sale_id: str) -> AnyResponse:
    """Give back a part of a sale, or all of it, to the card that paid."""
    _ours(sale_id)

    def act() -> None:
        amount = forms.amount("amount")
        refunds.refund(here().db, sale_id, amount, forms.text("reason"), person())

    words = "The money is back on the card."
    return forms.done(act, words, url_for(".one", sale_id=sale_id))


@bp.post("/<sale_id>/give-up")
@permit_in_store("sale.refund")
def give_up(sale_id: str) -> AnyResponse:
    """Close a sale that is being checked, when its wallet is dead for good."""
    _ours(sale_id)
    return forms.done(
        lambda: giving_up.give_up(here().db, sale_id, forms.text("reason"), person()),
        "The sale is closed. Should its money come after all, the till tells it.",
        url_for(".one", sale_id=sale_id),
    )


@bp.get("/export.csv")
@permit_in_store("payout.view")
def csv() -> Response:
    """The very list on the screen as CSV, oldest first, streamed (UX rule 12)."""
    asked, db = _read(), here().db
    names = {one.person_id: one.name for one in people.every(db)}
    times = Times(asked.days.store.timezone)

    def chunks() -> Iterator[bytes]:
        yield MARK + csv_line([COLUMNS])
        for found in views_sales.batches(db, asked.sales()):
            paid = views_sales.paid_by(db, found)
            yield csv_line(_cells(sale, paid.get(sale.sale_id), names, times) for sale in found)

    return attachment(chunks(), asked.days, "sales", "csv", "text/csv")


def _cells(sale: Sale, paid: PaidBy | None, names: dict[str, str], times: Times) -> tuple[Any, ...]:
    paid = paid or PaidBy()
    return (
        sale.sale_id,
        sale.state,
        sale.method or "",
        sale.amount_msat // MSAT_PER_SAT,
        sale.tip_msat // MSAT_PER_SAT,
        refunds.refunded_msat(sale) // MSAT_PER_SAT,
        sale.currency,
        sale.fiat or "",
        sale.rate or "",
        harmless(sale.rate_source),
        *times.both(sale.created_at),
        *times.both(sale.settled_at),
        harmless(sale.terminal_id),
        harmless(names.get(sale.person_id or "")),
        paid.card_id or "",
        harmless(paid.alias),
        harmless(paid.host),
        sale.payout_id or "",
        sale.code or "",
        harmless(sale.note),
    )


def _read() -> Narrowed:
    """The filters of a request's address; raises `FieldProblem` naming the field."""
    days_asked = filters.read(
        {name: request.args.get(name, "") for name in ("startDate", "endDate")}
    )
    sought = request.args.get("q", "").strip()
    if len(sought) > MAX_SOUGHT or (sought and Wanted.read(sought) is None):
        raise FieldProblem("q", "write an amount, or the number of a receipt such as 8F3A2-1C0D4")
    return Narrowed(days_asked, _choice("state", SaleState), _choice("method", SaleMethod), sought)


def _choice(field: str, kind: type[Choice]) -> Choice | None:
    text = request.args.get(field, "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise FieldProblem(field, f"must be one of {', '.join(kind)}") from None


def _ours(sale_id: str) -> Sale:
    """A sale of the store that was asked for; another store's is not there."""
    sale = sales.get(here().db, sale_id)
    if sale is None or sale.store_id != asked_store().store_id:
        abort(404)
    return sale


def _frame() -> dict[str, Any]:
    store = asked_store()
    return {
        "states": STATES,
        "methods": METHODS,
        "number": texts.short,
        "refunded": refunds.refunded_msat,
        "store": store,
        "stores": open_stores(),
        "zone": zone_words(here().clock.now(), store.timezone),
        "local": store_time(store),
    }
