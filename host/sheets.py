"""Cells of CSV files, as RFC 4180 writes them and no spreadsheet runs them (THREATS 26)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark by which spreadsheets know UTF-8."""

FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell must not begin with, also in full width (OWASP, CSV injection)."""


def harmless(text: str | None) -> str:
    """A text that no spreadsheet runs: an apostrophe goes before what begins like a formula."""
    if not text:
        return ""
    return f"'{text}" if text[0] in FORMULA else text


def csv_line(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as RFC 4180 writes them."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
