"""From a reader's name in the configuration to a reader."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.readers import open as opening
from host.readers.base import ReaderGone
from host.readers.open import FoundReader, ReaderOptions, list_readers, open_reader


def test_a_driver_that_does_not_exist_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ValueError, match="names no reader driver; there are panel, pcsc, nfc"):
        open_reader("panel9:/dev/ttyACM0")


def test_a_serial_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReaderGone, match="is the reader plugged in"):
        open_reader(f"nfc:{tmp_path}/ttyUSB0", ReaderOptions(run_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_neither_serial_nor_usb_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReaderGone, match="neither a serial path nor usb"):
        open_reader("nfc:udp:0.0.0.0:54321", ReaderOptions(run_dir=tmp_path))


def test_a_driver_that_cannot_be_loaded_is_a_reader_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(where: str, options: ReaderOptions) -> None:
        raise ImportError("libusb-1.0.so.0: cannot open shared object file")

    monkeypatch.setitem(opening._OPENERS, "nfc", missing)
    with pytest.raises(ReaderGone, match=r"the nfc driver cannot be loaded: libusb"):
        open_reader("nfc:usb")


def test_one_broken_driver_never_hides_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[FoundReader]:
        yield FoundReader("pcsc:first", "pcsc")
        raise OSError("bus error")

    found = [FoundReader("nfc:/dev/ttyUSB0", "nfc")]
    monkeypatch.setattr(opening, "_FINDERS", {"pcsc": broken, "serial": lambda: iter(found)})
    with caplog.at_level(logging.INFO):
        assert [reader.spec for reader in list_readers()] == ["pcsc:first", "nfc:/dev/ttyUSB0"]
    assert "bus error" in caplog.text


def test_every_reader_found_has_a_name_that_can_be_opened() -> None:
    for found in list_readers():
        assert found.spec.split(":")[0] in opening._OPENERS
