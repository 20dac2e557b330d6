"""KiCad's nested lists are written and read without loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardware.board.sexpr import every, identity, node, number, parse, quoted, words


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\\\r\n"), max_size=30)))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    assert parse(node("list", *(quoted(text) for text in texts))) == ["list", *texts]


def test_a_long_list_is_broken_into_lines_and_reads_the_same() -> None:
    inner = [node("xy", i, i * 1.27) for i in range(30)]
    text = node("pts", *inner)
    assert text.count("\n") == 31
    assert len(every(parse(text), "xy")) == 30


def test_lengths_have_no_needless_digits() -> None:
    assert [number(value) for value in (0.1 + 0.2, -0.0, 2.0, 1.27, 1e-9)] == [
        "0.3",
        "0",
        "2",
        "1.27",
        "0",
    ]


def test_words_after_a_name_are_found_or_are_none() -> None:
    tree = parse('(pad "1" smd (net 3 "GND") (at 1 2))')
    assert words(tree, "net") == ["3", "GND"]
    assert words(tree, "drill") == []


def test_an_identity_is_the_same_in_every_run() -> None:
    assert identity("symbol", "R1") == identity("symbol", "R1")
    assert identity("symbol", "R1") != identity("symbol", "R2")
