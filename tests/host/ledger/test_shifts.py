"""Shifts: whose time it was, and what was taken in it."""

from __future__ import annotations

import pytest

from host.ledger import audit, sales, shifts, stores, z_reports
from host.ledger.errors import LedgerError, NotAllowed, NotFound, Taken
from host.ledger.records import SaleState
from host.store.errors import StoreError
from tests.support.books import STORE, Shop
from tests.support.tills import Tills


@pytest.fixture
def tills(here: Shop) -> Tills:
    return Tills(here)


def test_a_sale_is_of_the_shift_that_whoever_charged_it_has_open_there(tills: Tills) -> None:
    db = tills.here.db
    ann, ben = tills.start("till-1", "Ann"), tills.start("till-1", "Ben")
    tills.pay(10, "till-1", "Ann", tip_sat=1)
    tills.pay(20, "till-1", "Ben")
    tills.pay(40, "till-2", "Ann")
    taken = [shifts.report(db, one)["total"]["net_msat"] for one in (ann, ben)]
    assert taken == [10_000, 20_000]
    assert z_reports.interim(db, STORE)["total"]["net_msat"] == 70_000


def test_nothing_is_added_to_a_shift_that_was_closed_and_the_terminal_has_it_all_the_same(
    tills: Tills,
) -> None:
    db = tills.here.db
    shift = tills.start("till-1")
    sale = tills.arm(10, "till-1")
    payment_hash = tills.hand_over(sale)
    sales.move(db, sale.sale_id, SaleState.CHECKING)
    assert [one["state"] for one in shifts.report(db, shift)["open"]] == ["checking"]
    closed = shifts.finish(db, shift.shift_id, tills.person("Ann"))
    z_reports.close(db, STORE, "till-1")
    tills.settle(payment_hash)
    assert shifts.report(db, closed)["total"]["sales"] == 0
    assert z_reports.close(db, STORE, "till-1").body["total"]["net_msat"] == 10_000


def test_one_shift_of_a_person_is_open_at_a_terminal(tills: Tills) -> None:
    first = tills.start("till-1")
    with pytest.raises(Taken):
        tills.start("till-1")
    assert tills.start("till-2").shift_id > first.shift_id
    shifts.finish(tills.here.db, first.shift_id, tills.person("Ann"))
    assert tills.start("till-1").open
    assert len(shifts.recent(tills.here.db, STORE)) == 3


def test_a_shift_is_closed_by_its_person_or_by_whoever_may_close_the_till(tills: Tills) -> None:
    db = tills.here.db
    shift = tills.start("till-1", "Ann")
    with pytest.raises(NotAllowed):
        shifts.finish(db, shift.shift_id, tills.person("Ben"))
    closed = shifts.finish(
        db, shift.shift_id, tills.person("Mona"), counted_minor=12_050, note=" went  home "
    )
    assert (closed.counted_minor, closed.note, closed.open) == (12_050, "went home", False)
    with pytest.raises(LedgerError):
        shifts.finish(db, shift.shift_id, tills.person("Ann"))
    told = [one.action for one in audit.recent(db, limit=2)]
    assert told == ["shift.closed", "shift.opened"]


def test_a_closed_shift_is_never_changed(tills: Tills) -> None:
    shift = tills.start("till-1")
    shifts.finish(tills.here.db, shift.shift_id, tills.person("Ann"))
    for sql in ("UPDATE shifts SET counted_minor = 5", "DELETE FROM shifts"):
        with pytest.raises(StoreError):
            tills.here.db.transaction(lambda tx, sql=sql: tx.run(sql))  # type: ignore[misc]


def test_shifts_are_of_the_stores_people_and_of_known_terminals(tills: Tills) -> None:
    db = tills.here.db
    stores.create(db, "Other", store_id="other")
    stores.ensure_terminal(db, "far", "other")
    with pytest.raises(NotAllowed):
        tills.start("far")
    with pytest.raises(NotFound):
        tills.start("nowhere")
    with pytest.raises(LedgerError):
        shifts.start(db, "till-1", tills.person("Ann"), opening_minor=-1)
    assert shifts.recent(db, "other") == []
