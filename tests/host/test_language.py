"""Texts in the language of whoever reads them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from host import language
from host.ledger.codes import Code

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        (("es",), "es"),
        (("es-MX",), "es"),
        (("es_AR", "en"), "es"),
        ((None, "", "xx", "ES"), "es"),
        (("xx", "../../etc"), "en"),
        ((), "en"),
    ],
)
def test_the_first_wish_that_we_speak_is_served(wishes: tuple[str | None, ...], code: str) -> None:
    assert language.choose(*wishes) == code


def test_a_language_is_spoken_where_it_was_asked_for_and_nowhere_else() -> None:
    heard: list[str] = []
    with language.speaking("es"):
        assert language.current() == "es"
        other = threading.Thread(target=lambda: heard.append(language.current()))
        other.start()
        other.join()
        with language.speaking("xx"):
            assert language.current() == "en"
        assert language.current() == "es"
    assert (language.current(), heard) == ("en", ["en"])


def test_what_nobody_translated_is_said_in_english() -> None:
    with language.speaking("es"):
        assert language.gettext("A text that is in no catalogue") == (
            "A text that is in no catalogue"
        )
        assert language.gettext("") == ""  # the head of a catalogue is not a text


def test_the_catalogues_hold_every_text_translated_and_compiled() -> None:
    tool = [sys.executable, str(ROOT / ".ci" / "translations"), "--check"]
    result = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-4000:]


GAP = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")


def test_a_translation_has_the_gaps_of_its_text() -> None:
    for path in sorted((ROOT / "host" / "locale").glob("*.po")):
        with path.open("rb") as file:
            texts = [one for one in read_po(file) if one.id]
        assert len(texts) > 1_000
        for text in texts:
            ours = [text.id] if isinstance(text.id, str) else list(text.id)
            theirs = [text.string] if isinstance(text.string, str) else list(text.string)
            wanted = {gap for one in ours for gap in GAP.findall(one)}
            for one in theirs:
                assert set(GAP.findall(one)) == wanted, (path.name, text.id, one)


def test_templates_look_up_only_what_stands_in_them() -> None:
    """Jinja takes what `_` answers for safe markup: a name would be run. `| tr` is for values."""
    pages = [*ROOT.glob("dashboard/templates/**/*.html"), *ROOT.glob("host/**/pages/*.html")]
    called = {page.name: re.findall(r"\b_\((?![\"'])[^)]*", page.read_text()) for page in pages}
    assert len(pages) > 50
    assert {name: found for name, found in called.items() if found} == {}


def test_every_refusal_is_said_in_every_language() -> None:
    for code in Code:
        with language.speaking("es"):
            words = language.said(code.words)
        assert all(words), code
        assert words.says != code.words.says, code
