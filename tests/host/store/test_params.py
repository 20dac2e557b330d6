"""Named parameters are bound by position, wherever they stand."""

from __future__ import annotations

import pytest

from host.store.engine import Engine
from host.store.params import positional


@pytest.mark.parametrize(
    ("sql", "text", "bound"),
    [
        ("SELECT :b, :a, :b", "SELECT ?, ?, ?", (2, 1, 2)),
        ("SELECT :a", "SELECT ?", (1,)),
        ("SELECT 1", "SELECT 1", ()),
        ("SELECT ':a', 'it''s :b', :a", "SELECT ':a', 'it''s :b', ?", (1,)),
        ("SELECT 1 -- :a\n + :b", "SELECT 1 -- :a\n + ?", (2,)),
    ],
)
def test_every_name_becomes_the_value_of_its_place(
    sql: str, text: str, bound: tuple[int, ...]
) -> None:
    found, values = positional(sql)
    assert (found, values({"a": 1, "b": 2})) == (text, bound)


def test_a_value_that_is_missing_is_a_mistake_that_is_seen(db: Engine) -> None:
    with pytest.raises(KeyError):
        db.one("SELECT :a", {"b": 1})
