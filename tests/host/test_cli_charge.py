"""`taptill charge` beside a running daemon: told, paid, declined, too late, not served."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from host.ledger import sales
from tests.support.command import taptill
from tests.support.running import DEADLINE_S, RunningShop, running, wait_for


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder as `init` makes it; no test changes it."""
    home = tmp_path_factory.mktemp("made") / "home"
    assert taptill(home, "init").exit_code == 0
    return home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with running(tmp_path_factory.mktemp("cli") / "home") as shop:
        yield shop


@pytest.fixture
def shop(shared: RunningShop) -> Iterator[RunningShop]:
    """A daemon that runs in the home folder, beside which commands are given."""
    yield shared
    shared.lift()


def charging(shop: RunningShop, *arguments: str) -> tuple[threading.Thread, list[Result]]:
    """The command in a thread, with an engine of its own, as in another process."""
    results: list[Result] = []
    command = ("charge", *arguments)
    thread = threading.Thread(target=lambda: results.append(taptill(shop.home, *command)))
    seen = shop.db.events.last_id()
    thread.start()
    wait_for(shop.db, lambda: shop.db.events.after(seen, kinds=["sale.ready"]), "the sale")
    return thread, results


def test_approved(shop: RunningShop) -> None:
    card = shop.card()
    thread, results = charging(shop, "100")
    shop.lay(card)
    thread.join(DEADLINE_S)
    assert results[0].exit_code == 0
    assert results[0].output.splitlines() == [
        "ready: 100 sat, lay the card on the reader",
        "approved: 100 sat",
    ]


def test_declined_then_approved_by_another_card_as_one_json_object(shop: RunningShop) -> None:
    poor, rich = shop.card("Poor", balance_sat=0), shop.card("Rich")
    thread, results = charging(shop, "0.00002100btc", "--json", "--store", "main")
    seen = shop.db.events.last_id()
    shop.lay(poor)
    wait_for(shop.db, lambda: shop.db.events.after(seen, kinds=["sale.declined"]))
    shop.lift()
    shop.lay(rich)
    thread.join(DEADLINE_S)
    assert results[0].exit_code == 0
    told = json.loads(results[0].stdout)
    assert (told["approved"], told["code"]) == (True, None)
    assert told["sale"]["amountMsat"] == told["payout"]["amountMsat"] == 2_100_000
    assert told["payout"]["boltcardId"] == rich.card_id


def test_no_card_in_time(shop: RunningShop) -> None:
    result = taptill(shop.home, "charge", "100", "--timeout", "1", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["code"] == "sale_timed_out"
    assert told["sale"]["state"] == "cancelled"
    assert sales.current(shop.db, "till-1") is None


def test_a_terminal_that_nobody_serves(shop: RunningShop) -> None:
    result = taptill(shop.home, "charge", "100", "--terminal", "till-9")
    assert result.exit_code == 1
    assert result.output == (
        "The reader is not available. No reader serves this till. (reader_down)\n"
    )


def test_without_a_daemon_the_words_say_that_it_does_not_run(made: Path) -> None:
    result = taptill(made, "charge", "100", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["sale"] is None
    assert told["code"] == "reader_down"
    assert told["detail"] == "the Taptill service is not running"
    plain = taptill(made, "charge", "100")
    assert plain.output == (
        "The reader is not available. The Taptill service is not running. (reader_down)\n"
    )
