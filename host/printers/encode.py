"""Pieces of paper as the bytes of ESC/POS, by python-escpos and its profiles of printers.

The bytes are made before the printer is opened: what cannot be encoded never stops half-way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from host.printers.errors import PrinterMissing
from host.printers.settings import PrinterConfig
from host.receipts.paper import Line, Piece, Qr, fit, printable

if TYPE_CHECKING:
    from escpos.printer import Dummy

INSTALL: Final = "receipts are printed by python-escpos: install taptill[receipts]"

_FIRST: Final = ("CP437", "CP858")
"""Code pages that are tried first: every printer has the first, and the second has the euro.
python-escpos would go on by number, into pages that cheap printers only claim to have."""

_SIGNS: Final = {"€": "EUR", "£": "GBP", "¥": "JPY", "¡": "", "¿": "", "·": "-"}

_QR_DOTS: Final = 6


def encode(pieces: Iterable[Piece], printer: PrinterConfig) -> bytes:
    """What makes this printer print these pieces, and cut."""
    paper = _dummy(printer)
    paper.hw("INIT")
    bold = double = False
    spelled = [_spelled(piece, paper) for piece in pieces]
    for piece in fit(spelled, printer.columns):
        if isinstance(piece, Qr):
            paper.set(align="center")
            paper.qr(piece.data, native=True, size=_QR_DOTS)
            paper.set(align="left")
            continue
        if (piece.bold, piece.double) != (bold, double):
            bold, double = piece.bold, piece.double
            paper.set(**_size(double))
            paper.set(bold=bold)  # afterwards: a size (ESC !) ends bold on the way
        paper.textln(piece.text)
    if printer.cut:
        paper.cut()
    else:
        paper.print_and_feed(4)
    return bytes(paper.output)


def kick(printer: PrinterConfig) -> bytes:
    """What opens the cash drawer on this printer."""
    paper = _dummy(printer)
    paper.cashdraw(printer.drawer_pin)
    return bytes(paper.output)


def _spelled(piece: Piece, paper: Dummy) -> Piece:
    """The piece in characters that this very printer has."""
    if not isinstance(piece, Line):
        return piece
    has = paper.magic.encoder.find_suitable_encoding

    def spell(text: str) -> str:
        chars = printable(text)
        return "".join(one if one.isascii() or has(one) else _plain(one) for one in chars)

    return replace(piece, text=spell(piece.text), right=spell(piece.right))


def _plain(char: str) -> str:
    """A character without its accents, or what it stands for."""
    if char in _SIGNS:
        return _SIGNS[char]
    bare = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return bare or "?"


def _size(double: bool) -> dict[str, Any]:
    return {"double_width": True, "double_height": True} if double else {"normal_textsize": True}


def _dummy(printer: PrinterConfig) -> Dummy:
    try:
        from escpos.capabilities import NotSupported
        from escpos.printer import Dummy
    except ImportError:
        raise PrinterMissing(INSTALL) from None
    try:
        paper = Dummy(profile=printer.profile)
    except (KeyError, NotSupported):
        raise PrinterMissing(f"python-escpos knows no printer profile {printer.profile}") from None
    known = paper.magic.encoder
    known.used_encodings.update(set(_FIRST) & known.available_encodings)
    return paper
