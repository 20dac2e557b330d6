"""Unmodified nfcpy and libnfc on the twin's serial line: they must find nothing odd."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ndef
import nfc
import nfc.clf.pn532
import nfc.tag
import pytest

from hardware.twin.bench import Lights
from hardware.twin.card import TearAt
from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host.ntag424 import sun
from host.ntag424.card import Card
from host.ntag424.values import Key, Uid
from host.readers.nfc_open import PatientTTY
from tests.hardware.twin.cards import URL_BASE, ZERO, boltcard
from tests.support.tools import find_tool, run_tool

ANN, BOB = Uid.parse("04112233445566"), Uid.parse("04AABBCCDDEEFF")


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[TwinProcess]:
    with TwinProcess("nfc", tmp_path) as twin:
        twin.create("ann", ANN)
        twin.create("bob", BOB)
        yield twin


@pytest.fixture
def frontend(twin: TwinProcess) -> Iterator[Any]:
    """nfcpy on the twin; opened by hand, because nfcpy looks for serial ports in /dev only."""
    device = nfc.clf.pn532.init(PatientTTY(twin.device))
    device._path, device._vendor_name, device._device_name = twin.device, "NXP", "PN532"
    frontend = nfc.ContactlessFrontend()
    frontend.device = device
    yield frontend
    frontend.close()


def sense(frontend: Any) -> Any:
    return frontend.sense(nfc.clf.RemoteTarget("106A"))


def on_libnfc(twin: TwinProcess, *command: str, package: str) -> str:
    env = {"LIBNFC_DEVICE": f"pn532_uart:{twin.device}"}
    done = run_tool(command, package=package, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.sub(r"  +", " ", done.stdout)


class Apdus:
    """The host's card over nfcpy's."""

    def __init__(self, tag: Any) -> None:
        self._tag = tag

    def transceive(self, apdu: bytes) -> bytes:
        return bytes(self._tag.transceive(apdu))


def test_nfcpy_opens_at_921600_baud_and_runs_its_line_test(frontend: Any) -> None:
    assert frontend.device.chipset.transport.baudrate == 921_600
    assert frontend.device.chipset_name.startswith("PN532v1.6")


def test_nfcpy_finds_an_empty_field_empty(frontend: Any) -> None:
    targets = (nfc.clf.RemoteTarget(kind) for kind in ("106A", "106B", "212F"))
    assert frontend.sense(*targets) is None


def test_nfcpy_activates_the_card(twin: TwinProcess, frontend: Any) -> None:
    twin.lay("ann")
    target = sense(frontend)
    assert (target.sens_res.hex(), target.sel_res.hex()) == ("4403", "20")
    assert bytes(target.sdd_res) == ANN.raw
    tag = nfc.tag.activate(frontend, target)
    assert str(tag) == "Type4ATag MIU=125 FWT=0.038664"
    assert tag.is_present
    twin.lift()
    assert not tag.is_present


def test_nfcpy_reads_a_signed_url_and_that_is_one_tap(tmp_path: Path) -> None:
    Drawer(tmp_path).put("ann", replace(boltcard(), uid=ANN))
    with TwinProcess("nfc", tmp_path) as twin:
        twin.lay("ann")
        device = nfc.clf.pn532.init(PatientTTY(twin.device))
        frontend = nfc.ContactlessFrontend()
        frontend.device = device
        tag = nfc.tag.activate(frontend, sense(frontend))
        (record,) = tag.ndef.records
        assert record.iri.startswith(URL_BASE)
        message = sun.parse_url(record.iri).message
        picc = sun.decrypt(ZERO, message.p)
        assert picc == sun.PiccData(ANN, 1)
        assert sun.verify(ZERO, picc, message.c)
        assert twin.state("ann").read_counter == 1
        frontend.close()


def test_nfcpy_writes_and_wipes_an_ndef_file(twin: TwinProcess, frontend: Any) -> None:
    twin.lay("ann")
    tag = nfc.tag.activate(frontend, sense(frontend))
    assert tag.ndef.capacity >= 250
    tag.ndef.records = [ndef.UriRecord("https://example.com/" + "x" * 100)]
    assert b"x" * 100 in twin.state("ann").files[1].content
    assert tag.format(wipe=0xA5)
    assert twin.state("ann").files[1].content.startswith(b"\x00\x00" + b"\xa5" * 200)


def test_the_host_provisions_over_nfcpy(twin: TwinProcess, frontend: Any) -> None:
    twin.lay("ann")
    card = Card(Apdus(nfc.tag.activate(frontend, sense(frontend))))
    card.select_application()
    card.authenticate(0, ZERO)
    card.write_data(2, bytes(range(200)))
    card.change_key(1, Key(b"k" * 16), 1, ZERO)
    assert card.read_data(2, 0, 200) == bytes(range(200))
    assert twin.state("ann").keys[1].version == 1


def test_nfcpy_waits_for_a_slow_card(twin: TwinProcess, frontend: Any) -> None:
    twin.lay("ann")
    tag = nfc.tag.activate(frontend, sense(frontend))
    twin.tear(None, latency=0.1)
    assert tag.transceive(bytes.fromhex("00A4040007D276000085010100")) == b"\x90\x00"


def test_nfcpy_sees_a_torn_card_go(twin: TwinProcess, frontend: Any) -> None:
    twin.lay("ann")
    tag = nfc.tag.activate(frontend, sense(frontend))
    twin.tear(TearAt.COMMAND)
    with pytest.raises(nfc.tag.TagCommandError):
        tag.transceive(bytes.fromhex("00A4040007D276000085010100"))
    assert sense(frontend) is None


def test_lights_travel_the_wire(twin: TwinProcess, frontend: Any) -> None:
    frontend.device.chipset.command(0x0E, bytes([0x80 | 0x03, 0x80 | 0x02]), 0.25)
    lit = Lights((True, True, False, False), approved=True)
    assert twin.wait_lights(lit, 30_000)


def test_libnfc_lists_the_card(twin: TwinProcess) -> None:
    twin.lay("ann")
    listed = on_libnfc(twin, "nfc-list", "-v", package="libnfc-bin")
    assert "1 ISO14443A passive target(s) found" in listed
    assert "UID (NFCID1): 04 11 22 33 44 55 66" in listed
    assert "ATS: 77 77 71 02 80" in listed
    assert "Frame Waiting Time: 38.66 ms" in listed
    assert "MIFARE DESFire" in listed


def test_libnfc_lists_two_cards(twin: TwinProcess) -> None:
    twin.lay("ann")
    twin.lay("bob")
    listed = on_libnfc(twin, "nfc-list", package="libnfc-bin")
    assert "2 ISO14443A passive target(s) found" in listed
    assert "04 aa bb cc dd ee ff" in listed


def test_libnfc_finds_an_empty_field_empty(twin: TwinProcess) -> None:
    assert "UID" not in on_libnfc(twin, "nfc-list", package="libnfc-bin")


def test_libnfc_does_anticollision_bit_by_bit(twin: TwinProcess) -> None:
    twin.lay("ann")
    said = on_libnfc(twin, "nfc-anticol", package="libnfc-examples")
    assert "UID: 04112233445566" in said
    assert "ATS: 06 77 77 71 02 80" in said


def test_libnfc_polls_with_the_chips_own_command_and_sees_the_card_go(twin: TwinProcess) -> None:
    twin.lay("ann")
    program = find_tool("nfc-poll", package="libnfc-examples")
    env = {**os.environ, "LIBNFC_DEVICE": f"pn532_uart:{twin.device}"}
    with subprocess.Popen([program], env=env, stdout=subprocess.PIPE, text=True) as polling:
        assert polling.stdout
        said = ""
        while "Waiting for card removing" not in said:
            character = polling.stdout.read(1)
            assert character, said
            said += character
        assert "04  11  22  33" in said
        twin.lift()
        said = polling.communicate(timeout=60)[0]
    assert "done" in said


def test_nfcpy_works_after_libnfc_and_libnfc_after_nfcpy(twin: TwinProcess) -> None:
    twin.lay("ann")
    for _ in range(2):
        assert "04 11 22 33" in on_libnfc(twin, "nfc-list", package="libnfc-bin")
        device = nfc.clf.pn532.init(PatientTTY(twin.device))
        assert device.sense_tta(nfc.clf.RemoteTarget("106A")).sdd_res == ANN.raw
        device.close()
