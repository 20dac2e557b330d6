"""`taptill reader`, on the real firmware, and on boards that are not there."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serial.tools import list_ports

from hardware.twin.process import TwinProcess
from host.cli import cli
from host.readers import open as opening
from host.readers import panel_flash
from host.readers.base import ReaderError
from host.readers.open import FoundReader
from host.readers.panel_find import PRODUCT, VENDOR
from host.readers.rule_files import RULES


def taptill(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our reader's path, with the real firmware behind it."""
    with TwinProcess("panel", tmp_path_factory.mktemp("panel")) as twin:
        yield str(twin.device)


def test_info_tells_who_our_reader_is_how_it_is_set_and_what_it_counted(panel: str) -> None:
    result = taptill("reader", "info", f"panel:{panel}")
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["serial", "TT-0000TWIN"]
    told = json.loads(taptill("reader", "info", f"panel:{panel}", "--json").output)
    assert told["can"] == ["lights", "tones", "display", "buttons"]
    assert told["settings"]["volume"] > 0
    assert told["counters"]["frames"] > 0


def test_the_self_test_passes_on_a_reader_that_is_well(panel: str) -> None:
    result = taptill("reader", "selftest", panel)
    assert result.exit_code == 0
    assert result.output.count("ok ") == 6
    checks = json.loads(taptill("reader", "selftest", panel, "--json").output)
    assert all(check["passed"] for check in checks)


def test_a_reader_that_is_not_there_is_words_and_exit_code_2() -> None:
    for command in (["selftest", "TT-NONE"], ["info", "panel:TT-NONE"], ["info", "nfc:/nowhere"]):
        result = taptill("reader", *command)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
    assert "names no reader driver" in taptill("reader", "info", "usb").stderr


def test_list_names_models_and_their_quirks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        FoundReader("pcsc:ACS ACR122U PICC Interface 00 00", "pcsc"),
        FoundReader("nfc:usb:04e6:5591", "nfc", "USB"),
        FoundReader("panel:TT-1", "panel", "our reader at /dev/ttyACM0"),
    ]
    monkeypatch.setattr(opening, "list_readers", lambda: iter(found))
    told = json.loads(taptill("reader", "list", "--json").output)
    assert [one["model"] for one in told] == ["ACS ACR122U", "Identiv SCL3711", ""]
    assert [one["lamps"] for one in told] == [True, False, False]
    printed = taptill("reader", "list")
    assert printed.exit_code == 0
    assert "pn533_usb" in printed.output
    monkeypatch.setattr(opening, "list_readers", lambda: iter(()))
    assert taptill("reader", "list").exit_code == 1


def test_rules_are_listed_with_their_lines_and_printed_one_by_one() -> None:
    listed = taptill("reader", "rules").output
    for one in RULES:
        assert one.line in listed
        assert taptill("reader", "rules", "--print", one.name).output.endswith("\n")
    assert '"shop"' in taptill("reader", "rules", "--print", RULES[1].name, "--user", "shop").output
    assert taptill("reader", "rules", "--print", "other").exit_code == 2
    assert taptill("reader", "rules", "--print", RULES[1].name, "--user", '"').exit_code == 2


# --- flash ----------------------------------------------------------------------------------------


@dataclass
class FakePort:
    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None = None
    product: str | None = None
    location: str | None = None


PROMPT = FakePort("/dev/ttyACM0", *panel_flash.PROMPT)
OURS = FakePort("/dev/ttyACM1", VENDOR, PRODUCT, "TT-1", "Taptill Reader", "1-1:1.0")


def refused(root: Path, *ports: FakePort) -> str:
    with pytest.raises(ReaderError) as error:
        panel_flash.release_command(ports, update=False, root=root)
    return str(error.value)


def test_flash_refuses_without_a_board_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no board is plugged in: hold BOOTSEL" in refused(tmp_path)
    assert "hold its cancel button" in refused(tmp_path, OURS)
    assert "several boards" in refused(tmp_path, PROMPT, PROMPT)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "pip install mpremote" in refused(tmp_path, PROMPT)
    device = tmp_path / "sys/bus/usb/devices/1-1"
    device.mkdir(parents=True)
    (device / "idVendor").write_text("2e8a\n")
    (device / "idProduct").write_text("0003\n")
    assert "waits for MicroPython" in refused(tmp_path)
    monkeypatch.setattr(list_ports, "comports", list)
    result = taptill("reader", "flash")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")


def test_flash_finds_a_tool_that_was_installed_beside_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mpremote").touch(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert panel_flash.release_command([PROMPT], update=False)[-1] == "--put"


def test_flash_runs_the_firmwares_own_release_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mpremote = tmp_path / "mpremote"
    mpremote.write_text("#!/bin/sh\n")
    mpremote.chmod(mpremote.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran: list[Sequence[str]] = []
    panel_flash.flash([PROMPT], update=True, run=lambda command: ran.append(command) or 0)  # type: ignore[func-returns-value]
    assert ran[0][1:] == ["-m", "reader.board.release", "--update"]
    with pytest.raises(ReaderError, match="exit code 3"):
        panel_flash.flash([PROMPT], update=False, run=lambda _: 3)
    assert panel_flash.run_shown([ran[0][0], *ran[0][1:3], "--help"]) == 0
