"""What doctor finds, and what it tells a person to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.readers import probe as probing
from host.readers.probe import Finding, probe


@pytest.fixture(autouse=True)
def _without_pcsc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is no part of the made-up machines that are looked at here."""
    monkeypatch.setattr(probing, "_pcsc", lambda root: iter(()))


def found(root: Path, part: str) -> Finding:
    return next(finding for finding in probe(root) if finding.part == part)


def test_a_kernel_driver_that_grabs_readers_is_found_with_the_line_to_add(tmp_path: Path) -> None:
    (tmp_path / "sys/module/pn533_usb").mkdir(parents=True)
    finding = found(tmp_path, "kernel drivers")
    assert not finding.ok
    assert "blacklist pn533_usb" in finding.words
    assert "/etc/modprobe.d/" in finding.words


def test_a_clean_kernel_is_well(tmp_path: Path) -> None:
    assert found(tmp_path, "kernel drivers").ok


def test_a_serial_port_without_the_right_to_use_it_names_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyUSB0").touch()
    assert found(tmp_path, "/dev/ttyUSB0").ok
    monkeypatch.setattr("os.access", lambda *_: False)
    finding = found(tmp_path, "/dev/ttyUSB0")
    assert not finding.ok
    assert "dialout" in finding.words


def test_modem_manager_is_found(tmp_path: Path) -> None:
    (tmp_path / "proc/42").mkdir(parents=True)
    (tmp_path / "proc/42/comm").write_text("ModemManager\n")
    assert "ID_MM_DEVICE_IGNORE" in found(tmp_path, "ModemManager").words


def test_one_broken_check_never_hides_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(root: Path) -> list[Finding]:
        raise OSError("no such bus")

    monkeypatch.setattr(probing, "_nfcpy", broken)
    parts = {finding.part: finding for finding in probe(tmp_path)}
    assert not parts["broken"].ok
    assert "no such bus" in parts["broken"].words
    assert "kernel drivers" in parts
