"""Unmodified pyscard, OpenSC, pcsc-tools and boltlib on the twin, through pcscd and vpcd."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.twin.card import TearAt
from hardware.twin.private_pcscd import PrivatePcscd
from hardware.twin.process import TwinProcess
from host.ntag424.card import Card
from host.ntag424.values import Key, Uid
from tests.hardware.twin.cards import SELECT, ZERO
from tests.support.pcscd import wait_for_card
from tests.support.tools import run_tool

pytestmark = pytest.mark.pcsc

ANN = Uid.parse("04112233445566")
ATR = "3B 81 80 01 80 80"


@pytest.fixture
def twin(tmp_path: Path, pcscd: PrivatePcscd) -> Iterator[TwinProcess]:
    with TwinProcess("pcsc", tmp_path, port=pcscd.port) as twin:
        twin.create("ann", ANN)
        yield twin


class Connection:
    """pyscard on the first card that comes."""

    def __init__(self) -> None:
        from smartcard.CardRequest import CardRequest

        self._service = CardRequest(timeout=30).waitforcard()
        self.connection: Any = self._service.connection
        self.connection.connect()

    def transceive(self, apdu: bytes) -> bytes:
        data, sw1, sw2 = self.connection.transmit(list(apdu))
        return bytes([*data, sw1, sw2])

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.disconnect()
        self.connection.release()


def test_pyscard_sees_a_contactless_card(twin: TwinProcess) -> None:
    twin.lay("ann")
    with Connection() as card:
        assert bytes(card.connection.getATR()).hex(" ").upper() == ATR
        assert card.transceive(bytes.fromhex("FFCA000000")) == ANN.raw + b"\x90\x00"
        assert card.transceive(bytes.fromhex("FFCA010000")) == bytes.fromhex(
            "067777710280" + "9000"
        )
        assert card.transceive(bytes.fromhex("FF00000000")) == b"\x6a\x81"
        assert card.transceive(bytes.fromhex(SELECT)) == b"\x90\x00"


def test_the_host_provisions_over_pcsc(twin: TwinProcess) -> None:
    twin.lay("ann")
    with Connection() as link:
        card = Card(link)
        card.select_application()
        card.authenticate(0, ZERO)
        assert card.get_card_uid() == ANN
        card.write_data(2, bytes(range(200)))
        card.change_key(0, Key(b"k" * 16), 9)
        assert card.get_key_version(0) == 9
    assert twin.state("ann").keys[0].version == 9


def test_asking_for_the_card_again_and_again_is_no_tap(twin: TwinProcess) -> None:
    twin.lay("ann")
    before = twin.state("ann")
    with Connection() as card:
        for _ in range(20):
            card.connection.getATR()
    assert twin.state("ann") == before


def test_a_reset_forgets_the_selection(twin: TwinProcess) -> None:
    from smartcard.scard import SCARD_RESET_CARD

    twin.lay("ann")
    with Connection() as card:
        card.transceive(bytes.fromhex(SELECT))
        card.connection.disposition = SCARD_RESET_CARD
        card.connection.reconnect()
        assert card.transceive(bytes.fromhex("90F50000010200")) == b"\x91\x9d"


def test_a_torn_card_is_gone(twin: TwinProcess) -> None:
    from smartcard.Exceptions import CardConnectionException

    twin.lay("ann")
    with Connection() as card:
        twin.tear(TearAt.ANSWER)
        with pytest.raises(CardConnectionException):
            card.transceive(bytes.fromhex(SELECT))
    assert not any(card.laid for card in twin.cards())


def test_the_card_comes_back_after_the_service_was_restarted(
    twin: TwinProcess, pcscd: PrivatePcscd
) -> None:
    twin.lay("ann")
    assert wait_for_card(pcscd, present=True)
    pcscd.stop()
    pcscd.start()
    assert wait_for_card(pcscd, present=True)
    assert "SW1=0x90, SW2=0x00" in _opensc(pcscd, "-s", SELECT)


def _opensc(pcscd: PrivatePcscd, *arguments: str) -> str:
    done = run_tool(["opensc-tool", *arguments], package="opensc", env=pcscd.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_opensc_reads_the_atr_and_sends_commands(twin: TwinProcess, pcscd: PrivatePcscd) -> None:
    twin.lay("ann")
    assert wait_for_card(pcscd, present=True)
    assert _opensc(pcscd, "-a").strip() == ATR.lower().replace(" ", ":")
    said = _opensc(pcscd, "-s", SELECT, "-s", "9060000000")
    assert "SW1=0x91, SW2=0xAF" in said
    assert "04 04 08 30 00 11 05" in said


def test_pcsc_scan_lists_the_card(twin: TwinProcess, pcscd: PrivatePcscd) -> None:
    twin.lay("ann")
    assert wait_for_card(pcscd, present=True)
    done = run_tool(["pcsc_scan", "-c"], package="pcsc-tools", env=pcscd.environ)
    assert ATR in done.stdout


def test_boltlib_writes_and_reads(twin: TwinProcess, pcscd: PrivatePcscd) -> None:
    """boltlib 0.2.0 takes only cards with exactly our ATR and asks for the version first."""
    twin.lay("ann")
    url = "https://example.com/ln?x=1"
    wrote = _boltcard(pcscd, "write", url)
    assert f"Success - Wrote {url} to card" in wrote
    assert json.loads(_boltcard(pcscd, "read")) == {"uid": ANN.hex().upper(), "uri": url}


def _boltcard(pcscd: PrivatePcscd, *arguments: str) -> str:
    code = "import sys; from boltlib.cli import cli; cli(sys.argv[1:])"
    command = [sys.executable, "-c", code, "--silent", *arguments]
    done = run_tool(command, package="python3", env=pcscd.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout
