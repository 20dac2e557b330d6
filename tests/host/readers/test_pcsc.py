"""PC/SC through a real pcscd: restarts, owners, other programs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

pytest.importorskip("smartcard", reason="pyscard is not installed: it needs a compiler")

from smartcard import scard

from host.readers.base import CardLink, CardRefused, Reader, ReaderGone, ReaderTaken
from host.readers.open import ReaderOptions, list_readers, open_reader
from host.readers.pcsc_api import Connection, Context, PcscError
from host.readers.probe import probe
from tests.host.readers.rigs import PcscRig

pytestmark = pytest.mark.pcsc

SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
READ_NDEF_FILE = bytes.fromhex("90AD0000070200000000000000")
SOON = 30_000


def card_on(reader: Reader) -> CardLink:
    link = reader.wait_card(SOON)
    assert link is not None
    return link


def card_when_back(reader: Reader) -> CardLink:
    """The next card, however often the reader is reported gone before."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return card_on(reader)
        except ReaderGone:
            assert time.monotonic() < deadline


def test_a_reader_lives_through_restarts_of_the_service(pcsc_rig: PcscRig) -> None:
    with pcsc_rig.open() as reader:
        pcsc_rig.lay()
        for _ in range(2):
            assert card_when_back(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"
            pcsc_rig.unplug()
            with pytest.raises(ReaderGone, match="pcscd"):
                reader.wait_card(SOON)
            pcsc_rig.plug()
        assert card_when_back(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_a_card_in_hand_when_the_service_restarts_is_lost_with_the_reader(
    pcsc_rig: PcscRig,
) -> None:
    with pcsc_rig.open() as reader:
        pcsc_rig.lay()
        link = card_on(reader)
        pcsc_rig.unplug()
        pcsc_rig.plug()
        with pytest.raises(ReaderGone):
            link.transceive(SELECT_APPLICATION)
        assert card_when_back(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_no_service_at_the_start_is_a_reader_that_is_gone(pcsc_rig: PcscRig) -> None:
    pcsc_rig.unplug()
    with pytest.raises(ReaderGone, match="pcscd does not answer"):
        pcsc_rig.open()


def test_a_name_that_no_reader_has_is_answered_with_those_there_are(
    pcsc_rig: PcscRig, tmp_path: Path
) -> None:
    with pytest.raises(ReaderGone, match=r"“ACR1252” \(there: Twin 00 00, Twin 00 01\)"):
        open_reader("pcsc:ACR1252", ReaderOptions(run_dir=tmp_path))


def test_owners_of_the_same_name_get_the_next_free_reader(
    pcsc_rig: PcscRig, tmp_path: Path
) -> None:
    options = ReaderOptions(run_dir=tmp_path)
    with open_reader("pcsc", options) as first, open_reader("pcsc:tWIN", options) as second:
        assert [first.info.name, second.info.name] == ["Twin 00 00", "Twin 00 01"]
        with pytest.raises(ReaderTaken):
            open_reader("pcsc", options)


def test_our_card_is_not_given_to_another_program(pcsc_rig: PcscRig) -> None:
    with pcsc_rig.open() as reader, contextlib.closing(Context()) as other:
        pcsc_rig.lay()
        card_on(reader)
        with pytest.raises(PcscError) as caught:
            other.connect(reader.info.name)
        assert caught.value.code == scard.SCARD_E_SHARING_VIOLATION


def test_a_card_that_another_program_holds_is_ours_once_it_lets_go(pcsc_rig: PcscRig) -> None:
    with pcsc_rig.open() as reader, contextlib.closing(Context()) as other:
        pcsc_rig.lay()
        held = _connect_soon(other, reader.info.name)
        with pytest.raises(ReaderTaken, match="another program"):
            reader.wait_card(SOON)
        held.close()
        assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def _connect_soon(context: Context, reader: str) -> Connection:
    deadline = time.monotonic() + 30
    while True:
        try:
            return context.connect(reader)
        except PcscError:
            assert time.monotonic() < deadline


def test_what_was_selected_on_a_card_is_forgotten_when_we_let_it_go(pcsc_rig: PcscRig) -> None:
    with pcsc_rig.open() as reader, contextlib.closing(Context()) as other:
        pcsc_rig.lay()
        link = card_on(reader)
        link.transceive(SELECT_APPLICATION)
        assert not reader.wait_gone(0)
        connection = other.connect(reader.info.name)
        assert connection.transmit(READ_NDEF_FILE) == b"\x91\x9d"
        connection.close()


def test_a_card_that_does_not_answer_is_refused_and_not_a_broken_reader(
    pcsc_rig: PcscRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(context: Context, reader: str) -> None:
        raise PcscError(scard.SCARD_W_UNRESPONSIVE_CARD)

    monkeypatch.setattr(Context, "connect", mute)
    with pcsc_rig.open() as reader:
        pcsc_rig.lay()
        with pytest.raises(CardRefused, match="does not answer"):
            card_on(reader).transceive(SELECT_APPLICATION)


def test_listing_and_probing_name_the_readers(pcsc_rig: PcscRig) -> None:
    assert "pcsc:Twin 00 00" in [reader.spec for reader in list_readers()]
    words = next(finding for finding in probe() if finding.part == "pcscd").words
    assert "Twin 00 01" in words
    pcsc_rig.unplug()
    assert "pcsc" not in [reader.driver for reader in list_readers()]
    assert not next(finding for finding in probe() if finding.part == "pcscd").ok
