"""A technician looks after our reader, on the firmware as a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.readers.base import ReaderGone
from host.readers.panel_care import PanelCare, Reboot, care_for
from reader.config import LIMITS
from reader.stats import NAMES
from tests.reader.process import FirmwareProcess, interpreters


@pytest.fixture(params=sorted(interpreters()))
def firmware(request: pytest.FixtureRequest) -> Iterator[FirmwareProcess]:
    with FirmwareProcess(interpreters()[request.param]) as process:
        yield process


@pytest.fixture
def care(firmware: FirmwareProcess, tmp_path: Path) -> Iterator[PanelCare]:
    with care_for(firmware.panel, run_dir=tmp_path) as care:
        yield care


def test_the_self_test_passes_on_a_reader_that_is_well(care: PanelCare) -> None:
    checks = care.self_test()
    assert len(checks) == 6
    assert all(check.passed for check in checks), checks


def test_the_self_test_names_a_chip_that_does_not_answer(
    firmware: FirmwareProcess, care: PanelCare
) -> None:
    firmware.chip.dead = True
    assert [c.words for c in care.self_test() if not c.passed] == ["no answer"]


def test_there_is_a_counter_for_every_name(care: PanelCare) -> None:
    assert tuple(care.counters()) == NAMES


def test_a_reader_says_who_it_is_and_why_it_started(
    care: PanelCare, firmware: FirmwareProcess
) -> None:
    assert care.identity.serial == "TT-0000UNIX"
    assert care.identity.started == "power"
    assert care.identity.path == firmware.panel
    assert care.identity.can == ["lights", "tones", "display", "buttons"]


def test_settings_are_read_changed_and_kept_within_their_limits(care: PanelCare) -> None:
    assert care.settings() == {name: limits[2] for name, limits in LIMITS.items()}
    assert care.change("volume", 0)["volume"] == 0
    with pytest.raises(ValueError, match="volume = 101 is not taken"):
        care.change("volume", 101)


def test_a_restart_ends_the_line(care: PanelCare) -> None:
    assert care.log() == []
    care.reboot(Reboot.SAFE)
    with pytest.raises(ReaderGone):
        care.settings()
