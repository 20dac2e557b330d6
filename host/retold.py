"""Sentences that were written down in English, told again in the language of whoever reads them.

A record, an error or a printer's trouble is kept as it was said when it happened. The catalogues
hold the sentences such texts are made of, with `{gaps}` where the code puts values in (context
`told`) and the names that errors give to fields (context `field`): by them a text is known again.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from host.language import SOURCE, current, gettext, pgettext, sentences

_GAP: Final = re.compile(r"\\\{(\w+)\\\}")
_ENDS: Final = re.compile(r"((?<=[.!?]) |; )")
"""Where one sentence ends and the next begins."""


def retold(text: str) -> str:
    """A text in the language that is spoken: as a whole, by the sentence it was made of, or part
    by part (`field: words`, one sentence after the other). What nobody translated stays English.
    """
    return text if current() == SOURCE else _retold(str(text), current())


@lru_cache(maxsize=4096)
def _retold(text: str, spoken: str) -> str:
    known = gettext(text)
    if known != text:
        return known
    for pattern, sentence in _patterns(spoken):
        if match := pattern.fullmatch(text):
            values = {name: _retold(value, spoken) for name, value in match.groupdict().items()}
            return sentence.format(**values)
    parts = _ENDS.split(text)
    if len(parts) > 1:
        return "".join(_retold(one, spoken) for one in parts)
    field, colon, words = text.partition(": ")
    return f"{_field(field, spoken)}: {_retold(words, spoken)}" if colon else text


def _field(name: str, spoken: str) -> str:
    known = pgettext("field", name)
    return known if known != name else _retold(name, spoken)


@cache
def _patterns(spoken: str) -> list[tuple[re.Pattern[str], str]]:
    """What a text is known by, and its translation; those that say most come first."""
    made = sorted(sentences(spoken, "told").items(), key=lambda one: -len(_plain(one[0])))
    return [(re.compile(_as_pattern(said), re.DOTALL), told) for said, told in made]


def _plain(sentence: str) -> str:
    return re.sub(r"\{\w+\}", "", sentence)


def _as_pattern(sentence: str) -> str:
    """The sentence with a group for each gap; one that stands twice has the same value twice."""
    named: set[str] = set()

    def group(gap: re.Match[str]) -> str:
        known = gap[1] in named
        named.add(gap[1])
        return f"(?P={gap[1]})" if known else f"(?P<{gap[1]}>.*?)"

    return _GAP.sub(group, re.escape(sentence))
