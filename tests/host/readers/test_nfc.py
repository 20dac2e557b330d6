"""nfcpy on a serial path: what a look costs, several cards, odd cards, lamps, wedged chips."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nfc.clf
import pytest

from hardware.twin.bench import Lights
from host.readers import nfc_open
from host.readers.base import (
    Can,
    CardGone,
    CardLink,
    CardRefused,
    Look,
    Reader,
    ReaderGone,
    SeveralCards,
    Show,
)
from host.readers.lights import Lamps, lamps_at
from host.readers.lock import OwnerLock
from host.readers.nfc import _FAILED_LOOKS, NfcReader, open_nfc, parse_ats
from host.readers.nfc_field import field_of
from tests.host.readers.rigs import UIDS, NfcRig
from tests.host.readers.scripted_pn532 import LIST, RF, THRU, ScriptedCard, ScriptedPn532

UID = "04112233445566"
OK = b"\x90\x00"
SOON = 30_000
A_MOMENT = 300  # two looks at least

OWNER = """
import sys
from pathlib import Path
from host.readers.nfc import open_nfc
reader = open_nfc(sys.argv[1], run_dir=Path(sys.argv[2]))
print("open", flush=True)
reader.wait_card(60_000)
"""


def always_ok(apdu: bytes) -> bytes:
    return OK


def card_on(reader: Reader) -> CardLink:
    link = reader.wait_card(SOON)
    assert link is not None
    return link


@pytest.fixture
def chip() -> Iterator[ScriptedPn532]:
    with ScriptedPn532() as chip:
        yield chip


@pytest.fixture
def reader(chip: ScriptedPn532, tmp_path: Path) -> Iterator[Reader]:
    with open_nfc(chip.path, run_dir=tmp_path) as reader:
        chip.commands.clear()
        yield reader


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[NfcRig]:
    rig = NfcRig(tmp_path)
    yield rig
    rig.close()


def test_a_look_at_an_empty_field_is_one_chip_command(chip: ScriptedPn532, reader: Reader) -> None:
    while chip.count(LIST) < 2:
        assert reader.wait_card(A_MOMENT) is None
    assert len(chip.commands) == chip.count(LIST)


def test_a_tap_is_six_chip_commands_and_two_apdus(chip: ScriptedPn532, reader: Reader) -> None:
    for _ in range(2):  # the first card also has the chip's time-out set
        chip.cards = [ScriptedCard(UID, always_ok)]
        link = card_on(reader)
        link.transceive(b"\x00\xa4")
        link.transceive(b"\x90\xad")
        chip.cards = []
        assert reader.wait_gone(SOON)
        last_look = max(n for n, c in enumerate(chip.commands) if c[:2] == bytes((LIST, 1)))
        tap = chip.commands[last_look - 2 : last_look + 4]
        chip.commands.clear()
        assert reader.wait_card(A_MOMENT) is None
    assert [command[0] for command in tap] == [LIST, RF, LIST, THRU, THRU, THRU]


def test_several_cards_are_refused_and_the_one_that_stays_is_read(
    chip: ScriptedPn532, reader: Reader
) -> None:
    ann, bob = ScriptedCard(UID, always_ok), ScriptedCard("08AABBCC", always_ok)
    chip.cards = [ann, bob]
    with pytest.raises(SeveralCards):
        reader.wait_card(SOON)
    assert reader.wait_card(A_MOMENT) is None
    assert not reader.wait_gone(A_MOMENT)
    chip.cards = [bob]
    assert reader.wait_gone(SOON)
    assert card_on(reader).uid == bytes.fromhex("08AABBCC")


def test_two_twin_cards_in_the_field_are_told_apart_from_one(rig: NfcRig) -> None:
    rig.lay("ann")
    rig.lay("bob")
    with rig.open() as reader:
        with pytest.raises(SeveralCards):
            reader.wait_card(SOON)
        rig.twin.lift("ann")
        assert card_on(reader).uid == UIDS["bob"].raw


def test_a_card_that_is_no_type_4_card_is_refused_until_it_is_taken_away(
    chip: ScriptedPn532, reader: Reader
) -> None:
    chip.cards = [ScriptedCard(UID, always_ok, sel_res=0x00)]
    link = card_on(reader)
    assert link.uid == bytes.fromhex(UID)
    with pytest.raises(CardRefused, match="not a Type 4 card"):
        link.transceive(b"\x00\xa4")
    assert not reader.wait_gone(A_MOMENT)
    chip.cards = []
    assert reader.wait_gone(SOON)


def test_a_card_too_far_to_be_activated_is_given_time_to_come_closer(
    chip: ScriptedPn532, reader: Reader
) -> None:
    chip.cards = [ScriptedCard(UID, always_ok, ats=b"")]
    assert reader.wait_card(A_MOMENT) is None
    chip.cards = [ScriptedCard(UID, always_ok)]
    assert card_on(reader).transceive(b"\x00") == OK


def test_a_card_that_is_never_activated_is_refused_in_the_end(
    chip: ScriptedPn532, reader: Reader
) -> None:
    chip.cards = [ScriptedCard(UID, always_ok, ats=b"")]
    with pytest.raises(CardRefused, match="does not answer"):
        card_on(reader).transceive(b"\x00")
    assert chip.count(THRU) == _FAILED_LOOKS


def test_a_card_that_is_gone_is_asked_again_but_not_for_long(
    chip: ScriptedPn532, reader: Reader
) -> None:
    chip.cards = [ScriptedCard(UID, always_ok)]
    link = card_on(reader)
    chip.cards = []
    chip.commands.clear()
    with pytest.raises(CardGone):
        link.transceive(b"\x00")
    assert chip.count(THRU) == 3


def line_of(reader: Reader) -> nfc_open.PatientTTY:
    assert isinstance(reader, NfcReader)
    return reader._field._device.chipset.transport


def test_a_chip_that_breaks_off_in_a_frame_is_a_reader_that_is_gone(
    chip: ScriptedPn532, reader: Reader
) -> None:
    line_of(reader).patience_ms = 0
    chip.breaks_off = True
    with pytest.raises(ReaderGone, match="went away"):
        reader.wait_card(SOON)


def test_an_answer_that_comes_late_is_no_reader_that_is_gone(
    chip: ScriptedPn532, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later than our patience, which is short for the answer that is held back, and only for it."""
    line, field = line_of(reader), reader._field  # type: ignore[attr-defined]
    drain = field._drain

    def drain_with_patience() -> None:
        line.patience_ms = 1_000
        drain()

    monkeypatch.setattr(field, "_drain", drain_with_patience)
    for card in ([], [ScriptedCard(UID, always_ok)]):
        assert reader.wait_card(A_MOMENT) is None
        chip.cards += card
        chip.late, line.patience_ms = 1, 0
        if not card:
            assert reader.wait_card(A_MOMENT) is None
    assert card_on(reader).transceive(b"\x00\xa4\x04\x00") == OK


def test_a_frame_is_waited_for_as_long_as_a_busy_machine_may_hold_it_up(
    chip: ScriptedPn532, tmp_path: Path
) -> None:
    """nfcpy waits 100 ms for an acknowledgement, also in the middle of a tap."""
    device = nfc_open.open_field(chip.path)
    port = device._device.chipset.transport
    device.sense()
    assert port.tty.timeout * 1000 == nfc_open.PATIENCE_MS
    device.close()


def test_a_port_where_nothing_answers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nfc_open, "PATIENCE_MS", 0)
    with ScriptedPn532() as chip:
        chip.silent = True
        with pytest.raises(ReaderGone, match=f"no PN532 answers on {chip.path}"):
            open_nfc(chip.path, run_dir=tmp_path)


def test_a_chip_left_at_another_speed_is_brought_back(tmp_path: Path) -> None:
    with ScriptedPn532() as chip:
        chip.deaf_until_slowed = True
        open_nfc(chip.path, run_dir=tmp_path).close()


def test_a_reader_whose_owner_was_killed_can_be_opened_again(rig: NfcRig, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", OWNER, str(rig.twin.device), str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    rig.lay()
    with rig.open() as reader:
        assert card_on(reader).uid == UIDS["ann"].raw


def test_an_unplugged_port_is_not_kept_open(chip: ScriptedPn532, tmp_path: Path) -> None:
    reader = open_nfc(chip.path, run_dir=tmp_path)
    chip.unplug()
    reader.close()
    open_files = {os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()}
    assert not {name for name in open_files if chip.path in name}


def test_lamps_light_up_over_the_wire(rig: NfcRig) -> None:
    with rig.open() as reader:
        assert reader.info.can == {Can.LIGHTS, Can.TONES}
        for look in (Look.READY, Look.APPROVED, Look.DECLINED):
            reader.show(Show(look))
            assert rig.twin.wait_lights(_twin_lights(lamps_at(look, 60_000)[0]), SOON)
        reader.show(Show(Look.READY))
    assert rig.twin.wait_lights(Lights(), SOON)


def _twin_lights(lamps: Lamps) -> Lights:
    return Lights(lamps.row, lamps.approved, lamps.declined, lamps.buzzer)


def test_lamps_go_on_while_nobody_waits_for_a_card(rig: NfcRig) -> None:
    with rig.open() as reader:
        reader.show(Show(Look.CHECKING))
        for row in ((True, False, True, False), (False, True, False, True)):
            assert rig.twin.wait_lights(Lights(row), SOON)


def test_without_lamps_nothing_is_written_to_the_pins(reader: Reader, chip: ScriptedPn532) -> None:
    assert reader.info.can == frozenset()
    reader.show(Show(Look.APPROVED))
    reader.wait_card(A_MOMENT)
    assert chip.count(0x0E) == 0


def test_nothing_of_a_tap_is_logged(
    chip: ScriptedPn532, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(1), open_nfc(chip.path, run_dir=tmp_path) as reader:
        chip.cards = [ScriptedCard(UID, lambda apdu: b"p=and&c=" + OK)]
        card_on(reader).transceive(b"\x00\xa4")
        chip.cards = []
        assert reader.wait_gone(SOON)
    assert [record for record in caplog.records if record.levelno >= logging.DEBUG] == []


class OtherDevice:
    """A device of nfcpy's that is no PN53x, such as Sony's RC-S380."""

    def __init__(self) -> None:
        self.card: ScriptedCard | None = None
        self.closed = False

    def get_max_send_data_size(self, target: object) -> int:
        return 290

    get_max_recv_data_size = get_max_send_data_size

    def mute(self) -> None:
        if self.closed:
            raise OSError("no such device")

    def sense_tta(self, target: nfc.clf.RemoteTarget) -> nfc.clf.RemoteTarget | None:
        if self.card is None:
            return None
        found = {"sens_res": b"\x44\x03", "sel_res": bytes((self.card.sel_res,))}
        return nfc.clf.RemoteTarget("106A", sdd_res=self.card.uid, **found)

    def send_cmd_recv_rsp(self, target: object, data: bytes, timeout: float) -> bytearray:
        answer = self.card and self.card.frame(bytes(data))
        if not answer:
            raise nfc.clf.TimeoutError
        return bytearray(answer)

    def close(self) -> None:
        self.closed = True


def test_other_devices_of_nfcpy_are_driven_through_its_front_end(tmp_path: Path) -> None:
    device = OtherDevice()
    lock = OwnerLock.take("usb", tmp_path)
    with NfcReader("usb", field_of("usb", device), lock, gpio_lights=True) as reader:
        assert reader.wait_card(0) is None
        device.card = ScriptedCard(UID, always_ok)
        link = card_on(reader)
        assert link.uid == bytes.fromhex(UID)
        assert link.transceive(b"\x00\xa4") == OK
        assert not reader.wait_gone(0)
        device.card = None
        assert reader.wait_gone(SOON)
        device.closed = True
        with pytest.raises(ReaderGone, match="usb went away"):
            reader.wait_card(SOON)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ats", "frame_size", "wait_ms"),
    [
        ("067777710280", 128, 38.66),  # NTAG 424 DNA
        ("067577810280", 64, 77.33),  # DESFire
        ("01", 32, 4.83),  # nothing said: the standard's defaults
        ("0278", 256, 4.83),  # TB announced but missing
        ("0328F0", 256, 4.83),  # TB without TA; 15 is reserved and means 4
        ("033880", 256, 4.83),  # TA only
        ("04388080", 256, 77.33),
    ],
)
def test_a_card_says_how_much_it_takes_and_how_long_it_thinks(
    ats: str, frame_size: int, wait_ms: float
) -> None:
    largest, wait_s = parse_ats(bytes.fromhex(ats))
    assert largest == frame_size
    assert wait_s * 1000 == pytest.approx(wait_ms, abs=0.01)


@pytest.mark.parametrize("ats", ["", "02", "0502"])
def test_an_ats_of_the_wrong_length_is_refused(ats: str) -> None:
    with pytest.raises(nfc.clf.ProtocolError):
        parse_ats(bytes.fromhex(ats))
