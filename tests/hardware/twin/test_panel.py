"""Our reader as a twin: the firmware runs, the bench shows what it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hardware.twin.bench import Bench, Lights
from hardware.twin.panel import CPYTHON, Interpreter, PanelPty, interpreter, seen
from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host.ntag424 import sun
from host.ntag424.read import read_tap_url
from host.ntag424.values import Uid
from host.readers.base import Look, Show
from host.readers.open import ReaderOptions, open_reader
from host.readers.panel_care import care_for
from tests.hardware.twin.cards import ZERO, boltcard
from tests.support.tools import run_tool

UID = Uid.parse("04112233445566")


def test_a_sale_on_our_reader_is_seen_on_the_bench(tmp_path: Path) -> None:
    with TwinProcess("panel", tmp_path / "cards") as twin:
        twin.create("ann", UID)
        with open_reader(f"panel:{twin.device}", ReaderOptions(run_dir=tmp_path)) as reader:
            assert reader.info.name == "TT-0000TWIN"
            reader.show(Show(Look.READY, ("2 500 sats", "Tap")))
            assert reader.wait_card(1) is None
            assert twin.wait_lights(Lights((True, False, False, False)), 30_000)
            twin.lay("ann")
            link = reader.wait_card(30_000)
            assert link is not None
            assert link.uid == UID.raw
            reader.show(Show(Look.APPROVED, ("Paid", "2 500 sats")))
            assert twin.wait_lights(Lights((True,) * 4, approved=True), 30_000)
            twin.lift()
            assert reader.wait_gone(30_000)


def test_signs_and_tones_are_lamps_and_the_buzzer() -> None:
    lights = seen(Lights(), {"picture": [["cross", 0, 14], ["Declined", 0, 0, 1]]})
    assert lights == Lights(declined=True)
    assert seen(lights, {"tone": [420, 60]}).buzzer
    assert seen(lights, {"fed": True}) == lights


def test_a_signed_tap_comes_through_our_reader_and_verifies(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    Drawer(cards).put("ann", replace(boltcard(), uid=UID))
    options = ReaderOptions(run_dir=tmp_path)
    with (
        TwinProcess("panel", cards) as twin,
        open_reader(f"panel:{twin.device}", options) as reader,
    ):
        reader.show(Show(Look.READY, ("2 500 sats", "Tap")))
        for counter in (1, 2):
            assert reader.wait_card(1) is None
            twin.lay("ann")
            link = reader.wait_card(30_000)
            assert link is not None
            message = sun.parse_url(read_tap_url(link.transceive)).message
            picc = sun.decrypt(ZERO, message.p)
            assert picc is not None
            assert (picc.uid, picc.counter) == (UID, counter)
            assert sun.verify(ZERO, picc, message.c)
            twin.lift()
            assert reader.wait_gone(30_000)


@pytest.mark.parametrize("runs_on", sorted({CPYTHON, interpreter()}, key=str), ids=str)
def test_what_the_firmware_shows_reaches_the_bench_without_a_fault(
    tmp_path: Path, runs_on: Interpreter
) -> None:
    with Bench(Drawer(tmp_path / "cards")) as bench:
        twin = PanelPty(bench, runs_on)
        try:
            with care_for(twin.device, run_dir=tmp_path) as care:
                assert bench.wait_drawn("Ready", 5)
                assert all(check.passed for check in care.self_test())
        finally:
            twin.close()


def test_libnfc_takes_our_reader_for_a_pn532(tmp_path: Path) -> None:
    """Its tools speak to the hsu face, and the panel goes on after them."""
    with Bench(Drawer(tmp_path / "cards")) as bench:
        bench.create("ann", UID)
        bench.lay("ann")
        twin = PanelPty(bench)
        try:
            device = {"LIBNFC_DEVICE": f"pn532_uart:{twin.hsu}"}
            listed = run_tool(["nfc-list"], package="libnfc-bin", env=device)
            assert "04  11  22  33  44  55  66" in listed.stdout, listed.stderr
            told = run_tool(["nfc-anticol"], package="libnfc-examples", env=device)
            assert "UID: 04112233445566" in told.stdout, told.stderr
            with care_for(twin.device, run_dir=tmp_path) as care:
                assert all(check.passed for check in care.self_test())
        finally:
            twin.close()
