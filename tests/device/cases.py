"""What has to hold on a real USB cable; each case begins with the reader unplugged."""

from __future__ import annotations

import grp
import os
import select
import shutil
import subprocess
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from host.ntag424 import sun
from host.ntag424.read import read_tap_url
from host.readers.base import CardLink, Look, Reader, ReaderGone, Show
from host.readers.open import open_reader
from host.readers.panel_care import care_for
from host.readers.panel_find import NAME, panel_ports
from tests.device.board import SERIAL, Board, Skipped
from tests.device.cases_shop import JOB_CASES
from tests.device.gadget import PANEL
from tests.device.threads import in_background
from tests.hardware.twin.cards import ZERO
from tests.reader.nfcpy import open_nfcpy, read_tag

SALE = Show(Look.READY, ("2 500 sats", "Tap"))
_SOON = 10_000
_QUIET_S = 1.5
_EARLY = b"AT\r\r~\0\x05garbage\0"
"""What probing programs send to a serial port that they do not know."""


def card_on(reader: Reader) -> CardLink:
    link = reader.wait_card(_SOON)
    assert link is not None, "no card was seen"
    return link


def counter_of(link: CardLink) -> int:
    """The counter of a tap whose signature holds."""
    message = sun.parse_url(read_tap_url(link.transceive)).message
    picc = sun.decrypt(ZERO, message.p)
    assert picc is not None
    assert sun.verify(ZERO, picc, message.c)
    return picc.counter


@contextmanager
def bare(path: str) -> Iterator[int]:
    """A serial port as it is when nobody has set anything: with the kernel's echo."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield fd
    finally:
        os.close(fd)


def heard(fd: int, seconds: float) -> bytes:
    """What comes within that time, up to the first pause of it."""
    return os.read(fd, 512) if select.select([fd], [], [], seconds)[0] else b""


def it_is_enumerated_as_two_serial_ports_with_our_numbers_names_and_serial(board: Board) -> None:
    with board.plugged() as panel:
        (port,) = panel_ports()
        assert (port.device, port.serial) == (panel, SERIAL)
        hsu = board.hsu()
        assert Path(hsu).exists()
        assert hsu != panel
        device = Path("/sys/class/tty", Path(panel).name, "device").resolve().parent
        told = {name: (device / name).read_text().strip() for name in ("product", "bDeviceClass")}
        assert told == {"product": NAME, "bDeviceClass": "ef"}
    assert list(panel_ports()) == []


def udev_names_it_by_its_serial_and_keeps_modem_managers_off(board: Board) -> None:
    if not shutil.which("udevadm"):
        raise Skipped("no udev on this machine")
    with board.plugged() as panel:
        settled = subprocess.run(["udevadm", "settle", "--timeout=20"], check=False)
        assert settled.returncode == 0, "udev did not settle"
        links = {path.name: path for path in Path("/dev/serial/by-id").iterdir()}
        name = f"usb-Taptill_{NAME.replace(' ', '_')}_{SERIAL}"
        assert {n: str(p.resolve()) for n, p in links.items()} == {
            f"{name}-if00": panel,
            f"{name}-if02": board.hsu(),
        }
        asked = ["udevadm", "info", "--query=property", panel]
        told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        assert "ID_MM_DEVICE_IGNORE=1" in told.splitlines()
        state = os.stat(panel)
        assert grp.getgrgid(state.st_gid).gr_name == "dialout"
        assert state.st_mode & 0o777 == 0o660


def what_a_device_says_too_early_comes_back_to_it_as_if_the_host_had_said_it(board: Board) -> None:
    """Why nothing may be sent before HELLO: this is what the kernel does to whoever does."""
    try:
        board.plug(firmware=False)
        panel = board.panel()
        assert panel is not None
        with bare(PANEL) as device:
            tty.setraw(device)
            os.write(device, b"READY\n")
            with bare(panel):
                back = heard(device, 5)
        assert b"READY" in back, back
    finally:
        board.unplug()


def our_firmware_says_nothing_before_hello_whatever_it_hears(board: Board) -> None:
    with board.plugged() as panel:
        with bare(panel) as port:
            assert heard(port, _QUIET_S) == b""
            os.write(port, _EARLY)
            assert heard(port, _QUIET_S) == b""
        with care_for(panel) as care:
            counted = care.counters()
            assert all(check.passed for check in care.self_test())
        assert counted["repeated"] == 0, "the first HELLO had to be sent again"
        assert counted["broken"] >= 1, "what came early was not even heard"


def a_sale_is_tapped_through_the_panel_and_its_signature_holds(board: Board) -> None:
    with board.plugged(), open_reader(f"panel:{SERIAL}") as reader:
        for counter in (1, 2, 3):
            reader.show(SALE)
            assert reader.wait_card(1) is None
            board.bench.lay("ann")
            link = card_on(reader)
            assert counter_of(link) == counter
            reader.show(Show(Look.APPROVED, ("2 500 sats", "Paid")))
            board.bench.lift()
            assert reader.wait_gone(_SOON)


def unmodified_nfcpy_reads_a_card_through_hsu_and_the_panel_goes_on_after_it(board: Board) -> None:
    with board.plugged(), open_reader(f"panel:{SERIAL}") as reader:
        clf = open_nfcpy(board.hsu())
        try:
            board.bench.lay("ann")
            tag = read_tag(clf)
            assert tag.type == "Type4Tag"
            assert tag.identifier == board.drawer.read("ann").uid.raw
            assert tag.ndef.length > 0
        finally:
            clf.close()
        board.bench.lift()
        reader.show(SALE)
        assert reader.wait_card(1_200) is None  # nfcpy was quiet for a second: the chip is ours
        board.bench.lay("ann")
        assert counter_of(card_on(reader)) > 3


def unplugged_in_the_middle_of_a_tap_no_tap_is_told_and_the_next_one_counts(board: Board) -> None:
    before = board.drawer.read("ann").read_counter
    with board.plugged(), open_reader(f"panel:{SERIAL}") as reader:
        reader.show(SALE)
        assert reader.wait_card(1) is None
        seen = in_background(lambda: reader.wait_card(_SOON))
        board.bench.lay("ann")
        board.pause(answered=1).wait()  # signed and counted, and the answer is never heard
        board.unplug()
        assert isinstance(seen(), ReaderGone)
        board.plug()
        with open_reader(f"panel:{SERIAL}") as again:
            again.show(SALE)
            assert counter_of(card_on(again)) == before + 2


def replugged_while_its_old_port_is_held_it_has_another_number_and_is_found(board: Board) -> None:
    with board.plugged() as first:
        with bare(first), bare(board.hsu()):
            board.unplug()
            second = board.plug()
            assert second != first
            assert (second, SERIAL) == next((p.device, p.serial) for p in panel_ports())
            with open_reader(f"panel:{SERIAL}") as reader:
                board.bench.lay("ann")
                assert card_on(reader).uid == board.drawer.read("ann").uid.raw
        board.bench.lift()
        board.unplug()
        assert board.plug() == first  # nobody holds the old one any more


CASES: tuple[Callable[[Board], None], ...] = (
    it_is_enumerated_as_two_serial_ports_with_our_numbers_names_and_serial,
    udev_names_it_by_its_serial_and_keeps_modem_managers_off,
    what_a_device_says_too_early_comes_back_to_it_as_if_the_host_had_said_it,
    our_firmware_says_nothing_before_hello_whatever_it_hears,
    a_sale_is_tapped_through_the_panel_and_its_signature_holds,
    unmodified_nfcpy_reads_a_card_through_hsu_and_the_panel_goes_on_after_it,
    unplugged_in_the_middle_of_a_tap_no_tap_is_told_and_the_next_one_counts,
    replugged_while_its_old_port_is_held_it_has_another_number_and_is_found,
    *JOB_CASES,
)
