"""Keys appear in no log, repr, database dump, list or page (THREATS 26)."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from host.ntag424 import keys
from provisioning import journal, sheet
from provisioning.desk import Result
from provisioning.diagnose import diagnose
from provisioning.orders import Goal
from provisioning.sitting import as_object
from tests.provisioning.shop import BASE, UID, Shop, lay, with_uid
from tests.provisioning.test_other_tools import KEYS, WIPE, _keys, _made_elsewhere


def _needles(shop: Shop) -> set[str]:
    """Every key there was, in hex and as Python would show it."""
    raw = {
        key.reveal()
        for v in range(6)
        for i in shop.keyring.issuers
        for key in (*keys.derive(i.key, UID, v), i.key)
    }
    raw |= {bytes.fromhex(key) for key in KEYS}
    return {form for one in raw for form in (one.hex(), one.hex().upper(), repr(one)[2:-1])}


def test_no_key_is_in_the_database_a_log_a_repr_or_a_list(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    card = with_uid(UID)
    for goal in (Goal.ISSUE, Goal.REKEY, Goal.REPAIR, Goal.WIPE):
        shop.work(card, goal)
    shop.work(_made_elsewhere(), Goal.ISSUE, imports=(_keys(WIPE),))
    results = [Result(one, number, 1, "1234") for number, one in enumerate(shop.outcomes)]
    said = [repr(shop.outcomes), repr(shop.workshop.__dict__), repr(shop.keyring), caplog.text]
    said += [repr(journal.history(shop.db, UID)), sheet.csv_text(results)]
    said += [sheet.html_page(results, "https://pay.example.com/balance", "Cards")]
    said += [json.dumps(as_object(one)) for one in results]
    said += diagnose(shop.db, shop.keyring, lay(card), BASE).lines()
    shop.db.close()
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    for needle in _needles(shop):
        assert not any(needle in text for text in said)
        assert not any(needle.encode() in content for content in files)
    for raw in (bytes.fromhex(key) for key in KEYS):
        assert not any(raw in content for content in files)
    assert any(b"issuer:" in content for content in files)


def test_the_pin_is_in_no_repr(shop: Shop) -> None:
    outcome = shop.work(with_uid(UID), Goal.ISSUE)
    assert "1234" not in repr(Result(outcome, 1, 1, "1234"))
