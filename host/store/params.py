"""Named parameters, bound by position.

SQL here names its parameters, so that it can be read. But Python's SQLite driver asks for each
name with the GIL released: an INSERT of twenty-four columns lets go of it twenty-four times, and
under load other threads take it every time. Bound by position it is let go of once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

Params = Mapping[str, Any]
Values = Callable[[Params], tuple[Any, ...]]

_NAMED = re.compile(r"'[^']*'|--[^\n]*|:([A-Za-z_]\w*)")
"""A parameter; or a text or a comment, in which a colon is only a colon."""


@lru_cache(maxsize=1_024)
def positional(sql: str) -> tuple[str, Values]:
    """The same statement with `?`, and what picks their values out of named parameters."""
    names: list[str] = []

    def question_mark(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        names.append(found[1])
        return "?"

    text = _NAMED.sub(question_mark, sql)
    return text, _values(names)


def _values(names: list[str]) -> Values:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda params: tuple(params[name] for name in names)
