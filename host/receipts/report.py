"""An X, Z or shift report as pieces of paper, for printers, pages and commands alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from host.language import decimal, pgettext
from host.language import gettext as _
from host.language import marked as N_
from host.ledger.till_report import Body
from host.money import sat_text
from host.receipts.paper import Align, Line, Piece, Rule

METHODS: Final = {
    "card": N_("Our cards"),
    "foreign": N_("Cards of other issuers"),
    "invoice": N_("Invoices on the screen"),
}

Named = tuple[str, dict[str, Any]]
"""A name, and the sums under it."""

_TITLES: Final = {"x": N_("X report"), "z": N_("Z report"), "shift": N_("Shift")}
_NOBODY: Final = N_("Nobody signed in")
_UTC: Final = "+0000"
OPEN: Final = {
    "ready": N_("waits for a card"),
    "reading": N_("card is being read"),
    "authorising": N_("being checked"),
    "declined": N_("declined"),
    "checking": N_("being checked"),
}
"""How a sale that is not over stands."""


def title(body: Body, number: int | None = None) -> str:
    """What the report is called, with its number where it has one."""
    name = _(_TITLES[body["kind"]])
    return f"{name} {number}" if number is not None else name


def pieces(body: Body, number: int | None = None, digest: str = "") -> Iterator[Piece]:
    """Everything that stands on the paper; `digest` is the hash of a Z report, in hex."""
    yield from _head(body, number)
    yield from _total(body)
    for name, _row, rows in groups(body):
        yield from _group(name, rows)
    yield from _currencies(body["currencies"])
    yield from _others(body)
    yield from _open(body["open"])
    yield from _foot(body, digest)


def groups(body: Body) -> Iterator[tuple[str, str, list[Named]]]:
    """The sums of a report, one way of dividing them after the other: its title, what its rows
    are, and each row with its name.
    """
    methods = [(_(METHODS[one["method"]]), one) for one in body["methods"]]
    yield _("By method"), _("Method"), methods
    people = [(one["name"] or _(_NOBODY), one) for one in body["people"]]
    yield _("By cashier"), _("Cashier"), people
    if len(body["terminals"]) > 1:
        yield _("By till"), _("Till"), [(one["name"], one) for one in body["terminals"]]
    yield _("By business day"), _("Business day"), [(one["day"], one) for one in body["days"]]


def local(moment: dict[str, Any] | None) -> str:
    """A time on the store's clock with its offset, or a dash."""
    return f"{moment['local']} {moment['offset']}" if moment else "-"


def _sats(amount_msat: int) -> str:
    return f"{sat_text(amount_msat)} sats"


def _head(body: Body, number: int | None) -> Iterator[Piece]:
    store, terminal = body["store"], body["terminal"]
    yield Line(store["name"], align=Align.CENTER, bold=True, double=True)
    yield Line(title(body, number), align=Align.CENTER, bold=True, double=True)
    if body["kind"] == "x":
        yield Line(_("interim, not a Z report"), align=Align.CENTER)
    yield Rule()
    yield Line(_("Till"), terminal["name"] if terminal else _("the whole store"))
    if body["kind"] == "shift":
        yield Line(_("Cashier"), body["person"])
    yield Line(_("From"), local(body["from"]) if body["from"] else _("the beginning"))
    yield Line(_("Until"), local(body["until"]))
    if body["until"]["offset"] != _UTC:
        yield Line(_("Until (UTC)"), body["until"]["utc"])
    yield Line(_("Time zone"), store["timezone"])
    yield Line(_("Business day from"), f"{store['cutoff_hour']:02d}:00")
    yield Rule()


def _total(body: Body) -> Iterator[Piece]:
    total = body["total"]
    yield Line(_("Sales"), str(total["sales"]))
    yield Line(_("Gross"), _sats(total["gross_msat"]))
    yield Line(_("of which tips"), _sats(total["tips_msat"]))
    yield Line(_("Refunds"), str(total["refunds"]))
    yield Line(_("Refunded"), _sats(-total["refunds_msat"]))
    yield Line(_("NET"), _sats(total["net_msat"]), bold=True, double=True)
    yield Line(_("First"), local(body["first"]))
    yield Line(_("Last"), local(body["last"]))


def _group(name: str, rows: list[Named]) -> Iterator[Piece]:
    if not rows:
        return
    yield Rule()
    yield Line(name, bold=True)
    for label, one in rows:
        yield Line(f"{label} ({one['sales']})", _sats(one["net_msat"]))
        if one["tips_msat"]:
            yield Line("  " + _("tips"), _sats(one["tips_msat"]))
        if one["refunds"]:
            yield Line(f"  {_('refunds')} ({one['refunds']})", _sats(-one["refunds_msat"]))


def _currencies(rows: list[dict[str, Any]]) -> Iterator[Piece]:
    for one in rows:
        yield Rule()
        head = _("In %(currency)s, at each sale's rate (%(sales)s)")
        yield Line(head % {"currency": one["currency"], "sales": one["sales"]}, bold=True)
        yield Line(_("Gross"), decimal(one["gross"]))
        yield Line(_("of which tips"), decimal(one["tips"]))
        yield Line(_("Refunded"), decimal(one["refunds"]))
        yield Line(_("Net"), decimal(one["net"]))


def _others(body: Body) -> Iterator[Piece]:
    yield Rule()
    yield Line(_("Cash for top-ups"), _counted(body["top_ups"]))
    yield Line(_("Paid late, no sale"), _counted(body["late"]))
    yield Line(_("Fees of the store"), _counted(body["fees"]))
    yield Line(pgettext("report", "Declined"), str(body["declined"]))
    yield Line(pgettext("report", "Cancelled"), str(body["cancelled"]))


def _counted(tally: dict[str, int]) -> str:
    return f"{tally['count']}: {_sats(tally['amount_msat'])}"


def _open(rows: list[dict[str, Any]]) -> Iterator[Piece]:
    if not rows:
        return
    yield Rule()
    yield Line(_("Not over yet: in the next report"), bold=True)
    for one in rows:
        yield Line(f"{one['created']['local']} {_(OPEN[one['state']])}", _sats(one["amount_msat"]))


def _foot(body: Body, digest: str) -> Iterator[Piece]:
    yield Rule()
    yield Line(_("Audit trail"), _("%(rows)s rows") % {"rows": body["audit"]["rows"]})
    yield Line(body["audit"]["hash"][:32])
    if digest:
        yield Line(_("Hash of this report"))
        yield Line(digest[:32])
        yield Line(digest[32:])
