"""Lists for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ledger import cards, pull_payments
from host.report import (
    card_lines,
    card_objects,
    pull_payment_lines,
    pull_payment_objects,
    table,
    time_text,
)
from tests.support.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop.open(tmp_path)
    yield opened
    opened.close()


def test_times_are_utc_to_the_minute_or_a_dash() -> None:
    assert time_text(1_700_000_000_000) == "2023-11-14 22:13"
    assert time_text(0) == "1970-01-01 00:00"
    assert time_text(None) == "-"


def test_numbers_end_at_the_same_place_and_words_begin_there() -> None:
    assert table(("NAME", "SAT"), [("a", "1 000"), ("long name", "5")]) == [
        "NAME         SAT",
        "a          1 000",
        "long name      5",
    ]


@given(rows=st.lists(st.lists(st.text("ab1 ", max_size=9), min_size=3, max_size=3), max_size=9))
def test_a_table_has_a_line_for_each_row_and_no_space_at_the_end(rows: list[list[str]]) -> None:
    lines = table(("A", "B", "C"), rows)
    assert len(lines) == len(rows) + 1
    assert all(line == line.rstrip() for line in lines)


def test_cards_are_listed_with_what_they_paid(shop: Shop) -> None:
    ann, _bob = shop.card("Ann"), shop.card("Bob")
    shop.pay(ann, 2_100)
    shop.pay(ann, 900)
    head, first, second = card_lines(shop.db, None)
    assert head.split()[:3] == ["ALIAS", "UID", "STATE"]
    assert first.split()[:7] == ["Ann", ann.uid, "active", "1", "2", "2", "3"]
    assert second.endswith("-")
    told = {one["boltcardAlias"]: one for one in card_objects(shop.db, "main")}
    assert told["Ann"]["totalAmount"] == "0.00003000"
    assert told["Ann"]["totalPayouts"] == 2
    assert told["Bob"]["lastUsed"] is None
    assert list(card_objects(shop.db, "other")) == []


def test_accounts_are_listed_with_what_is_free_held_and_paid(shop: Shop) -> None:
    shop.pay(shop.card("Ann"), 1_500)
    empty = pull_payments.create(shop.db, "main", "Empty")
    lines = pull_payment_lines(shop.db, None)
    (staff,) = (line for line in lines if "Staff" in line)
    assert staff.split()[2:] == ["running", "998", "500", "0", "1", "500"]
    assert any(line.startswith(empty.pull_payment_id) for line in lines)


def test_where_there_is_nothing_the_next_step_is_told(shop: Shop) -> None:
    assert card_lines(shop.db, None) == ["no cards yet: a technician makes one"]
    assert "pull-payments create" in pull_payment_lines(shop.db, "other")[0]


def test_people_read_blocked_and_programs_what_is_kept(shop: Shop) -> None:
    ann = shop.card("Ann")
    cards.freeze(shop.db, ann.card_id)
    assert card_lines(shop.db, None)[1].split()[2] == "blocked"
    assert next(card_objects(shop.db, None))["state"] == "frozen"


def test_accounts_are_objects_for_programs(shop: Shop) -> None:
    account = pull_payments.all(shop.db)[0]
    found = next(pull_payment_objects(shop.db, None))
    assert found["pullPaymentId"] == account.pull_payment_id
    assert (found["balanceMsat"], found["heldMsat"]) == (account.balance_msat, account.held_msat)
    assert list(pull_payment_objects(shop.db, "elsewhere")) == []
