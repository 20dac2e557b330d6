"""What a store decides about itself: typed, checked, audited, and never in the way of a sale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pytest

from host.ledger import audit, settings, stores
from host.ledger.errors import LedgerError, NotFound
from host.ledger.settings import Setting
from host.ledger.tips import TIPS, Tips, part
from tests.support.books import STORE, Shop


class Paper(StrEnum):
    WIDE = "80"
    NARROW = "58"


@dataclass(frozen=True, slots=True)
class Receipts:
    printer: str | None = None
    paper: Paper = Paper.WIDE
    copies: int = 1
    lines: tuple[str, ...] = ()


RECEIPTS = Setting("receipts", Receipts)


def test_a_store_that_decided_nothing_has_the_defaults(here: Shop) -> None:
    assert settings.get(here.db, STORE, TIPS) == Tips()
    assert not Tips().on


def test_what_was_decided_is_read_again_in_its_types(here: Shop) -> None:
    wanted = Receipts("usb", Paper.NARROW, 2, ("Thank you", "Come again"))
    settings.put(here.db, STORE, RECEIPTS, wanted)
    assert settings.get(here.db, STORE, RECEIPTS) == wanted
    assert settings.get(here.db, STORE, TIPS) == Tips()


def test_a_change_is_told_in_the_audit_trail_and_no_change_is_not(here: Shop) -> None:
    before, _ = audit.head(here.db)
    for _ in range(2):
        settings.put(here.db, STORE, TIPS, Tips(on=True))
    rows, _ = audit.head(here.db)
    assert rows == before + 1
    (row,) = audit.recent(here.db, limit=1)
    assert (row.action, row.subject, row.data["key"]) == ("store.settings", STORE, "tips")
    assert row.data["value"]["on"] is True
    told = [one for one in here.db.events.after(0) if one.kind == "store.changed"]
    assert [one.data for one in told] == [{"key": "tips"}]


def test_each_store_decides_for_itself(here: Shop) -> None:
    stores.create(here.db, "Second", store_id="second")
    settings.put(here.db, "second", TIPS, Tips(on=True))
    assert not settings.get(here.db, STORE, TIPS).on
    with pytest.raises(NotFound, match="store_id"):
        settings.put(here.db, "third", TIPS, Tips())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"on": 1}, "on"),
        ({"percents": 5}, "percents"),
        ({"percents": ["5"]}, "percents"),
        ({"percents": [True]}, "percents"),
        ({"percents": [10, 5]}, "percents"),
        ({"percents": [5, 5]}, "percents"),
        ({"percents": [0]}, "percents"),
        ({"percents": [101]}, "percents"),
        ({"percents": [1, 2, 3, 4, 5]}, "percents"),
        ({"on": True, "percents": [], "own": False}, "percents"),
    ],
)
def test_a_wrong_value_names_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(LedgerError, match=f"^{field}: "):
        TIPS.read(values)


def test_a_text_that_is_no_choice_names_its_field() -> None:
    with pytest.raises(LedgerError, match=r"^paper: must be one of 80, 58"):
        RECEIPTS.read({"paper": "A4"})
    assert RECEIPTS.read({"printer": None, "from_the_future": 1}) == Receipts()


@pytest.mark.parametrize("value", ['{"percents": [0]}', "[]", '{"on": "yes"}'])
def test_a_row_that_makes_no_sense_any_more_leaves_the_defaults(here: Shop, value: str) -> None:
    settings.put(here.db, STORE, TIPS, Tips(on=True))
    here.db.transaction(
        lambda tx: tx.run("UPDATE store_settings SET value = :value", {"value": value})
    )
    assert settings.get(here.db, STORE, TIPS) == Tips()


@pytest.mark.parametrize(
    ("amount", "percent", "tip"), [(1000, 10, 100), (5, 10, 1), (4, 10, 0), (333, 15, 50)]
)
def test_a_percentage_is_rounded_half_up_to_a_whole_unit(
    amount: int, percent: int, tip: int
) -> None:
    assert part(amount, percent) == tip
