"""The buttons of our reader at a till's post: the real firmware, its twin's chip and cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.twin.process import TwinProcess
from host.ledger import loans
from host.ledger.records import SaleState
from host.readers.base import Button, Look, Press, Reader
from host.readers.open import ReaderOptions, open_reader
from tests.support.counter import Counter, Served, counter

SOON_MS = 30_000


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with counter(tmp_path) as opened:
        yield opened


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[TwinProcess]:
    with TwinProcess("panel", tmp_path / "cards") as process:
        yield process


def opener(twin: TwinProcess, folder: Path) -> Callable[[], Reader]:
    return lambda: open_reader(f"panel:{twin.device}", ReaderOptions(run_dir=folder))


def test_cancel_on_the_reader_cancels_the_armed_sale(
    at: Counter, twin: TwinProcess, tmp_path: Path
) -> None:
    with Served(at, opener(twin, tmp_path)) as served:
        sale = at.arm()
        assert twin.wait_drawn("100", SOON_MS)
        twin.press("cancel")
        served.wait(sale, SaleState.CANCELLED)
        assert twin.wait_drawn("Ready", SOON_MS)


def test_confirm_changes_nothing_and_each_press_counts_for_the_sale_it_was_made_for(
    at: Counter, twin: TwinProcess, tmp_path: Path
) -> None:
    with Served(at, opener(twin, tmp_path)) as served:
        twin.press("cancel")  # nothing is armed
        first = at.arm()
        assert twin.wait_drawn("100", SOON_MS)
        twin.press("confirm")
        twin.press("cancel")
        served.wait(first, SaleState.CANCELLED)
        at.arm(200)
        assert twin.wait_drawn("200", SOON_MS)
    assert at.kinds() == ["sale.ready", "sale.cancelled", "sale.ready"]


def test_a_declined_sale_is_given_up_on_the_reader_too(at: Counter) -> None:
    with Served(at) as served:
        sale, poor = at.arm(), at.card(balance_sat=1)
        served.lay(poor)
        served.wait(sale, SaleState.DECLINED)
        assert served.shows(Look.DECLINED)
        press(served, Press(Button.CANCEL))
        served.wait(sale, SaleState.CANCELLED)


def test_a_press_while_the_reader_is_lent_is_not_kept_for_the_next_sale(at: Counter) -> None:
    with Served(at) as served:
        served.ready()
        lent = loans.take(at.db, "till-1", "desk", 1, None)
        assert isinstance(lent, loans.Loan)
        press(served, Press(Button.CANCEL))
        loans.give_back(at.db, "till-1", 1)
        sale = at.arm()
        assert served.shows(Look.READY)
        press(served, Press(Button.CONFIRM, long=True, tip_percent=10))
        assert at.sale(sale.sale_id).state is SaleState.READY


def press(served: Served, what: Press) -> None:
    assert served.reader.on_press is not None
    served.reader.on_press(what)
