"""Which words of a page nobody translated: what a catalogue has is marked, the rest is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import GNUTranslations
from html.parser import HTMLParser
from unittest.mock import patch

from host import language, retold

_SAID = {
    *("aria-label", "title", "placeholder", "alt", "data-close", "data-auto", "data-light"),
    *("data-dark", "data-hold", "data-refused"),
}
"""Attributes with words for people."""
_VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "col", "use", "path"})
_NOT_WORDS = frozenset({"style", "code", "datalist"})
_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
_CODE = re.compile(r"\S*(?:\d|_|\.\w)\S*")
"""Ids, file names and the like: a word with a figure, a bar or a point in it."""
_WORD = re.compile(r"[^\W\d_]{2,}")


@contextmanager
def marked(code: str) -> Iterator[None]:
    """Speak a language whose texts all stand in ⟦brackets⟧; what is in no catalogue has none."""
    with language.catalogue_file(code).open("rb") as file:
        catalogue = GNUTranslations(file)
    texts = vars(catalogue)["_catalog"]
    texts.update({key: f"⟦{text}⟧" for key, text in texts.items() if key})
    _forget()
    with patch.object(language, "_catalogue", lambda _: catalogue):
        yield
    _forget()


def _forget() -> None:
    retold._retold.cache_clear()
    retold._sentences.cache_clear()


class _Reader(HTMLParser):
    """What a page says, with its attributes; code, ids and lists of names are no words."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.said += [value for name in _SAID if (value := known.get(name))]
        if (state := known.get("data-state") or "").startswith("{"):
            self.said += _words(json.loads(state))
        kind = "code" if {"mono", "language"} & set((known.get("class") or "").split()) else tag
        if tag == "script":
            kind = "texts" if known.get("class") == "texts" else "style"
        if tag not in _VOID:
            self._within.append(kind)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._within:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if "texts" in self._within:
            self.said += json.loads(data).values()
        elif not _NOT_WORDS.intersection(self._within):
            self.said.append(data)


def _words(state: object) -> Iterator[str]:
    """What a script gets to show."""
    if isinstance(state, dict):
        for name, value in state.items():
            if isinstance(value, str) and name in {"says", "do", "more", "words", "label"}:
                yield value
            yield from _words(value)
    for each in state if isinstance(state, list) else ():
        yield from _words(each)


def unspoken(page: str, names: frozenset[str]) -> set[str]:
    """Words of a page that stand in no catalogue and are no names."""
    reader = _Reader()
    reader.feed(page)
    found = set()
    for text in reader.said:
        rest = text
        while (shorter := _MARKED.sub(" ", rest)) != rest:
            rest = shorter
        words = _WORD.findall(_CODE.sub(" ", rest))
        found |= {word for word in words if word not in names}
    return found
