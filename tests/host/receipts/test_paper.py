"""Pieces of paper laid out: columns hold, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.receipts.paper import (
    WIDTHS,
    Align,
    Fitted,
    Line,
    Piece,
    Qr,
    Rule,
    dump,
    fit,
    load,
    printable,
)

pieces = st.one_of(
    st.builds(Line, st.text(), st.text(), st.sampled_from(Align), st.booleans(), st.booleans()),
    st.builds(Rule),
    st.builds(Qr, st.text()),
)


def rows(*lines: Piece, columns: int = 32) -> list[str]:
    return [one.text for one in fit(lines, columns) if isinstance(one, Fitted)]


@given(st.lists(pieces, max_size=4), st.sampled_from(WIDTHS))
def test_no_line_is_wider_than_its_paper(lines: list[Piece], columns: int) -> None:
    for one in fit(lines, columns):
        if isinstance(one, Fitted):
            assert len(one.text) * (2 if one.double else 1) <= columns


@given(st.lists(pieces, max_size=4))
def test_pieces_are_kept_as_they_are(lines: list[Piece]) -> None:
    assert load(dump(lines)) == lines


@pytest.mark.parametrize("columns", WIDTHS)
def test_amounts_end_at_the_edge(columns: int) -> None:
    assert rows(Line("TOTAL", "2 100 sats"), columns=columns) == [
        "TOTAL" + "2 100 sats".rjust(columns - 5)
    ]
    assert rows(Line("TOTAL", "9 sats", double=True), columns=columns) == [
        "TOTAL" + "9 sats".rjust(columns // 2 - 5)
    ]


def test_an_amount_that_does_not_fit_beside_its_words_stands_below_them() -> None:
    assert rows(Line("two coffees and a piece of cake", "2 100 sats")) == [
        "two coffees and a piece of cake",
        "                      2 100 sats",
    ]
    assert rows(Line("two coffees and a piece of cake with cream", "2 100 sats")) == [
        "two coffees and a piece of cake",
        "with cream            2 100 sats",
    ]


def test_a_word_longer_than_the_paper_is_broken_and_not_lost() -> None:
    assert "".join(rows(Line("x" * 70))) == "x" * 70


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("ñ Ñ é ü €", "ñ Ñ é ü €"),
        ("₿ 1", "BTC 1"),
        ("n\u0303", "ñ"),
        ("1\u202f234,50\u00a0€", "1 234,50 €"),
        ("“Ann’s” – 50 % …", '"Ann\'s" - 50 % ...'),
        ("ＡＢ１", "AB1"),
        ("日本", "????"),
        ("a\u200bb\u202ec", "abc"),
        ("a\x1bc", "a?c"),
    ],
)
def test_what_a_printer_lacks_is_written_with_what_it_has(text: str, printed: str) -> None:
    assert printable(text) == printed


def test_a_name_cannot_send_commands_to_the_printer() -> None:
    assert rows(Line("Ann\x1bp\x0022")) == ["Ann?p?22"]
