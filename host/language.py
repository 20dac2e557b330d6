"""The language that people read: one catalogue for the host's words and the dashboard's pages.

Texts stand in the code and in the templates in English, as what is looked up (gettext). The
language belongs to the work at hand (a request, a message of a live stream, a receipt), so it is a
context variable and nothing global: two people read two languages at the same time.
"""

from __future__ import annotations

import gettext as catalogues
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from jinja2 import Environment

from host.ledger.codes import Words

SOURCE: Final = "en"
LANGUAGES: Final = {SOURCE: "English", "es": "Español"}
"""Every language there is, by its code and in its own words."""

DOMAIN: Final = "taptill"

_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)


def current() -> str:
    """The code of the language that is spoken here and now."""
    return _spoken.get()


def speak(language: str) -> None:
    """Speak a language from now on, for work that begins and ends elsewhere (a request)."""
    _spoken.set(language if language in LANGUAGES else SOURCE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for a while; one that we do not have is spoken in English."""
    token = _spoken.set(language if language in LANGUAGES else SOURCE)
    try:
        yield
    finally:
        _spoken.reset(token)


def choose(*wished: str | None) -> str:
    """The first of the wishes that we speak; `es-MX` is served with `es`."""
    for wish in wished:
        code = (wish or "").replace("_", "-").split("-")[0].lower()
        if code in LANGUAGES:
            return code
    return SOURCE


def marked(text: str) -> str:
    """The text as it is, noted for the catalogues: it is translated where it is shown."""
    return text


def gettext(text: str) -> str:
    """The text in the language that is spoken; in English where nobody translated it."""
    return _catalogue(_spoken.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """The text for a number of things, by the plural rule of the language."""
    return _catalogue(_spoken.get()).ngettext(one, many, number)


def pgettext(context: str, text: str) -> str:
    """The text where one English word has several translations."""
    return _catalogue(_spoken.get()).pgettext(context, text)


def decimal(number: object) -> str:
    """A number that is written with a decimal point, as the language writes it."""
    return str(number).replace(".", pgettext("decimal mark", "."))


def said(words: Words) -> Words:
    """What somebody reads, and what to do next, in the language that is spoken."""
    return Words(gettext(words.says), gettext(words.do))


def sentences(language: str, context: str) -> dict[str, str]:
    """Every text of a context, with its translation."""
    begins = f"{context}\x04"  # how GNU catalogues keep a context
    known: dict[object, str] = vars(_catalogue(language)).get("_catalog", {})
    return {
        text.removeprefix(begins): translated
        for text, translated in known.items()
        if isinstance(text, str) and text.startswith(begins)
    }


def install(pages: Environment) -> None:
    """Give templates the words of the language that is spoken while they are rendered."""
    pages.add_extension("jinja2.ext.i18n")
    pages.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    pages.globals.update(language=current)


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    if language == SOURCE:
        return catalogues.NullTranslations()
    with catalogue_file(language).open("rb") as file:
        return catalogues.GNUTranslations(file)


def catalogue_file(language: str) -> Traversable:
    """Where the texts of a language are, compiled."""
    return resources.files("host").joinpath("locale", f"{language}.mo")
