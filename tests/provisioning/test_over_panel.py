"""The same over our own reader: what only looks at a card travels together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.twin.card import TearAt
from hardware.twin.process import TwinProcess
from host.ntag424.values import Uid
from host.readers.panel import PanelReader, open_panel
from host.readers.panel_words import Request
from provisioning.orders import Done, Goal, Outcome
from provisioning.seen import Depth
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import Shop

UID = Uid.parse("04a1a2a3a4a580")
_PATIENCE_MS = 30_000


class Desk:
    """Our reader with its real firmware, a card, and how many round trips its APDUs took."""

    def __init__(self, shop: Shop, twin: TwinProcess, reader: PanelReader) -> None:
        self.shop, self.twin, self.reader = shop, twin, reader
        self.trips = 0
        ask = reader._line.ask

        def counted(kind: Request, *records: Any, **more: Any) -> Any:
            self.trips += kind is Request.APDU
            return ask(kind, *records, **more)

        reader._line.ask = counted  # type: ignore[method-assign]

    def tap(self, goal: Goal, tear: TearAt | None = None, skip: int = 0, **more: Any) -> Outcome:
        self.trips = 0
        self.twin.lay("ann")
        self.twin.tear(tear, skip)
        link = self.reader.wait_card(_PATIENCE_MS)
        assert link is not None
        outcome = self.shop.workshop.work(link, self.shop.order(goal, **more))
        self.twin.lift()
        assert self.reader.wait_gone(_PATIENCE_MS)
        return outcome


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    with TwinProcess("panel", tmp_path / "drawer") as twin:
        twin.create("ann", UID)
        with open_panel(str(twin.device), run_dir=tmp_path) as reader:
            assert isinstance(reader, PanelReader)
            yield Desk(shop, twin, reader)


@pytest.mark.parametrize(
    ("depth", "apdus", "trips"),
    [
        (Depth.FULL, [27, 11, 23, 25, 8], [15, 5, 14, 16, 2]),
        (Depth.FAST, [14, 11, 17, 19, 8], [12, 5, 11, 13, 2]),
    ],
)
def test_what_only_looks_at_a_card_takes_one_round_trip(
    desk: Desk, depth: Depth, apdus: list[int], trips: list[int]
) -> None:
    found = []
    for goal in (Goal.ISSUE, Goal.ISSUE, Goal.REKEY, Goal.WIPE, Goal.WIPE):
        done = desk.tap(goal, depth=depth)
        assert isinstance(done, Done), done
        found.append((done.apdus, desk.trips))
    assert found == list(zip(apdus, trips, strict=True))
    state = desk.twin.state("ann")
    assert [slot.version for slot in state.keys] == [0] * 5
    assert [slot.total_failures for slot in state.keys] == [0] * 5


@pytest.mark.parametrize("skip", [0, 3, 9, 10, 13, 19, 21, 24])
def test_a_card_torn_away_anywhere_goes_on_at_the_next_tap(desk: Desk, skip: int) -> None:
    torn = desk.tap(Goal.ISSUE, TearAt.ANSWER, skip)
    assert isinstance(torn, Trouble)
    assert torn.code is TroubleCode.CARD_GONE
    assert isinstance(desk.tap(Goal.ISSUE), Done)
    assert [slot.total_failures for slot in desk.twin.state("ann").keys] == [0] * 5
