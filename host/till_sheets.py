"""Reports of tills as CSV: one row a line with integers that sum, or one row a Z report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from host.ledger import people, stores, till_lines, till_report
from host.ledger.days import business_day
from host.ledger.rates import worth
from host.ledger.records import Store
from host.ledger.till_lines import Line, Scope
from host.ledger.till_report import Span
from host.ledger.z_reports import ZReport
from host.sheets import MARK, csv_line, harmless
from host.store.tx import Place, Tx

LINES: Final = (
    "line_id",
    "kind",
    "at_utc",
    "at_local",
    "business_day",
    "method",
    "amount_msat",
    "tip_msat",
    "currency",
    "worth",
    "sale_id",
    "terminal",
    "person",
)
"""`amount_msat` is below zero for what left the till; `worth` is at the sale's rate, never summed
from the satoshi."""

REPORTS: Final = (
    "number",
    "terminal_id",
    "from_utc",
    "from_local",
    "until_utc",
    "until_local",
    "sales",
    "gross_msat",
    "tips_msat",
    "refunds",
    "refunds_msat",
    "net_msat",
    "late_msat",
    "top_ups_msat",
    "fees_msat",
    "declined",
    "cancelled",
    "first_line",
    "last_line",
    "hash",
)


def lines(db: Place, scope: Scope, span: Span) -> bytes:
    """Every line of a report."""
    return MARK + csv_line([LINES]) + db.read(lambda tx: csv_line(_lines(tx, scope, span)))


def reports(found: Iterable[ZReport]) -> bytes:
    """One row a Z report."""
    return MARK + csv_line([REPORTS]) + csv_line(map(_report, found))


def _lines(tx: Tx, scope: Scope, span: Span) -> Iterator[tuple[Any, ...]]:
    store = stores.get(tx, scope.store_id)
    assert store is not None  # noqa: S101 - the report is of it
    names = {one.person_id: one.name for one in people.every(tx)}
    for line in till_lines.each(tx, scope, span.after, span.until):
        yield _line(line, store, names)


def _line(line: Line, store: Store, names: dict[str, str]) -> tuple[Any, ...]:
    moment = till_report.moment(line.at, store.timezone) or {}
    sign = -1 if line.signed_msat < 0 else 1
    value = ""
    if line.rate is not None and line.currency is not None and line.signed_msat:
        value = f"{sign * worth(line.amount_msat, line.rate, line.currency):f}"
    return (
        line.line_id,
        line.kind,
        moment["utc"],
        moment["local"],
        business_day(line.at, store.timezone, store.cutoff_hour),
        line.method or "",
        line.signed_msat,
        line.tip_msat,
        line.currency or "",
        value,
        line.sale_id or "",
        harmless(line.terminal_id),
        harmless(names.get(line.person_id or "", "")),
    )


def _report(one: ZReport) -> tuple[Any, ...]:
    body, total = one.body, one.body["total"]
    begin = body["from"] or {"utc": "", "local": ""}
    return (
        one.number,
        harmless(one.terminal_id),
        begin["utc"],
        begin["local"],
        body["until"]["utc"],
        body["until"]["local"],
        *(total[name] for name in ("sales", "gross_msat", "tips_msat")),
        *(total[name] for name in ("refunds", "refunds_msat", "net_msat")),
        *(body[name]["amount_msat"] for name in ("late", "top_ups", "fees")),
        body["declined"],
        body["cancelled"],
        one.span.after + 1,
        one.span.until,
        one.hash.hex(),
    )
