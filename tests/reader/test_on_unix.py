"""The firmware as a process on ptys, driven by unmodified nfcpy on its HSU face."""

from __future__ import annotations

from collections.abc import Iterator

import nfc.clf
import pytest

from tests.reader.nfcpy import open_nfcpy, read_tag
from tests.reader.process import FirmwareProcess, interpreters
from tests.reader.scripted import ScriptedCard


@pytest.fixture(params=sorted(interpreters()))
def firmware(request: pytest.FixtureRequest) -> Iterator[FirmwareProcess]:
    with FirmwareProcess(interpreters()[request.param]) as process:
        yield process


def test_unmodified_nfcpy_reads_a_tag_through_the_hsu_face(firmware: FirmwareProcess) -> None:
    card = ScriptedCard(native=False)
    firmware.chip.cards = [card]
    clf = open_nfcpy(firmware.hsu)
    try:
        tag = read_tag(clf)
        assert tag.type == "Type4Tag"
        assert tag.identifier == card.uid
        long = bytes(range(200))
        assert tag.send_apdu(0x80, 0, 0, 0, long) == long
    finally:
        clf.close()


def test_nfcpy_opens_the_reader_again_after_a_crash_without_good_bye(
    firmware: FirmwareProcess,
) -> None:
    crashed = open_nfcpy(firmware.hsu)
    crashed.device.chipset.transport.close()
    crashed.device = None
    clf = open_nfcpy(firmware.hsu)
    try:
        firmware.chip.cards = [ScriptedCard(native=False)]
        assert read_tag(clf).type == "Type4Tag"
    finally:
        clf.close()


def test_nfcpy_sees_no_card_where_there_is_none(firmware: FirmwareProcess) -> None:
    clf = open_nfcpy(firmware.hsu)
    try:
        assert clf.sense(nfc.clf.RemoteTarget("106A")) is None
    finally:
        clf.close()
