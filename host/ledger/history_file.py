"""Reading files of another system: the dashboard guide's flash_payouts and flash_boltcard_usage.

CSV (comma, semicolon or tab) or JSON (a list, an object that holds one, or one object a line).
Columns may be spelled `payout_id`, `payoutId` or `PayoutId`; others than the guide's are left out.
What cannot be right is named with its line and its field, as many as a person can mend at once.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

from host.clock import DAY
from host.ledger.errors import LedgerError
from host.ledger.records import PayoutStatus
from host.money import MAX_MSAT, MSAT_PER_BTC, MSAT_PER_SAT

T = TypeVar("T")

MAX_PROBLEMS: Final = 10
"""So many are told at once; then the rest of the file is not looked at."""
MAX_ID: Final = 255
MAX_TEXT: Final = 4_096
NOTHING: Final = frozenset({"", "\\N", "NULL", "null"})
"""How exports write a missing value."""

_STATUS: Final = {status.lower(): status for status in PayoutStatus} | {
    # BTCPay Server's own names of a payout's states
    "awaitingapproval": PayoutStatus.PENDING,
    "awaitingpayment": PayoutStatus.PENDING,
    "inprogress": PayoutStatus.PROCESSING,
}
_UNIT: Final = {"BTC": MSAT_PER_BTC, "SATS": MSAT_PER_SAT, "SAT": MSAT_PER_SAT}
_NUMBER: Final = re.compile(r"-?\d{1,16}(\.\d{1,11})?([eE][+-]?\d{1,2})?", re.ASCII)
"""No more digits than `Decimal` keeps to the last."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ROW_OF: Final = frozenset({"payout_id", "boltcard_id"})
"""An object with one of these is a row, and not what holds the rows."""
_EPOCH_MS_FROM: Final = 10**11
"""From here on a bare number is milliseconds; as seconds it would be the year 5138."""


class Kind(StrEnum):
    """Which of the guide's two tables a file holds."""

    PAYOUTS = "payouts"
    USAGE = "usage"


class Problem(NamedTuple):
    """What is wrong in one field of one line."""

    line: int
    field: str
    words: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.words}"


class BadFile(LedgerError):
    """The file cannot be taken, and nothing of it was; correct what is named and try again."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class PastPayout:
    """A row of flash_payouts: the amount in msat, times as UTC epoch ms."""

    payout_id: str
    pull_payment_id: str
    from_store: str | None
    amount: int
    status: PayoutStatus
    created_at: int
    completed_at: int | None
    boltcard_id: str | None
    boltcard_ntag: str | None
    recipient_address: str | None
    transaction_id: str | None
    error_message: str | None
    metadata: str | None
    alias: str | None
    """Where the file tells it, as our own API does."""


@dataclass(frozen=True, slots=True)
class PastUsage:
    """A row of flash_boltcard_usage."""

    boltcard_id: str
    from_store: str | None
    alias: str | None
    total_payouts: int
    total_amount: int
    first_used: int | None
    last_used: int | None


Past = PastPayout | PastUsage

_NEEDED: Final = {
    Kind.PAYOUTS: ("payout_id", "pull_payment_id", "amount", "currency", "status", "created_at"),
    Kind.USAGE: ("boltcard_id", "total_payouts", "total_amount"),
}


def read(file: BinaryIO, now: int, only: str | None = None) -> Iterator[tuple[int, Past]]:
    """Every row with its line; raises `BadFile`. `only` leaves out rows of other stores.

    `now` (epoch ms) bounds its times: nothing in a history is still to come.
    """
    problems: list[Problem] = []
    kind: Kind | None = None
    for line, raw in _rows(file):
        row = {_snake(name): value for name, value in raw.items()}
        kind = kind or _kind(line, row)
        fields = _Fields(line, row, now)
        made = _payout(fields) if kind is Kind.PAYOUTS else _usage(fields)
        problems += fields.problems
        if len(problems) >= MAX_PROBLEMS:
            break
        if made is not None and not problems and only in (None, made.from_store):
            yield line, made
    if problems:
        raise BadFile(problems[:MAX_PROBLEMS])


def _kind(line: int, row: Mapping[str, Any]) -> Kind:
    kind = Kind.USAGE if "total_payouts" in row and "payout_id" not in row else Kind.PAYOUTS
    missing = [name for name in _NEEDED[kind] if name not in row]
    if missing:
        words = f"there is no such column; a file of {kind} needs {', '.join(_NEEDED[kind])}"
        raise BadFile([Problem(line, name, words) for name in missing])
    return kind


def _snake(name: str) -> str:
    return _HUMP.sub("_", name.strip()).lower()


class _Fields:
    """One row's fields as values; what is wrong is noted, and None stands in its place."""

    def __init__(self, line: int, row: Mapping[str, Any], now: int) -> None:
        self._line = line
        self._row = row
        self._now = now
        self.problems: list[Problem] = []

    def value(self, field: str) -> str | None:
        """What stands there as text; None for nothing."""
        value = self._row.get(field)
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        text = str(value).strip() if value is not None else ""
        return None if text in NOTHING else text

    def take(self, field: str, make: Callable[[str], T], needed: bool = False) -> T | None:
        """The value that `make` makes of a field's text; it raises `ValueError` with words."""
        text = self.value(field)
        try:
            if text is not None:
                return make(text)
            if needed:
                raise ValueError("is missing")
        except ValueError as error:
            self.problems.append(Problem(self._line, field, str(error)))
        return None

    def moment(self, text: str) -> int:
        """A time as epoch ms; without a zone it is UTC."""
        try:
            at = _moment(text)
        except (ValueError, OverflowError):
            raise ValueError(
                "write a time like 2026-03-02T14:07:31Z, or as epoch seconds or milliseconds"
            ) from None
        if not 0 < at <= self._now + DAY:
            raise ValueError("must be after 1970 and not still to come")
        return at


def _payout(row: _Fields) -> PastPayout | None:
    unit = row.take("currency", _unit, needed=True)
    made = {
        "payout_id": row.take("payout_id", _id, needed=True),
        "pull_payment_id": row.take("pull_payment_id", _id, needed=True),
        "from_store": row.take("store_id", _id),
        "amount": row.take("amount", lambda text: _amount(text, unit or MSAT_PER_BTC), needed=True),
        "status": row.take("status", _status, needed=True),
        "created_at": row.take("created_at", row.moment, needed=True),
        "completed_at": row.take("completed_at", row.moment),
        "boltcard_id": row.take("boltcard_id", _id),
        "boltcard_ntag": row.take("boltcard_ntag", _id),
        "recipient_address": row.take("recipient_address", _text),
        "transaction_id": row.take("transaction_id", _id),
        "error_message": row.take("error_message", _text),
        "metadata": row.take("metadata", _json),
        "alias": row.take("boltcard_alias", _name),
    }
    return None if row.problems else PastPayout(**made)  # type: ignore[arg-type]


def _usage(row: _Fields) -> PastUsage | None:
    made = {
        "boltcard_id": row.take("boltcard_id", _id, needed=True),
        "from_store": row.take("store_id", _id),
        "alias": row.take("alias", _name),
        "total_payouts": row.take("total_payouts", _number, needed=True),
        "total_amount": row.take("total_amount", _sum, needed=True),
        "first_used": row.take("first_used", row.moment),
        "last_used": row.take("last_used", row.moment),
    }
    return None if row.problems else PastUsage(**made)  # type: ignore[arg-type]


def _moment(text: str) -> int:
    if re.fullmatch(r"\d{1,16}(\.\d+)?", text, re.ASCII):
        number = Decimal(text)
        return int(number if number >= _EPOCH_MS_FROM else number * 1000)
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError("must be a whole number")
    return int(text)


def _sum(text: str) -> int:
    """A sum of amounts in BTC; nothing is a sum, too."""
    return _msat(text, MSAT_PER_BTC)


def _amount(text: str, unit: int) -> int:
    amount = _msat(text, unit)
    if not amount:
        raise ValueError("must be above 0")
    return amount


def _msat(text: str, unit: int) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError("write an amount like 0.00021000")
    amount = Decimal(text) * unit
    if not 0 <= amount <= MAX_MSAT:
        raise ValueError("must be between 0 and 21 million BTC")
    if amount % MSAT_PER_SAT:
        raise ValueError("finer than one satoshi")
    return int(amount)


def _unit(text: str) -> int:
    unit = _UNIT.get(text.upper())
    if unit is None:
        raise ValueError("must be BTC or SATS")
    return unit


def _status(text: str) -> PayoutStatus:
    status = _STATUS.get(text.lower())
    if status is None:
        raise ValueError(f"must be one of {', '.join(PayoutStatus)}")
    return status


def _id(text: str) -> str:
    if len(text) > MAX_ID or not text.isprintable() or " " in text or "/" in text:
        raise ValueError(f"at most {MAX_ID} characters without spaces and slashes")
    return text


def _name(text: str) -> str:
    if len(text) > MAX_ID or not text.isprintable():
        raise ValueError(f"at most {MAX_ID} characters on one line")
    return text


def _text(text: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise ValueError(f"at most {MAX_TEXT} characters")
    return text


def _json(text: str) -> str:
    try:
        json.loads(_text(text))
    except json.JSONDecodeError:
        raise ValueError("must be JSON") from None
    return text


def _rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each row with the number of its line (in a JSON list: of its place)."""
    file.seek(0)
    start = file.read(4_096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    file.seek(0)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        yield from _json_rows(text) if start in (b"[", b"{") else _csv_rows(text)
    except UnicodeDecodeError:
        raise BadFile([Problem(1, "file", "is not UTF-8 text")]) from None
    except csv.Error as error:
        raise BadFile([Problem(1, "file", f"is not CSV: {error}")]) from None
    finally:
        text.detach()


def _csv_rows(text: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    head = text.readline()
    text.seek(0)
    mark = max(",;\t", key=head.count)
    reader = csv.DictReader(text, delimiter=mark, strict=True)
    for row in reader:
        if None in row or None in row.values():
            words = f"has not as many values as there are columns ({len(row) - (None in row)})"
            raise BadFile([Problem(reader.line_num, "row", words)])
        yield reader.line_num, row


def _json_rows(text: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Numbers stay text, so that no amount passes through a float."""
    decode = json.JSONDecoder(parse_float=str, parse_int=str).decode
    first = text.readline()
    rows: Any
    try:
        rows = decode(first)
        lines = isinstance(rows, dict) and not _ROW_OF.isdisjoint(map(_snake, rows))
    except (json.JSONDecodeError, RecursionError):
        lines, rows = False, _decoded(decode, first + text.read())
    if lines:
        yield 1, rows
        for number, line in enumerate(text, 2):
            if line.strip():
                yield number, _object(number, _decoded(decode, line, number))
        return
    if isinstance(rows, dict):
        rows = next((value for value in rows.values() if isinstance(value, list)), [rows])
    for number, row in enumerate(rows, 1):
        yield number, _object(number, row)


def _decoded(decode: Callable[[str], Any], text: str, line: int | None = None) -> Any:
    try:
        return decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        at = line or int(getattr(error, "lineno", 1))
        raise BadFile([Problem(at, "file", "is not JSON")]) from None


def _object(number: int, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise BadFile([Problem(number, "row", "must be an object")])
    return row
