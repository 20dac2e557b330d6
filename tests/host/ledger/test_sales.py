"""Sales: one at a time on a terminal, every transition an event."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.clock import MINUTE
from host.ledger import sales, stores
from host.ledger.codes import Code
from host.ledger.errors import NotFound
from host.ledger.records import Sale, SaleState
from host.money import sats
from tests.support.books import STORE, Shop, code, made, shop
from tests.support.threads import together

TEN = sats(10)
R, G, A, D, C, X, P = (
    SaleState.READY,
    SaleState.READING,
    SaleState.AUTHORISING,
    SaleState.DECLINED,
    SaleState.CHECKING,
    SaleState.CANCELLED,
    SaleState.APPROVED,
)


def opened(here: Shop, terminal: str = "t") -> Sale:
    return here.sale(TEN, terminal)


def walk(here: Shop, sale: Sale, *states: SaleState) -> Sale | None:
    moved: Sale | None = sale
    for state in states:
        moved = sales.move(here.db, sale.sale_id, state)
    return moved


def test_a_sale_is_armed_for_its_amount(here: Shop) -> None:
    stores.ensure_terminal(here.db, "t", STORE)
    basket = sales.Basket(tip_msat=1_000, note="Table 4", lines=("4", "6"))
    sale = sales.open(here.db, STORE, TEN, terminal_id="t", timeout_ms=MINUTE, basket=basket)
    assert isinstance(sale, Sale)
    assert (sale.state, sale.amount_msat, sale.currency) == (R, TEN, "SATS")
    assert sale.expires_at == here.clock.now() + MINUTE
    assert (sale.tip_msat, sale.note, sale.data) == (1_000, "Table 4", {"lines": ["4", "6"]})
    assert (sale.method, sale.settled_at) == (None, None)
    assert sales.current(here.db, "t") == sales.latest(here.db, "t") == sale
    event = here.db.events.after(0)[-1]
    assert (event.kind, event.subject, event.store_id) == ("sale.ready", sale.sale_id, STORE)
    assert event.data == {"amount_msat": TEN, "terminal_id": "t"}


@pytest.mark.parametrize("tip", [-1_000, 1, TEN, TEN + 1_000])
def test_a_tip_is_whole_sats_and_less_than_the_amount(here: Shop, tip: int) -> None:
    basket = sales.Basket(tip_msat=tip)
    refused = sales.open(here.db, STORE, TEN, terminal_id="t", basket=basket)
    assert code(refused) is Code.AMOUNT_INVALID


@pytest.mark.parametrize("amount", [0, -1_000, 1, 999, 1_001])
def test_amounts_that_make_no_sense_are_refused(here: Shop, amount: int) -> None:
    assert code(sales.open(here.db, STORE, amount, terminal_id="t")) is Code.AMOUNT_INVALID


def test_a_terminal_of_another_store_or_of_none_is_not_found(here: Shop) -> None:
    stores.create(here.db, "Elsewhere", store_id="elsewhere")
    stores.ensure_terminal(here.db, "far", "elsewhere")
    for terminal in ("far", "nothing"):
        with pytest.raises(NotFound, match="terminal_id"):
            sales.open(here.db, STORE, TEN, terminal_id=terminal)


@pytest.mark.parametrize("states", [(), (G,), (D,)])
def test_a_new_sale_takes_the_place_of_one_that_only_waits(
    here: Shop, states: tuple[SaleState, ...]
) -> None:
    first = opened(here)
    walk(here, first, *states)
    second = opened(here)
    told = sales.get(here.db, first.sale_id)
    assert told is not None
    assert told.state is X
    assert sales.current(here.db, "t") == second


@pytest.mark.parametrize("states", [(A,), (A, C)])
def test_a_sale_whose_outcome_is_not_known_holds_the_terminal(
    here: Shop, states: tuple[SaleState, ...]
) -> None:
    first = opened(here)
    walk(here, first, *states)
    outcome = sales.open(here.db, STORE, TEN, terminal_id="t")
    assert code(outcome) is Code.SALE_IN_PROGRESS
    assert sales.cancel(here.db, first.sale_id) is None
    assert [one.sale_id for one in sales.unfinished(here.db)] == [first.sale_id]
    walk(here, first, P)
    assert sales.unfinished(here.db) == []
    assert opened(here).state is R


def test_only_what_the_design_draws_is_possible(here: Shop) -> None:
    allowed = {
        R: {G, A, D, X},
        G: {R, A, D, X},
        A: {P, D, C},
        D: {R, G, A, D, X},
        C: {P, D},
        P: set(),
        X: set(),
    }
    ways = {R: (), G: (G,), A: (A,), D: (D,), C: (A, C), P: (A, P), X: (X,)}
    for n, (start, way) in enumerate(ways.items()):
        for target in SaleState:
            sale = opened(here, f"t{n}-{target}")
            walk(here, sale, *way)
            assert (walk(here, sale, target) is not None) == (target in allowed[start])


def test_a_move_is_told_with_its_code_and_keeps_its_data(here: Shop) -> None:
    sale = opened(here)
    moved = sales.move(here.db, sale.sale_id, D, code=Code.PIN_WRONG, data={"tries_left": 2})
    assert moved is not None
    assert (moved.code, moved.data) == (Code.PIN_WRONG, {"tries_left": 2})
    event = here.db.events.after(0)[-1]
    assert event.kind == "sale.declined"
    assert event.data["code"] == "pin_wrong"
    assert event.data["tries_left"] == 2
    again = sales.move(here.db, sale.sale_id, A, data={"hash": "ab"})
    assert again is not None
    assert again.code is None
    assert again.data == {"tries_left": 2, "hash": "ab"}
    assert sales.move(here.db, "nothing", D) is None


def test_a_sale_that_nobody_pays_in_time_is_cancelled_once(here: Shop) -> None:
    waiting, declined, checking = (opened(here, terminal) for terminal in "abc")
    walk(here, declined, D)
    walk(here, checking, A, C)
    assert sales.expire_due(here.db) == 0
    here.clock.advance(sales.TIMEOUT_MS - 1)
    assert sales.expire_due(here.db) == 0
    here.clock.advance(1)
    assert sales.expire_due(here.db) == 2
    assert sales.expire_due(here.db) == 0
    for sale in (waiting, declined):
        told = sales.get(here.db, sale.sale_id)
        assert told is not None
        assert (told.state, told.code) == (X, Code.SALE_TIMED_OUT)
    assert sales.current(here.db, "c") is not None


def test_two_who_arm_a_terminal_at_once_leave_one_sale_open(here: Shop) -> None:
    stores.ensure_terminal(here.db, "t", STORE)
    both = together([lambda: sales.open(here.db, STORE, TEN, terminal_id="t") for _ in range(8)])
    states = [sales.get(here.db, one.sale_id).state for one in both]  # type: ignore[union-attr]
    assert sorted(states) == [X] * 7 + [R]
    assert sales.current(here.db, "t") is not None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_the_newest_sale_of_a_terminal_is_the_current_one_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory, moves: list[int]
) -> None:
    with shop(tmp_path_factory.mktemp("sales")) as here:
        ids = []
        for move in moves:
            here.clock.advance(move)
            sale = opened(here)
            assert sales.current(here.db, "t") == sale
            ids.append(sale.sale_id)
        assert ids == sorted(ids)
        assert [one.sale_id for one in sales.recent(here.db, "t", limit=20)] == ids[::-1]


def test_a_paid_sale_is_over(here: Shop) -> None:
    sale = opened(here)
    made(here.pay(here.card(), 1, TEN, sale=sale))
    assert sales.current(here.db, "t") is None
    latest = sales.latest(here.db, "t")
    assert latest is not None
    assert latest.state is P
