"""One sale from the command line: what it tells meanwhile, and how it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host import charge
from host.charge import Charged, charge_once, describe, result_of
from host.ledger import sales
from host.ledger.codes import Code
from host.ledger.records import SaleState
from host.money import sats
from tests.support.counter import Counter, Served, counter
from tests.support.running import DEADLINE_S


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with counter(tmp_path) as opened:
        yield opened


class Charging:
    """`charge_once` in a thread of its own; what it tells may move the test on."""

    def __init__(
        self, at: Counter, on: dict[str, Callable[[], object]], *, amount_sat: int = 100
    ) -> None:
        self.told: list[str] = []
        self._at, self._on, self._amount = at, on, sats(amount_sat)
        self._results: list[Charged] = []

    def run(self, timeout_ms: int = 60_000) -> Charged:
        thread = threading.Thread(target=self._run, args=(timeout_ms,))
        thread.start()
        thread.join(DEADLINE_S)
        assert self._results
        return self._results[0]

    def _run(self, timeout_ms: int) -> None:
        result = charge_once(self._at.db, "main", "till-1", self._amount, timeout_ms, self._tell)
        self._results.append(result)

    def _tell(self, line: str) -> None:
        self.told.append(line)
        for start, act in self._on.items():
            if line.startswith(start):
                act()


def test_an_approved_sale_is_told_with_its_payout(at: Counter) -> None:
    card = at.card()
    with Served(at) as served:
        result = (charging := Charging(at, {"ready": lambda: served.lay(card)})).run()
    assert result.approved
    assert result.words == "approved: 100 sat"
    assert charging.told[0] == "ready: 100 sat, lay the card on the reader"
    told = describe(result)
    assert told["approved"] is True
    assert told["code"] is None
    assert told["sale"]["state"] == "approved"
    assert told["payout"]["status"] == "Completed"
    assert told["payout"]["amount"] == "0.00000100"


def test_a_declined_card_is_told_and_another_one_pays(at: Counter) -> None:
    poor, rich = at.card("Poor", balance_sat=1), at.card("Rich")
    with Served(at) as served:

        def another() -> None:
            served.lift()
            served.lay(rich)

        charging = Charging(at, {"ready": lambda: served.lay(poor), "declined": another})
        assert charging.run().approved
    assert charging.told[1] == "declined: Not enough balance. Use another card."


def test_no_card_in_time_cancels_the_sale_with_words(at: Counter) -> None:
    def too_late() -> None:
        at.clock.advance(60_001)
        assert sales.expire_due(at.db) == 1  # as the daemon does every second

    result = Charging(at, {"ready": too_late}).run()
    assert not result.approved
    assert result.code is Code.SALE_TIMED_OUT
    assert result.words == (
        "No card was tapped in time. Charge again when the card is ready. (sale_timed_out)"
    )
    assert sales.current(at.db, "till-1") is None


def test_its_own_end_of_time_expires_the_sale_where_no_daemon_does(
    at: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charge, "SystemClock", lambda: at.clock)
    result = Charging(at, {"ready": lambda: at.clock.advance(70_000)}).run()
    assert result.code is Code.SALE_TIMED_OUT
    assert sales.current(at.db, "till-1") is None


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("reader:till-1", "The reader is not available. Unplugged. (reader_down)"),
        ("lightning", "The service is not available. Unplugged. (store_offline)"),
    ],
)
def test_a_dot_that_is_down_is_told_with_its_words(at: Counter, part: str, words: str) -> None:
    at.board.report(part, False, "unplugged")
    result = Charging(at, {}).run()
    assert result.sale is None
    assert result.words == words
    assert describe(result)["detail"] == "unplugged"
    assert sales.recent(at.db, "till-1") == []


def test_ctrl_c_cancels_a_sale_that_waits(at: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(charge, "_follow", interrupted)
    result = charge_once(at.db, "main", "till-1", sats(100), 60_000, lambda _line: None)
    assert result.sale is not None
    assert result.sale.state is SaleState.CANCELLED
    assert result.words == "This sale is already closed. Start a new sale. (sale_closed)"


def test_a_sale_that_another_command_replaced_is_told_as_closed(at: Counter) -> None:
    charging = Charging(at, {"ready": lambda: at.arm(50)})
    result = charging.run()
    assert result.code is Code.SALE_CLOSED
    assert sales.current(at.db, "till-1") is not None


@pytest.mark.parametrize("state", [SaleState.AUTHORISING, SaleState.CHECKING])
def test_threat_5_a_sale_whose_outcome_is_not_known_never_says_charge_again(
    at: Counter, state: SaleState
) -> None:
    sale = at.arm()
    sales.move(at.db, sale.sale_id, SaleState.AUTHORISING)
    if state is SaleState.CHECKING:
        sales.move(at.db, sale.sale_id, SaleState.CHECKING)
    result = result_of(at.db, sale.sale_id)
    assert not result.approved
    assert result.words == (
        "The payment is being checked. Do not charge again. (lightning_unknown)"
    )


def test_an_unknown_sale_is_named(at: Counter) -> None:
    result = result_of(at.db, "nothing")
    assert result.code is Code.SALE_UNKNOWN
    assert describe(result)["sale"] is None
