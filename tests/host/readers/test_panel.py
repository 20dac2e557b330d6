"""Our own reader: the same contract as every reader, on the firmware as a process on ptys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.twin.process import TwinProcess
from host.readers.base import (
    Can,
    CardGone,
    CardRefused,
    Look,
    Reader,
    ReaderGone,
    SeveralCards,
    Show,
)
from host.readers.panel import PanelReader, open_panel
from host.readers.panel_find import PRODUCT, VENDOR, find_panel, panel_ports
from host.readers.panel_show import words_of
from host.readers.panel_words import Request, Tag
from tests.host.readers.rigs import Rig, TwinRig
from tests.host.readers.test_contract import *  # noqa: F403 - the whole contract, on this rig
from tests.host.readers.test_contract import READ_NDEF_FILE, SELECT_APPLICATION, SOON, card_on
from tests.reader.process import FirmwareProcess, interpreters
from tests.reader.scripted import ScriptedCard, ndef_file

SALE = Show(Look.READY, ("2 500 sats", "Tap"))


class PanelRig(TwinRig):
    """The firmware on the twin's PN532. Its plug is the firmware's process and its ptys."""

    def _start(self) -> TwinProcess:
        twin = TwinProcess("nfc", self._cards)
        assert twin.device is not None
        self.firmware = FirmwareProcess(interpreters()["cpython"], twin.device)
        return twin

    def open(self) -> Reader:
        return open_panel(self.firmware.panel, run_dir=self._options.run_dir)

    def unplug(self) -> None:
        self.firmware.close()

    def plug(self) -> None:
        self.twin.close()
        self.twin = self._start()

    def close(self) -> None:
        self.firmware.close()
        super().close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Our reader on the twin's cards, for the contract."""
    rig = PanelRig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture(params=sorted(interpreters()))
def firmware(request: pytest.FixtureRequest) -> Iterator[FirmwareProcess]:
    """Our reader on a scripted chip, under each interpreter there is."""
    with FirmwareProcess(interpreters()[request.param]) as process:
        yield process


@pytest.fixture
def reader(firmware: FirmwareProcess, tmp_path: Path) -> Iterator[PanelReader]:
    with open_panel(firmware.panel, run_dir=tmp_path) as reader:
        assert isinstance(reader, PanelReader)
        yield reader


def lay(firmware: FirmwareProcess, card: ScriptedCard) -> ScriptedCard:
    firmware.chip.cards = [card]
    return card


def test_a_sales_tap_is_read_by_the_reader_and_costs_the_card_two_apdus(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    reader.show(SALE)
    assert reader.wait_card(1) is None
    card = lay(firmware, ScriptedCard())
    link = card_on(reader)
    assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
    assert link.transceive(READ_NDEF_FILE) == ndef_file() + b"\x91\x00"
    assert len(card.apdus) == 2


def test_a_phone_is_read_in_the_same_two_apdus(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    reader.show(SALE)
    lay(firmware, ScriptedCard(native=False))
    link = card_on(reader)
    assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
    assert link.transceive(READ_NDEF_FILE) == ndef_file() + b"\x91\x00"


def test_without_a_sale_a_card_is_seen_and_its_counter_stays(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    card = lay(firmware, ScriptedCard())
    assert card_on(reader).uid == card.uid
    assert not card.apdus


def test_a_tap_made_for_one_sale_is_not_used_for_another(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    reader.show(SALE)
    assert reader.wait_card(1) is None
    card = lay(firmware, ScriptedCard())
    deadline = time.monotonic() + 30
    with reader._changed:
        while reader._seen is None and time.monotonic() < deadline:
            reader._changed.wait(0.1)
    reader.show(Show(Look.READY, ("9 999 sats", "Tap")))
    assert reader.wait_card(50) is None
    card.lies = False
    assert reader.wait_gone(SOON)
    card.lies = True
    assert card_on(reader).uid == card.uid


def test_a_card_that_lies_there_for_long_does_not_make_later_requests_look_old(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    for _ in range(300):
        reader._line.ask(Request.PING)
    lay(firmware, ScriptedCard())
    assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_many_apdus_take_one_round_trip(firmware: FirmwareProcess, reader: PanelReader) -> None:
    card = lay(firmware, ScriptedCard())
    card_on(reader)
    asked: list[int] = []
    ask = reader._line.ask
    reader._line.ask = lambda kind, *records, **named: (
        asked.append(kind)
        or ask(  # type: ignore[method-assign,func-returns-value]
            kind, *records, **named
        )
    )
    apdus = [b"\x80\x00\x00\x00\x02" + bytes([n, n]) for n in range(14)]
    assert reader.batch(apdus) == [apdu[5:] + b"\x90\x00" for apdu in apdus]
    assert len(asked) == 1
    assert card.apdus == apdus


def test_a_batch_with_long_answers_runs_every_apdu_once(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    card = lay(firmware, ScriptedCard())
    card_on(reader)
    apdus = [b"\x80\x00\x00\x00\xc8" + bytes([n]) * 200 for n in range(5)]
    assert reader.batch(apdus) == [apdu[5:] + b"\x90\x00" for apdu in apdus]
    assert card.apdus == apdus


def test_two_cards_and_other_cards_are_named(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    reader.show(SALE)
    one, two = ScriptedCard(), ScriptedCard(bytes.fromhex("04AABBCCDDEEFF"))
    firmware.chip.cards = [one, two]
    with pytest.raises(SeveralCards):
        reader.wait_card(SOON)
    firmware.chip.cards = []
    assert reader.wait_gone(SOON)
    one.sak = 0x08
    lay(firmware, one)
    with pytest.raises(CardRefused):
        card_on(reader).transceive(SELECT_APPLICATION)


def test_a_card_taken_away_while_it_is_read_is_gone_and_the_next_tap_counts(
    firmware: FirmwareProcess, reader: PanelReader
) -> None:
    reader.show(SALE)
    card = ScriptedCard()
    card.leave_after = 1
    lay(firmware, card)
    with pytest.raises(CardGone):
        card_on(reader).transceive(SELECT_APPLICATION)
    assert reader.wait_gone(SOON)
    card.leave_after = -1
    card.lies = True
    assert card_on(reader).transceive(READ_NDEF_FILE)[-2:] == b"\x91\x00"


def test_a_reader_that_was_reset_is_gone_and_comes_back(
    firmware: FirmwareProcess, reader: PanelReader, tmp_path: Path
) -> None:
    firmware.stop()
    with pytest.raises(ReaderGone, match=r"silent|answer"):
        reader.wait_card(60_000)
    reader.close()
    firmware.start()
    with open_panel(firmware.panel, run_dir=tmp_path) as again:
        lay(firmware, ScriptedCard())
        assert card_on(again).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_a_host_that_died_is_forgotten_and_the_next_one_sells(
    firmware: FirmwareProcess, tmp_path: Path
) -> None:
    dead = open_panel(firmware.panel, run_dir=tmp_path)
    assert isinstance(dead, PanelReader)
    dead.show(SALE)
    assert dead.wait_card(1) is None
    dead._line.close()  # as by kill -9: armed, and no word of farewell
    dead.close()
    with open_panel(firmware.panel, run_dir=tmp_path) as reader:
        reader.show(Show(Look.READY, ("9 999 sats", "Tap")))
        assert reader.wait_card(1) is None
        card = lay(firmware, ScriptedCard())
        assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"
        assert reader.wait_card(300) is None
        assert len(card.apdus) == 2


def test_the_reader_says_who_it_is_and_what_it_can(reader: PanelReader) -> None:
    assert reader.info.name == "TT-0000UNIX"
    assert reader.info.can == frozenset(Can)


def test_the_sales_states_are_shown_on_the_reader(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    with FirmwareProcess(interpreters()["cpython"], show=str(shown)) as firmware:
        with open_panel(firmware.panel, run_dir=tmp_path) as reader:
            reader.show(SALE)
            lay(firmware, ScriptedCard())
            card_on(reader)
            reader.show(Show(Look.APPROVED, ("2 500 sats", "approved")))
            reader.show(Show(Look.APPROVED, ("2 500 sats", "approved")))
            _until(lambda: '"tick"' in shown.read_text())
        assert all(f'"{text}"' in shown.read_text() for text in ("Paid", "2 500", "sats"))
        assert "[1900, 60]" in shown.read_text()


def test_a_picture_without_an_amount_keeps_its_lines_and_any_amount_is_taken() -> None:
    assert words_of(Show(Look.DECLINED, ("No", "2 sat"))) == [
        (Tag.LINE1, "No"),
        (Tag.LINE2, "2 sat"),
    ]
    assert words_of(Show(Look.READY, ("2 500 sat", "ready"))) == [
        (Tag.AMOUNT, "2 500"),
        (Tag.CURRENCY, "sat"),
    ]
    assert words_of(Show(Look.READ, ("1 234", ""))) == [(Tag.AMOUNT, "1 234")]


def _until(true: object) -> None:
    deadline = time.monotonic() + 30
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline


@dataclass
class FakePort:
    device: str
    serial_number: str | None
    location: str | None
    vid: int | None = VENDOR
    pid: int | None = PRODUCT
    product: str | None = "Taptill Reader"


PORTS = [
    FakePort("/dev/ttyACM3", "TT-B", "1-2:1.2"),
    FakePort("/dev/ttyACM2", "TT-B", "1-2:1.0"),
    FakePort("/dev/ttyACM0", "TT-A", "1-1:1.0"),
    FakePort("/dev/ttyACM1", "TT-A", "1-1:1.2"),
    FakePort("/dev/ttyACM9", "other", "1-3:1.0", product="Something else"),
    FakePort("/dev/ttyS0", None, None, None, None, None),
]


def test_readers_are_found_by_their_serial_numbers_and_their_first_interface() -> None:
    assert [(p.serial, p.device) for p in panel_ports(PORTS)] == [
        ("TT-A", "/dev/ttyACM0"),
        ("TT-B", "/dev/ttyACM2"),
    ]
    assert find_panel("TT-B", PORTS) == "/dev/ttyACM2"
    assert find_panel("", PORTS) == "/dev/ttyACM0"
    assert find_panel("/dev/pts/9", PORTS) == "/dev/pts/9"


def test_a_reader_that_is_not_plugged_in_is_named_with_those_that_are() -> None:
    with pytest.raises(ReaderGone, match=r"TT-C is not plugged in; there are: TT-A, TT-B"):
        find_panel("TT-C", PORTS)
