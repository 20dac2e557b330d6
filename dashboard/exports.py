"""Lists as files: streamed in batches, so that a million rows need no more memory than a page.

CSV is RFC 4180 with a byte order mark for spreadsheets; amounts are integers that sum; times are
in UTC and on the store's clock; a text that a spreadsheet would take for a formula is made
harmless (THREATS 26).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from flask import Response

from dashboard.filters import Filters
from dashboard.formats import zone
from dashboard.room import here
from host.clock import MINUTE, SECOND
from host.ledger import views_payouts
from host.money import MSAT_PER_SAT
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
)

FORMULA: Final = frozenset("=+-@\t\r\n")
"""What a cell must not begin with (OWASP, CSV injection)."""

_BLOCK_MS: Final = 15 * MINUTE
"""Clocks of all zones are whole quarters of an hour apart, and change at one."""

_IN_HOUR: Final = [f"{second // 60:02d}:{second % 60:02d}" for second in range(3600)]


def harmless(text: str | None) -> str:
    """A text that no spreadsheet runs: an apostrophe goes before what begins like a formula."""
    if not text:
        return ""
    return f"'{text}" if text[0] in FORMULA else text


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
    chunks = csv_chunks(_batches(asked), asked.store.timezone)
    return attachment(chunks, asked, "payouts", "csv", "text/csv")


def payouts_jsonl(asked: Filters) -> Response:
    """The payouts of a list as JSON, one object a line."""
    chunks = json_chunks(_batches(asked), asked.store.timezone)
    return attachment(chunks, asked, "payouts", "jsonl", "application/x-ndjson")


def csv_chunks(batches: Iterable[list[Row]], timezone: str) -> Iterator[bytes]:
    """The file, a batch at a time."""
    times = Times(timezone)
    yield b"\xef\xbb\xbf" + csv_line([COLUMNS])
    for rows in batches:
        yield csv_line(_values(row, times, harmless) for row in rows)


def json_chunks(batches: Iterable[list[Row]], timezone: str) -> Iterator[bytes]:
    """The file, a batch at a time; nothing needs escaping, and nothing missing is a text."""
    times = Times(timezone)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for rows in batches:
        lines = [
            encode({name: None if value == "" else value for name, value in pairs})
            for pairs in (zip(COLUMNS, _values(row, times, _as_it_is), strict=True) for row in rows)
        ]
        yield ("\n".join(lines) + "\n").encode()


def _values(row: Row, times: Times, text: Callable[[str | None], str]) -> tuple[Any, ...]:
    """The cells of a row of `views_payouts.EXPORT_COLUMNS`; `text` is for what people wrote."""
    day, _, created, completed, payout_id, status, amount, fee, *rest = row
    card, uid, alias, counter, account, route, transaction, recipient, error = rest
    made = times.both(created)
    return (
        payout_id,
        status,
        amount // MSAT_PER_SAT,
        fee,
        day,
        *made,
        *(made if completed == created else times.both(completed)),
        card,
        uid,
        text(alias),
        counter,
        account,
        route,
        text(transaction),
        text(recipient),
        text(error),
    )


def _as_it_is(text: str | None) -> str:
    return text or ""


def csv_line(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as RFC 4180 writes them."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def _batches(asked: Filters) -> Iterator[list[Row]]:
    return views_payouts.batches(here().db, asked.payouts())


def attachment(
    chunks: Iterator[bytes], asked: Filters, name: str, ending: str, kind: str
) -> Response:
    """A file whose name says what is in it: an id and two days, which are safe in a header."""
    name = f"{name}-{asked.store.store_id}-{asked.since}-{asked.until}.{ending}"
    response = Response(chunks, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
