"""A strip that shows what a printer can do: its width, its characters, its sizes."""

from __future__ import annotations

from host.printers.settings import PrinterConfig
from host.receipts.paper import Align, Line, Piece, Qr, Rule


def strip(printer: PrinterConfig) -> list[Piece]:
    """What `taptill printer test` prints."""
    ruler = ("1234567890" * (printer.columns // 10 + 1))[: printer.columns]
    return [
        Line("Taptill", align=Align.CENTER, bold=True, double=True),
        Line(f"{printer.name}, {printer.columns} columns", align=Align.CENTER),
        Rule(),
        Line(ruler),
        Line("Left", "right"),
        Line("Bold", "1 234.50 €", bold=True),
        Line("áéíóú ñ Ñ ü ç ¿? ¡! £ € ₿"),
        Qr("taptill"),
        Rule(),
        Line("When the numbers fill one line, the columns are right.", align=Align.CENTER),
    ]
