"""An X, Z or shift report as pieces of paper, for printers, pages and commands alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from host.ledger.till_report import Body
from host.money import sat_text
from host.receipts.paper import Align, Line, Piece, Rule

METHODS: Final = {
    "card": "Our cards",
    "foreign": "Cards of other issuers",
    "invoice": "Invoices on the screen",
}

Named = tuple[str, dict[str, Any]]
"""A name, and the sums under it."""

_TITLES: Final = {"x": "X report", "z": "Z report", "shift": "Shift"}
_NOBODY: Final = "Nobody signed in"


def title(body: Body, number: int | None = None) -> str:
    """What the report is called, with its number where it has one."""
    name = _TITLES[body["kind"]]
    return f"{name} {number}" if number is not None else name


def pieces(body: Body, number: int | None = None, digest: str = "") -> Iterator[Piece]:
    """Everything that stands on the paper; `digest` is the hash of a Z report, in hex."""
    yield from _head(body, number)
    yield from _total(body)
    for name, rows in groups(body):
        yield from _group(name, rows)
    yield from _currencies(body["currencies"])
    yield from _others(body)
    yield from _open(body["open"])
    yield from _foot(body, digest)


def groups(body: Body) -> Iterator[tuple[str, list[Named]]]:
    """The sums of a report, one way of dividing them after the other, each row with its name."""
    yield "By method", [(METHODS[one["method"]], one) for one in body["methods"]]
    yield "By cashier", [(one["name"] or _NOBODY, one) for one in body["people"]]
    if len(body["terminals"]) > 1:
        yield "By till", [(one["name"], one) for one in body["terminals"]]
    yield "By business day", [(one["day"], one) for one in body["days"]]


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
        yield Line("interim, not a Z report", align=Align.CENTER)
    yield Rule()
    yield Line("Till", terminal["name"] if terminal else "the whole store")
    if body["kind"] == "shift":
        yield Line("Cashier", body["person"])
    yield Line("From", local(body["from"]) if body["from"] else "the beginning")
    yield Line("Until", local(body["until"]))
    yield Line("Until (UTC)", body["until"]["utc"])
    yield Line("Time zone", store["timezone"])
    yield Line("Business day from", f"{store['cutoff_hour']:02d}:00")
    yield Rule()


def _total(body: Body) -> Iterator[Piece]:
    total = body["total"]
    yield Line("Sales", str(total["sales"]))
    yield Line("Gross", _sats(total["gross_msat"]))
    yield Line("of which tips", _sats(total["tips_msat"]))
    yield Line("Refunds", str(total["refunds"]))
    yield Line("Refunded", _sats(-total["refunds_msat"]))
    yield Line("NET", _sats(total["net_msat"]), bold=True, double=True)
    yield Line("First", local(body["first"]))
    yield Line("Last", local(body["last"]))


def _group(name: str, rows: list[Named]) -> Iterator[Piece]:
    if not rows:
        return
    yield Rule()
    yield Line(name, bold=True)
    for label, one in rows:
        yield Line(f"{label} ({one['sales']})", _sats(one["net_msat"]))
        if one["tips_msat"]:
            yield Line("  tips", _sats(one["tips_msat"]))
        if one["refunds"]:
            yield Line(f"  refunds ({one['refunds']})", _sats(-one["refunds_msat"]))


def _currencies(rows: list[dict[str, Any]]) -> Iterator[Piece]:
    for one in rows:
        yield Rule()
        yield Line(f"In {one['currency']}, at each sale's rate ({one['sales']})", bold=True)
        yield Line("Gross", one["gross"])
        yield Line("of which tips", one["tips"])
        yield Line("Refunded", one["refunds"])
        yield Line("Net", one["net"])


def _others(body: Body) -> Iterator[Piece]:
    yield Rule()
    yield Line("Cash for top-ups", _counted(body["top_ups"]))
    yield Line("Paid late, no sale", _counted(body["late"]))
    yield Line("Fees of the store", _counted(body["fees"]))
    yield Line("Declined", str(body["declined"]))
    yield Line("Cancelled", str(body["cancelled"]))


def _counted(tally: dict[str, int]) -> str:
    return f"{tally['count']}: {_sats(tally['amount_msat'])}"


def _open(rows: list[dict[str, Any]]) -> Iterator[Piece]:
    if not rows:
        return
    yield Rule()
    yield Line("Not over yet: in the next report", bold=True)
    for one in rows:
        yield Line(f"{one['created']['local']} {one['state']}", _sats(one["amount_msat"]))


def _foot(body: Body, digest: str) -> Iterator[Piece]:
    yield Rule()
    yield Line("Audit trail", f"{body['audit']['rows']} rows")
    yield Line(body["audit"]["hash"][:32])
    if digest:
        yield Line("Hash of this report")
        yield Line(digest[:32])
        yield Line(digest[32:])
