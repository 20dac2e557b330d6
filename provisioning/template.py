"""What the cards of a batch are to be: one template and an alias pattern, or a CSV with a row each.

CSV columns (RFC 4180, first line names them, only `alias` is needed): `alias`, `pull_payment`,
`limit_tap`, `limit_day`, `limit_month`, `limit_count`, `pin`. Amounts as everywhere, such as
`2100 sat`; a blank limit is none.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from host.ledger import pins
from host.ledger.records import Limits
from host.money import parse_amount
from provisioning.orders import NewCard

_PATTERN = re.compile(r"\{n(?::0?(\d))?\}")
_COLUMNS = frozenset(
    ("alias", "pull_payment", "limit_tap", "limit_day", "limit_month", "limit_count", "pin")
)


class TemplateError(ValueError):
    """The template or the CSV cannot be used; the message names the line and the field."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One card to be made, and its PIN in clear for the list that goes to the holder."""

    card: NewCard
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is the same for all cards of a batch. `pin_from_msat` 0 asks for the PIN always."""

    pull_payment_id: str
    alias: str = "Card {n}"
    limits: Limits = field(default_factory=Limits)
    pin_digits: int | None = None
    """Draw a PIN of this length for each card."""
    pin_from_msat: int = 0

    def entries(self, count: int, first: int = 1) -> Iterator[Entry]:
        """`count` cards, numbered from `first`."""
        if count > 1 and not _PATTERN.search(self.alias):
            raise TemplateError(
                "alias: for several cards it needs a number: Guest-{n:03} makes Guest-001, 002 …"
            )
        for number in range(first, first + count):
            alias = _PATTERN.sub(lambda m, n=number: _padded(n, m), self.alias)  # type: ignore[misc]
            yield self._entry(alias, None, self.pull_payment_id, self.limits)

    def from_csv(self, text: str) -> list[Entry]:
        """One card a row. Raises `TemplateError`."""
        rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
        unknown = set(rows.fieldnames or ()) - _COLUMNS
        if unknown or "alias" not in (rows.fieldnames or ()):
            raise TemplateError(f"CSV: the columns are {', '.join(sorted(_COLUMNS))}")
        return [self._row(number, row) for number, row in enumerate(rows, 2)]

    def _row(self, number: int, row: Mapping[str, str | None]) -> Entry:
        try:
            if None in row:
                raise ValueError("more values than columns")
            values = {name: (value or "").strip() for name, value in row.items()}
            if not values["alias"]:
                raise ValueError("alias: is missing")
            account = values.get("pull_payment") or self.pull_payment_id
            pin = values.get("pin") or None
            return self._entry(values["alias"], pin, account, _limits(values, self.limits))
        except ValueError as error:
            raise TemplateError(f"CSV line {number}: {error}") from None

    def _entry(self, alias: str, pin: str | None, account: str, limits: Limits) -> Entry:
        if pin is None and self.pin_digits:
            pin = "".join(secrets.choice("0123456789") for _ in range(self.pin_digits))
        card = NewCard(pull_payment_id=account, alias=alias, limits=limits)
        if pin is not None:
            hashed = pins.make_hash(pins.check_pin(pin))
            card = replace(card, pin_hash=hashed, pin_limit_msat=self.pin_from_msat)
        return Entry(card, pin)


def _padded(number: int, match: re.Match[str]) -> str:
    return str(number).zfill(int(match[1] or 0))


def _limits(values: Mapping[str, str], usual: Limits) -> Limits:
    def amount(column: str, otherwise: int | None) -> int | None:
        if column not in values:
            return otherwise
        return parse_amount(values[column], column) if values[column] else None

    count = usual.count
    if "limit_count" in values:
        count = int(values["limit_count"]) if values["limit_count"] else None
    return Limits(
        tap_msat=amount("limit_tap", usual.tap_msat),
        day_msat=amount("limit_day", usual.day_msat),
        month_msat=amount("limit_month", usual.month_msat),
        count=count,
    )
