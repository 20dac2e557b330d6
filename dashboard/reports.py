"""Reports: what the days and cards of a range came to, and every movement of money behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from dashboard import filters
from dashboard.access import open_stores, permit_in_store
from dashboard.exports import Times, attachment
from dashboard.filters import Filters
from dashboard.formats import zone_words
from dashboard.room import here, store_time
from dashboard.stats import Bar, Sums, day_bars
from dashboard.trail import midnight
from host.ledger import people, views_entries, views_totals
from host.ledger.views_entries import Movements
from host.ledger.views_totals import Origin
from host.money import MSAT_PER_SAT
from host.sheets import MARK, csv_line, harmless
from host.store.tx import Row

MAX_CARDS: Final = 1_000

DAYS: Final = (
    "business_day",
    "payouts",
    "completed",
    "completed_sat",
    "pending",
    "pending_sat",
    "failed",
)
CARDS: Final = ("boltcard_id", "boltcard_alias", "payouts", "completed_sat")
LEDGER: Final = (
    "entry_id",
    "at_utc",
    "at_local",
    "kind",
    "available_msat",
    "held_msat",
    "pull_payment_id",
    "pull_payment",
    "payout_id",
    "boltcard_id",
    "boltcard_alias",
    "reason",
    "person",
)

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("")
@permit_in_store("report.view")
def page() -> str:
    """Days and cards of a range, with their sums, ready to be printed."""
    context, asked = here(), _read()
    bars = _days(asked)
    total = Sums()
    for bar in bars:
        total = total.and_also(bar.sums)
    return render_template(
        "reports.html",
        asked=asked,
        bars=bars,
        total=total,
        cards=views_totals.top_cards(context.db, asked.range(), limit=MAX_CARDS),
        store=asked.store,
        stores=open_stores(),
        zone=zone_words(context.clock.now(), asked.store.timezone),
        local=store_time(asked.store),
    )


@bp.get("/days.csv")
@permit_in_store("report.view")
def days_csv() -> Response:
    """One row a business day; the numbers sum."""
    asked = _read()
    rows = (
        (
            bar.since,
            bar.sums.total.payouts,
            bar.sums.completed.payouts,
            bar.sums.completed.amount_msat // MSAT_PER_SAT,
            bar.sums.pending.payouts,
            bar.sums.pending.amount_msat // MSAT_PER_SAT,
            bar.sums.failed.payouts,
        )
        for bar in _days(asked)
    )
    return _file(asked, "days", DAYS, iter([rows]))


@bp.get("/cards.csv")
@permit_in_store("report.view")
def cards_csv() -> Response:
    """One row a card that paid in the range, the one that paid most first."""
    asked = _read()
    found = views_totals.top_cards(here().db, asked.range(), limit=-1)
    rows = (
        (one.boltcard_id, harmless(one.alias), one.payouts, one.amount_msat // MSAT_PER_SAT)
        for one in found
    )
    return _file(asked, "cards", CARDS, iter([rows]))


@bp.get("/ledger.csv")
@permit_in_store("report.view")
def ledger_csv() -> Response:
    """Every movement of money of the range's calendar days, in millisatoshi, streamed."""
    asked, db = _read(), here().db
    zone = asked.store.timezone
    which = Movements(
        asked.store.store_id, midnight(asked.since, zone), midnight(asked.until, zone, 1)
    )
    names = {one.person_id: one.name for one in people.every(db)}
    times = Times(zone)
    batches = views_entries.batches(db, which)
    return _file(
        asked,
        "ledger",
        LEDGER,
        ([_movement(row, times, names) for row in rows] for rows in batches),
    )


def _read() -> Filters:
    """What the address asks for, of this ledger alone: imported payouts moved no money in it."""
    return replace(filters.read(request.args), origin=Origin.HERE)


def _movement(row: Row, times: Times, names: dict[str, str]) -> tuple[Any, ...]:
    entry_id, at, kind, available, held, account, name, payout, card, alias, reason, who = row
    return (
        entry_id,
        *times.both(at),
        kind,
        available,
        held,
        account,
        harmless(name),
        payout or "",
        card or "",
        harmless(alias),
        harmless(reason),
        harmless(names.get(who or "", "")),
    )


def _days(asked: Filters) -> list[Bar]:
    return day_bars(asked.range(), views_totals.by_day(here().db, asked.range()))


def _file(
    asked: Filters,
    name: str,
    head: tuple[str, ...],
    batches: Iterator[Iterable[tuple[Any, ...]]],
) -> Response:
    def chunks() -> Iterator[bytes]:
        yield MARK + csv_line([head])
        for rows in batches:
            yield csv_line(rows)

    return attachment(chunks(), asked, name, "csv", "text/csv")
