"""Host driver and firmware on a cable that loses, doubles, delays and changes frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from host.readers.base import Look, Reader, Show
from host.readers.panel import PanelReader, open_panel
from tests.host.readers.test_contract import READ_NDEF_FILE, SELECT_APPLICATION, SOON, card_on
from tests.reader.cable import BadCable
from tests.reader.process import FirmwareProcess, interpreters
from tests.reader.scripted import ScriptedCard, ndef_file

FAULTS = 20
SALES = 12
APDUS = 100


@pytest.fixture(params=sorted(interpreters()))
def firmware(request: pytest.FixtureRequest) -> Iterator[FirmwareProcess]:
    with FirmwareProcess(interpreters()[request.param]) as process:
        yield process


@pytest.fixture
def cable(firmware: FirmwareProcess) -> Iterator[BadCable]:
    cable = BadCable(firmware.panel, seed=7, faults_in_a_hundred=FAULTS)
    yield cable
    cable.close()


@pytest.fixture
def reader(cable: BadCable, tmp_path: Path) -> Iterator[PanelReader]:
    with ExitStack() as stack:
        reader = stack.enter_context(open_panel(cable.path, run_dir=tmp_path))
        assert isinstance(reader, PanelReader)
        yield reader


def lift(reader: Reader, card: ScriptedCard) -> None:
    card.lies = False
    assert reader.wait_gone(SOON)


def test_every_sale_gets_its_own_tap_and_each_tap_reads_the_card_once(
    firmware: FirmwareProcess, reader: PanelReader, cable: BadCable
) -> None:
    for number in range(SALES):
        reader.show(Show(Look.READY, (f"{number} sats", "Tap")))
        assert reader.wait_card(1) is None
        card = ScriptedCard()
        card.file = ndef_file(b"lnurlw://pay.example/ln?sale=%d" % number)
        firmware.chip.cards = [card]
        link = card_on(reader)
        assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
        assert link.transceive(READ_NDEF_FILE) == card.file + b"\x91\x00"
        assert len(card.apdus) == 2
        reader.show(Show(Look.APPROVED, (f"{number} sats", "Paid")))
        lift(reader, card)
    assert sum(cable.done.values()) >= SALES / 2


def test_every_command_of_a_job_runs_once_and_in_order(
    firmware: FirmwareProcess, reader: PanelReader, cable: BadCable
) -> None:
    card = ScriptedCard()
    firmware.chip.cards = [card]
    link = card_on(reader)
    apdus = [b"\x80\x00\x00\x00\x02" + number.to_bytes(2, "big") for number in range(APDUS)]
    assert [link.transceive(apdu) for apdu in apdus] == [apdu[5:] + b"\x90\x00" for apdu in apdus]
    assert card.apdus == apdus
    assert min(cable.done.values()) >= 1
    lift(reader, card)
