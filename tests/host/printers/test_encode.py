"""The bytes of ESC/POS, as python-escpos' dummy printer has them."""

from __future__ import annotations

import sys

import pytest

from host.printers.encode import INSTALL, encode, kick
from host.printers.errors import PrinterMissing
from host.printers.settings import PrinterConfig
from host.printers.strip import strip
from host.receipts.paper import WIDTHS, Align, Line, Piece, Qr, Rule

INIT = b"\x1b@"
CP437, CP858 = b"\x1bt\x00", b"\x1bt\x13"
BOLD, PLAIN = b"\x1bE\x01", b"\x1bE\x00"
NORMAL, DOUBLE = b"\x1b!\x00" * 3, b"\x1b!\x00\x1b!\x00\x1b!0"
CUT = b"\x1bd\x06\x1dV\x00"


def printer(**more: object) -> PrinterConfig:
    return PrinterConfig("bar", "file:x", columns=32, **more)  # type: ignore[arg-type]


def test_a_printed_strip_is_these_bytes() -> None:
    pieces: list[Piece] = [
        Line("Peña", align=Align.CENTER, bold=True, double=True),
        Rule(),
        Line("TOTAL", "12.50 €", bold=True),
    ]
    assert encode(pieces, printer()) == (
        INIT
        + (DOUBLE + BOLD + CP437 + b"      Pe\xa4a\n")
        + (NORMAL + PLAIN + b"-" * 32 + b"\n")
        + (NORMAL + BOLD + b"TOTAL" + b" " * 20 + b"12.50 " + CP858 + b"\xd5\n")
        + CUT
    )


def test_bold_is_switched_on_after_the_size_which_would_end_it() -> None:
    data = encode([Line("a", bold=True), Line("b", bold=True, double=True)], printer())
    assert data.index(DOUBLE) < data.rindex(BOLD) < data.index(b"b\n")


def test_a_bitcoin_sign_is_three_letters() -> None:
    assert b"1 BTC = 5\n" in encode([Line("1 ₿ = 5")], printer())


def test_a_printer_with_few_characters_gets_what_they_stand_for() -> None:
    data = encode([Line("Ñu in Zürich, Őrs", "5,00 €")], printer(profile="simple"))
    assert b"\x1bt\x00\xa5u in Z\x81rich, Ors" in data
    assert data.split(b"\n")[0].endswith(b"5,00 EUR")


def test_wide_characters_keep_the_columns() -> None:
    first = encode([Line("日本語", "7 sats")], printer()).split(b"\n")[0]
    assert first.endswith(b"??????" + b" " * 20 + b"7 sats")


def test_a_qr_code_is_left_to_the_printer() -> None:
    data = encode([Qr("lnbc1")], printer())
    assert b"\x1ba\x01" in data
    assert b"1P0lnbc1" in data


def test_a_printer_without_a_knife_feeds_the_paper() -> None:
    assert encode([Line("a")], printer(cut=False)).endswith(b"a\n\x1bd\x04")


@pytest.mark.parametrize(("pin", "data"), [(2, b"\x1bp\x0022"), (5, b"\x1bp\x0122")])
def test_a_drawer_is_kicked_on_its_pin(pin: int, data: bytes) -> None:
    assert kick(printer(drawer_pin=pin)) == data


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_test_strip_fills_every_paper(columns: int) -> None:
    config = PrinterConfig("bar", "file:x", columns=columns)
    lines = encode(strip(config), config).split(b"\n")
    ruler = next(one for one in lines if one.endswith(b"1234567890"[: columns % 10 or 10]))
    assert len(ruler) == columns


def test_an_unknown_make_is_named() -> None:
    with pytest.raises(PrinterMissing, match="no printer profile TM-9"):
        encode([], printer(profile="TM-9"))


def test_without_python_escpos_the_words_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "escpos.printer", None)
    with pytest.raises(PrinterMissing, match=r"install taptill\[receipts\]") as caught:
        encode([], printer())
    assert str(caught.value) == INSTALL
