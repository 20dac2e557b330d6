"""Sentences that were written down in English, told again in the language of whoever reads them.

A record, an error or a printer's trouble is kept as it was said when it happened. The catalogues
hold the sentences such texts are made of, with `{gaps}` where the code puts values in (context
`told`) and the names that errors give to fields (context `field`): by them a text is known again.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from host.language import SOURCE, current, gettext, pgettext, sentences

MOST: Final = 400
"""A longer text is no sentence of ours: somebody else wrote it, and it stays as it is."""
_GAP: Final = re.compile(r"\{(\w+)\}")
_ENDS: Final = re.compile(r"((?<=[.!?]) |; )")
"""What stands between one sentence and the next; a text split by it has it at every other place."""


class _Sentence(NamedTuple):
    """One sentence with gaps: what stands around them, their names, and the translation."""

    around: list[str]
    gaps: list[str]
    told: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the gaps where this text was made of this sentence. In linear time: each
        part is looked for once, after the one before it.
        """
        first, *between, last = self.around
        end = len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last) and len(first) <= end):
            return None
        found, at = [], len(first)
        for part in between:
            begins = text.find(part, at, end)
            if begins < 0:
                return None
            found.append(text[at:begins])
            at = begins + len(part)
        return dict(zip(self.gaps, [*found, text[at:end]], strict=True))


def retold(text: str) -> str:
    """A text in the language that is spoken: as a whole, by the sentence it was made of, or part
    by part (`field: words`, one sentence after the other). What nobody translated stays English.
    """
    if current() == SOURCE or len(text) > MOST:
        return text
    return _retold(str(text), current())


@lru_cache(maxsize=4096)
def _retold(text: str, spoken: str) -> str:
    field, colon, words = text.partition(": ")
    parts = _ENDS.split(text)
    if known := _known(text, spoken):
        return known
    if colon and (known := _known(words, spoken)):
        return f"{_field(field, spoken)}: {known}"
    if len(parts) > 1:
        return "".join(_retold(one, spoken) if at % 2 == 0 else one for at, one in enumerate(parts))
    return f"{_field(field, spoken)}: {_retold(words, spoken)}" if colon else text


def _known(text: str, spoken: str) -> str | None:
    """A whole sentence of ours, told; None where it is none."""
    said = gettext(text)
    if said != text:
        return said
    for sentence in _sentences(spoken):
        values = sentence.values(text)
        if values is not None:
            told = {name: _retold(value, spoken) for name, value in values.items()}
            return sentence.told.format(**told)
    return None


def _field(name: str, spoken: str) -> str:
    known = pgettext("field", name)
    return known if known != name else _retold(name, spoken)


@cache
def _sentences(spoken: str) -> list[_Sentence]:
    """Every sentence with gaps; those that say most come first."""
    made = [_sentence(said, told) for said, told in sentences(spoken, "told").items()]
    return sorted(made, key=lambda one: -sum(map(len, one.around)))


def _sentence(said: str, told: str) -> _Sentence:
    around = _GAP.split(said)
    return _Sentence(around[::2], around[1::2], told)
