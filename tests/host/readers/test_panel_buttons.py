"""Presses on our reader reach whoever opened it: the real firmware, a finger on the twin."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.twin.process import TwinProcess
from host.readers.base import Button, Look, Press, Show
from host.readers.panel import PanelReader, open_panel
from host.readers.panel_frames import Frame, payload
from host.readers.panel_words import Event, Request, Tag

SOON_S = 30
SALE = Show(Look.READY, ("2 500 sats", "Tap"))


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[TwinProcess]:
    with TwinProcess("panel", tmp_path / "cards") as process:
        yield process


@pytest.fixture
def reader(twin: TwinProcess, tmp_path: Path) -> Iterator[PanelReader]:
    with open_panel(str(twin.device), run_dir=tmp_path) as reader:
        assert isinstance(reader, PanelReader)
        yield reader


@pytest.fixture
def pressed(reader: PanelReader) -> queue.SimpleQueue[Press]:
    told: queue.SimpleQueue[Press] = queue.SimpleQueue()
    reader.on_press = told.put
    return told


def test_short_presses_are_told_once_each_and_in_order(
    twin: TwinProcess, pressed: queue.SimpleQueue[Press]
) -> None:
    twin.press("confirm")
    assert pressed.get(timeout=SOON_S) == Press(Button.CONFIRM)
    twin.press("cancel")
    assert pressed.get(timeout=SOON_S) == Press(Button.CANCEL)
    assert pressed.empty()


def test_a_button_held_down_is_a_long_press(
    twin: TwinProcess, pressed: queue.SimpleQueue[Press]
) -> None:
    twin.hold("cancel")
    assert pressed.get(timeout=SOON_S) == Press(Button.CANCEL, long=True)
    twin.hold()


def test_a_tip_chosen_on_the_reader_is_told_with_its_percentage(
    twin: TwinProcess, reader: PanelReader, pressed: queue.SimpleQueue[Press]
) -> None:
    reader._line.ask(Request.CONFIG, (Tag.NAME, "tips"), (Tag.VALUE, 1))
    reader.show(SALE)
    assert reader.wait_card(1) is None
    twin.hold("confirm")
    assert twin.wait_drawn("Tip 5 %", 1_000 * SOON_S)
    twin.hold()
    twin.press("confirm")
    assert twin.wait_drawn("Tip 10 %", 1_000 * SOON_S)
    twin.hold("confirm")
    assert pressed.get(timeout=SOON_S) == Press(Button.CONFIRM, long=True, tip_percent=10)
    twin.hold()


def test_a_press_that_nobody_listens_to_and_a_button_of_a_later_firmware_do_no_harm(
    reader: PanelReader, pressed: queue.SimpleQueue[Press]
) -> None:
    reader._event(Frame(Event.BUTTON, 1, payload((Tag.BUTTON, b"\x09"), (Tag.HOW, b"\x01"))))
    assert pressed.empty()
    reader.on_press = None
    reader._event(Frame(Event.BUTTON, 2, payload((Tag.BUTTON, b"\x02"), (Tag.HOW, b"\x01"))))
    assert pressed.empty()
