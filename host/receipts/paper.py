"""A strip of paper as neutral pieces: the printer and the page show these very ones.

A `Line` knows nothing of the paper's width; `fit` lays pieces out for one, in characters that a
receipt printer has, each exactly one column wide. A page shows the pieces as they are.
"""

from __future__ import annotations

import json
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

WIDTHS: Final = (32, 42, 48)
"""Columns of the usual papers: 58 mm, and 80 mm by the printer's make."""


class Align(StrEnum):
    """Where a line stands."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `right` stands at its end, as amounts do. `double` is twice the size."""

    text: str = ""
    right: str = ""
    align: Align = Align.LEFT
    bold: bool = False
    double: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code, in the middle of the paper."""

    data: str


Piece = Line | Rule | Qr

_KINDS: Final = {"line": Line, "rule": Rule, "qr": Qr}

_TEXT_FOR: Final = str.maketrans(
    {
        "₿": "BTC",
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "‘": "'",
        "’": "'",
        "‚": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "•": "*",
        "→": "->",
        "≈": "~",
        "™": "(TM)",
        "№": "No.",
        "\t": " ",
    }
)
"""What the code pages of receipt printers lack, and how it is written without it."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One printed line: text that fills its width at most, in characters of one column each."""

    text: str
    bold: bool = False
    double: bool = False


def fit(pieces: Iterable[Piece], columns: int) -> Iterator[Fitted | Qr]:
    """Lay pieces out for a paper of so many columns; nothing is cut off, long lines are wrapped."""
    for piece in pieces:
        if isinstance(piece, Qr):
            yield piece
        elif isinstance(piece, Rule):
            yield Fitted("-" * columns)
        else:
            width = columns // 2 if piece.double else columns
            for text in _rows(piece, width):
                yield Fitted(text, piece.bold, piece.double)


def printable(text: str) -> str:
    """The text in characters of one column: others are written with these, or as `?`."""
    whole = unicodedata.normalize("NFC", text).translate(_TEXT_FOR)
    return "".join(_one_column(char) for char in whole)


def dump(pieces: Iterable[Piece]) -> str:
    """Pieces as JSON text, to be kept until they are printed."""
    named = {kind: name for name, kind in _KINDS.items()}
    return json.dumps([{"is": named[type(one)], **asdict(one)} for one in pieces])


def load(text: str) -> list[Piece]:
    """Pieces from the text of `dump`."""
    return [_piece(**one) for one in json.loads(text)]


def _piece(**values: Any) -> Piece:
    kind = _KINDS[values.pop("is")]
    if "align" in values:
        values["align"] = Align(values["align"])
    made: Piece = kind(**values)
    return made


def _rows(line: Line, width: int) -> Iterator[str]:
    left, right = printable(line.text).strip(), printable(line.right).strip()
    if not right:
        for text in _wrapped(left, width):
            yield _placed(text, width, line.align)
        return
    *rows, last = _wrapped(left, width) if left else [""]
    *ends, end = _wrapped(right, width)
    yield from rows
    if ends or len(last) + 1 + len(end) > width:
        if last:
            yield last
        yield from (text.rjust(width) for text in (*ends, end))
    else:
        yield last + end.rjust(width - len(last))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _placed(text: str, width: int, align: Align) -> str:
    if align is Align.CENTER:
        return text.center(width).rstrip()
    return text.rjust(width) if align is Align.RIGHT else text


def _one_column(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Zs":
        return " "
    if kind in ("Mn", "Me", "Cf"):  # marks and joiners that have no column of their own
        return ""
    if kind[0] == "C":
        return " " if char == "\n" else "?"
    if unicodedata.east_asian_width(char) not in ("W", "F"):
        return char
    plain = unicodedata.normalize("NFKC", char)  # full-width forms of ordinary characters
    return plain if plain.isascii() else "??"
