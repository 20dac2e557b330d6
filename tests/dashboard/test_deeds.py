"""The audit trail says deeds in words, whichever there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from dashboard import deeds
from host.ledger.records import CardState, EntryKind
from provisioning.jobs import Kind

ROOT = Path(__file__).parents[2]
SAID = re.compile(r'audit\.append\(\s*tx,\s*[^"]*?,\s*"([a-z_]+\.[a-z_]+)"')


def test_every_deed_that_the_code_names_has_words() -> None:
    found = {
        name
        for folder in ("host", "provisioning", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        for name in SAID.findall(path.read_text("utf-8"))
    }
    assert len(found) > 15
    found |= {f"card.{state}" for state in CardState} | {f"desk.{kind}" for kind in Kind}
    by_hand = set(EntryKind) - {EntryKind.HOLD, EntryKind.RELEASE, EntryKind.SETTLE}
    found |= {f"pull_payment.{kind}" for kind in by_hand}
    assert {name for name in found if name not in deeds._WORDS} == set()
    assert {name.split(".")[0] for name in found} <= set(deeds.KINDS)


def test_a_look_says_what_was_looked_at(app: Flask) -> None:
    rooms = {
        rule.endpoint.split(".")[0]
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "in_store", False)
    }
    assert rooms <= set(deeds._ROOMS) | {"card_changes"}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("person.sign_in", "Signed in"),
        ("look.payouts.page", "Looked at payouts"),
        ("look.payouts.csv", "Exported payouts"),
        ("look.reports.ledger_csv", "Exported reports"),
        ("something.quite_new", "Something: quite new"),
    ],
)
def test_a_deed_is_words(action: str, words: str) -> None:
    assert deeds.words(action) == words
