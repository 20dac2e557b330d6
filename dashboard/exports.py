"""Lists as files: streamed in batches, so that a million rows need no more memory than a page.

CSV is RFC 4180 with a byte order mark for spreadsheets; amounts are integers that sum; times are
in UTC and on the store's clock; a text that a spreadsheet would take for a formula is made
harmless (THREATS 26).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from flask import Response

from dashboard.filters import Filters
from dashboard.formats import zone
from dashboard.room import here
from host.clock import MINUTE, SECOND
from host.ledger import views_history, views_payouts
from host.ledger.views_history import Imported
from host.ledger.views_totals import Origin
from host.money import MSAT_PER_SAT
from host.sheets import MARK, csv_line, harmless
from host.store.engine import Engine
from host.store.tx import Row

COLUMNS: Final = (
    "payout_id",
    "status",
    "amount_sat",
    "fee_msat",
    "business_day",
    "created_at_utc",
    "created_at_local",
    "completed_at_utc",
    "completed_at_local",
    "boltcard_id",
    "boltcard_ntag",
    "boltcard_alias",
    "counter",
    "pull_payment_id",
    "route",
    "transaction_id",
    "recipient_address",
    "error_message",
    "origin",
)

_QUOTED: Final = re.compile('[,"\r\n]')

_BLOCK_MS: Final = 15 * MINUTE
"""Clocks of all zones are whole quarters of an hour apart, and change at one."""

_IN_HOUR: Final = [f"{second // 60:02d}:{second % 60:02d}" for second in range(3600)]


class Times:
    """Times as a file shows them, `2026-03-02 14:07:31`; the texts of an hour are made once."""

    def __init__(self, timezone: str) -> None:
        self._zone: tzinfo = zone(timezone)
        self._block = -1
        self._hours = ("", "")
        self._starts = (0, 0)

    def both(self, at: int | None) -> tuple[str, str]:
        """A time (epoch ms) in UTC and on the store's clock; empty when there is none."""
        if at is None:
            return "", ""
        block, rest = divmod(at, _BLOCK_MS)
        if block != self._block:
            self._enter(block)
        second = rest // SECOND
        utc, local = self._hours
        start, local_start = self._starts
        return utc + _IN_HOUR[start + second], local + _IN_HOUR[local_start + second]

    def _enter(self, block: int) -> None:
        moment = datetime.fromtimestamp(block * (_BLOCK_MS // SECOND), UTC)
        local = moment.astimezone(self._zone)
        self._block = block
        self._hours = (f"{moment:%Y-%m-%d %H:}", f"{local:%Y-%m-%d %H:}")
        self._starts = (moment.minute * 60, local.minute * 60)


def payouts_csv(asked: Filters) -> Response:
    """The payouts of a list as CSV."""
    return attachment(csv_chunks(here().db, asked), asked, "payouts", "csv", "text/csv")


def payouts_jsonl(asked: Filters) -> Response:
    """The payouts of a list as JSON, one object a line."""
    chunks = json_chunks(here().db, asked)
    return attachment(chunks, asked, "payouts", "jsonl", "application/x-ndjson")


def csv_chunks(db: Engine, asked: Filters) -> Iterator[bytes]:
    """The file, a batch at a time: what was imported is older, so it comes first."""
    times = Times(asked.store.timezone)
    yield MARK + csv_line([COLUMNS])
    for past in _imported(db, asked):
        yield csv_line(_past_values(one, times, harmless) for one in past)
    aliases = {
        card_id: cell(harmless(alias))
        for card_id, alias in views_payouts.aliases(db, asked.store.store_id).items()
    }
    for rows in _ours(db, asked):
        yield "".join(_lines(rows, times, aliases)).encode()


def json_chunks(db: Engine, asked: Filters) -> Iterator[bytes]:
    """The file, a batch at a time; nothing needs escaping, and nothing missing is a text."""
    times = Times(asked.store.timezone)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def lines(values: Iterable[tuple[Any, ...]]) -> bytes:
        rows = (
            zip(COLUMNS, (None if one == "" else one for one in row), strict=True) for row in values
        )
        return "".join(f"{encode(dict(row))}\n" for row in rows).encode()

    for past in _imported(db, asked):
        yield lines(_past_values(one, times, _as_it_is) for one in past)
    aliases = views_payouts.aliases(db, asked.store.store_id)
    for rows in _ours(db, asked):
        yield lines(_values(row, times, aliases) for row in rows)


def cell(text: str) -> str:
    """A text as a cell of CSV (RFC 4180)."""
    if _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _lines(rows: list[Row], times: Times, aliases: dict[str, str]) -> Iterator[str]:
    """Our payouts as lines of CSV. Written by hand: half of the time of a million rows.

    Ids, days, states, numbers and times are of our own making and need no quotes.
    """
    both = times.both
    for row in rows:
        day, _, created, completed, payout_id, status, amount, fee, *rest = row
        card, uid, counter, account, route, transaction, recipient, error = rest
        made, local = both(created)
        ended, ended_local = (made, local) if completed == created else both(completed)
        transaction = cell(harmless(transaction)) if transaction else ""
        recipient = cell(harmless(recipient)) if recipient else ""
        error = cell(harmless(error)) if error else ""
        yield (
            f"{payout_id},{status},{amount // MSAT_PER_SAT},{fee},{day},{made},{local},"
            f"{ended},{ended_local},{card},{uid},{aliases.get(card, '')},{counter},{account},"
            f"{route},{transaction},{recipient},{error},here\r\n"
        )


def _values(row: Row, times: Times, aliases: dict[str, str]) -> tuple[Any, ...]:
    """The values of a row of `views_payouts.EXPORT_COLUMNS`, as they are."""
    day, _, created, completed, payout_id, status, amount, fee, *rest = row
    card, uid, counter, account, route, *texts = rest
    return (
        payout_id,
        status,
        amount // MSAT_PER_SAT,
        fee,
        day,
        *times.both(created),
        *times.both(completed),
        card,
        uid,
        aliases.get(card, ""),
        counter,
        account,
        route,
        *texts,
        Origin.HERE,
    )


def _past_values(one: Imported, times: Times, text: Callable[[str | None], str]) -> tuple[Any, ...]:
    """The values of an imported payout; `text` is for what came from elsewhere: all of it."""
    return (
        text(one.payout_id),
        one.status,
        one.amount_msat // MSAT_PER_SAT,
        "",
        one.day,
        *times.both(one.created_at),
        *times.both(one.completed_at),
        text(one.boltcard_id),
        text(one.boltcard_ntag),
        text(one.alias),
        "",
        text(one.pull_payment_id),
        "",
        text(one.transaction_id),
        text(one.recipient_address),
        text(one.error_message),
        Origin.IMPORTED,
    )


def _as_it_is(text: str | None) -> str:
    return text or ""


def _ours(db: Engine, asked: Filters) -> Iterator[list[Row]]:
    which = asked.payouts()
    return views_payouts.batches(db, which) if which.origin is not Origin.IMPORTED else iter(())


def _imported(db: Engine, asked: Filters) -> Iterator[list[Imported]]:
    which = asked.payouts()
    return views_history.batches(db, which) if which.origin is not Origin.HERE else iter(())


def attachment(
    chunks: Iterator[bytes], asked: Filters, name: str, ending: str, kind: str
) -> Response:
    """A file whose name says what is in it: an id and two days, which are safe in a header."""
    name = f"{name}-{asked.store.store_id}-{asked.since}-{asked.until}.{ending}"
    response = Response(chunks, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
