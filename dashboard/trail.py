"""The audit trail: who did what and who looked at what, narrowed, paged and taken along."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from dashboard import deeds
from dashboard.access import asked_store, open_stores, permit_in_store, person
from dashboard.errors import FieldProblem
from dashboard.exports import Times
from dashboard.filters import MAX_TEXT, read_day
from dashboard.formats import zone, zone_words
from dashboard.room import here, store_time
from host.ledger import audit, cards, people, pull_payments, views_audit
from host.ledger.audit import AuditRow
from host.ledger.views_audit import NEWEST, Trail
from host.sheets import MARK, csv_line, harmless

PER_PAGE: Final = 100
COLUMNS: Final = (
    "number",
    "at_utc",
    "at_local",
    "person",
    "person_id",
    "action",
    "subject",
    "data",
    "hash",
)

bp = Blueprint("trail", __name__, url_prefix="/audit")


@bp.get("")
@permit_in_store("audit.view")
def page() -> str:
    """The newest rows; `?before=` is the number before which a page begins."""
    context, store = here(), asked_store()
    which = _read()
    found = views_audit.page(context.db, which, before=_before(), limit=PER_PAGE)
    number, head = audit.head(context.db)
    broken = audit.verify(context.db) if request.args.get("check") else None
    return render_template(
        "trail.html",
        rows=found.rows,
        next=found.next,
        args=_args(),
        kinds=deeds.KINDS,
        who=_people(),
        number=number,
        head=head,
        broken=broken,
        told=deeds.told,
        named=_named(found.rows),
        deed=deeds.words,
        store=store,
        zone=zone_words(context.clock.now(), store.timezone),
        local=store_time(store),
    )


@bp.get("/export.csv")
@permit_in_store("audit.view")
def csv() -> Response:
    """The rows of the filter on the screen, newest first, with their hashes."""
    which, names, zone_name = _read(), _people(), asked_store().timezone
    db = here().db

    def chunks() -> Iterator[bytes]:
        times = Times(zone_name)
        yield MARK + csv_line([COLUMNS])
        for rows in views_audit.each(db, which):
            yield csv_line(_cells(row, times, names) for row in rows)

    response = Response(chunks(), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _named(rows: Iterable[AuditRow]) -> dict[str, str]:
    """What people call the things that rows are about, where an id says nothing to them."""
    db, mine = here().db, {one.store_id: one.name for one in open_stores()}
    names = _people() | mine
    for subject in {row.subject for row in rows if row.subject} - names.keys():
        card, account = cards.get(db, subject), pull_payments.get(db, subject)
        if card is not None and card.store_id in mine:
            names[subject] = card.alias
        elif account is not None and account.store_id in mine:
            names[subject] = account.name
    return names


def _cells(row: AuditRow, times: Times, names: dict[str, str]) -> tuple[Any, ...]:
    data = json.dumps(row.data, ensure_ascii=False, sort_keys=True)
    who = names.get(row.person_id or "", "")
    return (
        row.audit_id,
        *times.both(row.at),
        harmless(who),
        row.person_id or "",
        row.action,
        harmless(row.subject),
        data,
        row.hash.hex(),
    )


def _read() -> Trail:
    """The filter; somebody of one store sees that store's rows and no others."""
    who, store = person(), asked_store()
    since, until = read_day(request.args, "startDate"), read_day(request.args, "endDate")
    for field in ("action", "subject", "person"):
        text = request.args.get(field, "")
        if len(text) > MAX_TEXT or not text.isprintable():
            raise FieldProblem(field, f"at most {MAX_TEXT} characters on one line")
    return Trail(
        store_id=store.store_id if who is None or who.store_id is not None else None,
        person_id=request.args.get("person") or None,
        action=request.args.get("action", "").strip(),
        subject=request.args.get("subject", "").strip(),
        since=midnight(since, store.timezone) if since else 0,
        until=midnight(until, store.timezone, 1) if until else NEWEST,
    )


def _args() -> dict[str, str]:
    names = ("startDate", "endDate", "person", "action", "subject")
    return {name: value for name in names if (value := request.args.get(name, "").strip())}


def _before() -> int | None:
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise FieldProblem("before", "must be the number of a row")
    return int(text)


def _people() -> dict[str, str]:
    """Names by id: of everybody, or of the people of one's own store."""
    who = person()
    own = who.store_id if who is not None else None
    found = people.every(here().db)
    return {one.person_id: one.name for one in found if own is None or one.store_id in (None, own)}


def midnight(day: str, timezone: str, later: int = 0) -> int:
    """When a day begins on the store's clock (epoch ms), or the one some days later."""
    first = date.fromisoformat(day) + timedelta(days=later)
    start = datetime(first.year, first.month, first.day, tzinfo=zone(timezone))
    return int(start.timestamp() * 1000)
