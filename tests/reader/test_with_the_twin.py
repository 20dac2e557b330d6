"""The firmware's process on the twin's PN532 and NTAG 424 cards: nothing scripted in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.twin.process import TwinProcess
from host.ntag424.values import Uid
from tests.reader.nfcpy import open_nfcpy, read_tag
from tests.reader.process import FirmwareProcess, interpreters
from tests.support.tools import run_tool

UID = Uid.parse("04112233445566")


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[TwinProcess]:
    with TwinProcess("nfc", tmp_path) as process:
        process.create("ann", UID)
        yield process


@pytest.mark.parametrize("interpreter", sorted(interpreters()))
def test_nfcpy_reads_the_twins_card_through_our_reader(twin: TwinProcess, interpreter: str) -> None:
    assert twin.device is not None
    twin.lay("ann")
    with FirmwareProcess(interpreters()[interpreter], twin.device) as firmware:
        clf = open_nfcpy(firmware.hsu)
        try:
            tag = read_tag(clf)
            assert tag.identifier == UID.raw
            select = bytes.fromhex("D2760000850101")
            assert tag.send_apdu(0, 0xA4, 4, 0, select) == b""
            version = tag.transceive(bytes.fromhex("9060000000"))
            assert version[-2:] == b"\x91\xaf"
        finally:
            clf.close()


@pytest.mark.parametrize("interpreter", sorted(interpreters()))
def test_libnfc_lists_the_twins_card_through_our_reader(
    twin: TwinProcess, interpreter: str
) -> None:
    assert twin.device is not None
    twin.lay("ann")
    with FirmwareProcess(interpreters()[interpreter], twin.device) as firmware:
        env = {"LIBNFC_DEVICE": f"pn532_uart:{firmware.hsu}"}
        for _ in range(2):  # and again after it closed
            done = run_tool(("nfc-list", "-t", "1"), package="libnfc-bin", env=env)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "04  11  22  33  44  55  66" in done.stdout
