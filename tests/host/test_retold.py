"""Sentences that were kept in English are known again by what they were made of."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from host import language
from host.retold import MOST, retold


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("the payment failed", "el pago ha fallado"),
        ("ACR1252U ready", "ACR1252U listo"),
        ("note: at most 200 characters", "nota: 200 caracteres como máximo"),
        (
            "pin: is too easy to guess; no 0000, no 1234, no 4321",
            "PIN: es demasiado fácil de adivinar; ni 0000, ni 1234, ni 4321",
        ),
        ("LNbits: no route", "LNbits: no route"),  # another program's words stay as they came
        ("it is blue: the paper is out", "it is blue: no queda papel"),
        (
            "It is blocked in the books. It carries another address.",
            "Está bloqueada en la contabilidad. Lleva otra dirección.",
        ),
        ("2 taps; counter 7", "2 lecturas; contador 7"),
        ("; " * 5_000, "; " * 5_000),
        ("a: " * 5_000, "a: " * 5_000),
        ("a: " * (MOST // 3), "a: " * (MOST // 3)),
        (
            "the payment failed; not confirmed: the TLS connection broke",
            "el pago ha fallado; sin confirmar: se cortó la conexión TLS",
        ),
        ("Ann", "Ann"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_told_in_spanish_and_stays_as_it_is_in_english(kept: str, told: str) -> None:
    assert retold(kept) == kept
    with language.speaking("es"):
        assert retold(kept) == told


def test_what_was_safe_for_one_page_is_no_markup_for_another() -> None:
    with language.speaking("es"):
        assert type(retold(Markup("<b>Ann</b>"))) is str
        assert type(retold("<b>Ann</b>")) is str
