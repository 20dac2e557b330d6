"""A report of a till, as X, Z and shift reports tell it: one JSON object, complete in itself.

Everything is text or integer msat, names and local times included, so that a report reads the same
when a person was renamed, the store moved its cut-off hour or a country changed its clocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from host.ledger import audit, people, stores, till_figures, till_lines
from host.ledger.days import business_day
from host.ledger.errors import NotFound
from host.ledger.records import Store, Terminal
from host.ledger.till_figures import NOBODY, Figures, Sum
from host.ledger.till_lines import LineKind, Scope
from host.store.tx import Tx

Body = dict[str, Any]

_OPEN: Final = """
    SELECT s.sale_id, s.terminal_id, s.state, s.amount_msat, s.created_at FROM sales s
    WHERE s.store_id = :store_id AND (:terminal_id IS NULL OR s.terminal_id = :terminal_id)
        AND (s.state IN ('authorising', 'checking') OR (s.state IN ('ready', 'reading', 'declined')
            AND s.sale_id = (SELECT max(sale_id) FROM sales WHERE terminal_id = s.terminal_id)))
    ORDER BY s.sale_id
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a report, above `after` up to and with `until`, and the times that people see.

    `from_at` is when the report before it was made, None for the first one.
    """

    after: int
    until: int
    from_at: int | None
    until_at: int


def tell(tx: Tx, scope: Scope, span: Span, kind: str) -> Body:
    """What a scope's lines of a span come to; `kind` is x, z or shift."""
    store, terminals = _store(tx, scope), _terminals(tx, scope)
    day_of = partial(business_day, timezone=store.timezone, cutoff_hour=store.cutoff_hour)
    lines = till_lines.each(tx, scope, span.after, span.until)
    figures = till_figures.sum_up(lines, day_of)
    rows, digest = audit.head(tx)
    return {
        "kind": kind,
        "store": _facts(store),
        "terminal": terminals.get(scope.terminal_id or ""),
        "from": moment(span.from_at, store.timezone),
        "until": moment(span.until_at, store.timezone),
        **_sums(figures, _names(tx), terminals),
        "late": figures.other(LineKind.LATE).told(),
        "top_ups": figures.other(LineKind.TOP_UP).told(),
        "fees": figures.other(LineKind.FEE).told(),
        "declined": figures.other(LineKind.DECLINED).count,
        "cancelled": figures.other(LineKind.CANCELLED).count,
        "first": moment(figures.first_at, store.timezone),
        "last": moment(figures.last_at, store.timezone),
        "open": list(_open_sales(tx, scope, store.timezone)),
        "audit": {"rows": rows, "hash": digest},
    }


def moment(at: int | None, timezone: str) -> dict[str, Any] | None:
    """A time as UTC milliseconds, UTC text, and text on the store's clock with its offset."""
    if at is None:
        return None
    utc = datetime.fromtimestamp(at // 1000, UTC)
    local = utc.astimezone(ZoneInfo(timezone))
    return {
        "at": at,
        "utc": f"{utc:%Y-%m-%d %H:%M:%S}",
        "local": f"{local:%Y-%m-%d %H:%M:%S}",
        "offset": f"{local:%z}",
    }


def _sums(figures: Figures, names: dict[str, str], terminals: dict[str, Body]) -> Body:
    return {
        "total": figures.total.told(),
        "methods": [
            {"method": one, **total.told()} for one, total in sorted(figures.methods.items())
        ],
        "people": [
            {"person_id": one, "name": names.get(one, one), **total.told()}
            for one, total in sorted(figures.people.items(), key=lambda two: names.get(two[0], ""))
        ],
        "terminals": [
            {"terminal_id": one, "name": terminals[one]["name"], **total.told()}
            for one, total in sorted(figures.terminals.items())
        ],
        "days": _by_day(figures.days),
        "currencies": [
            {"currency": one, **total.told()} for one, total in sorted(figures.currencies.items())
        ],
    }


def _by_day(days: dict[str, Sum]) -> list[Body]:
    return [{"day": day, **total.told()} for day, total in sorted(days.items())]


def _store(tx: Tx, scope: Scope) -> Store:
    store = stores.get(tx, scope.store_id)
    if store is None:
        raise NotFound(f"store_id: there is no store {scope.store_id}")
    return store


def _facts(store: Store) -> Body:
    return {
        "store_id": store.store_id,
        "name": store.name,
        "currency": store.currency,
        "timezone": store.timezone,
        "cutoff_hour": store.cutoff_hour,
    }


def _terminals(tx: Tx, scope: Scope) -> dict[str, Body]:
    """Every terminal that a line can name: a terminal may have stood in another store before."""
    every: list[Terminal] = stores.terminals(tx)
    found = {one.terminal_id: {"terminal_id": one.terminal_id, "name": one.name} for one in every}
    if scope.terminal_id is not None and scope.terminal_id not in found:
        raise NotFound(f"terminal_id: there is no terminal {scope.terminal_id}")
    return found


def _names(tx: Tx) -> dict[str, str]:
    return {NOBODY: "", **{one.person_id: one.name for one in people.every(tx)}}


def _open_sales(tx: Tx, scope: Scope, timezone: str) -> Iterator[Body]:
    """Sales that are not over: what becomes of them is in the next report."""
    params = {"store_id": scope.store_id, "terminal_id": scope.terminal_id}
    for row in tx.each(_OPEN, params):
        sale_id, terminal_id, state, amount_msat, created_at = row
        yield {
            "sale_id": sale_id,
            "terminal_id": terminal_id,
            "state": state,
            "amount_msat": amount_msat,
            "created": moment(created_at, timezone),
        }
