"""Bytes on their way: network, serial line, file and USB, each with an end to its patience."""

from __future__ import annotations

import os
import pty
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host.printers import status, wire
from host.printers.errors import PrinterTrouble
from host.printers.printer import Printer
from host.printers.settings import PrinterConfig
from host.printers.usb import UsbWire
from tests.support.printer import COVER_OPEN, OFFLINE, READY, FakePrinter


def config(device: str) -> PrinterConfig:
    return PrinterConfig("bar", device)


def test_what_is_sent_over_the_network_comes_out(fake: FakePrinter) -> None:
    Printer(config(fake.device)).put(b"hello\n")
    assert fake.wait_printed(b"hello\n") == b"hello\n"


def test_a_printer_that_is_off_is_named(fake: FakePrinter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(PrinterTrouble, match=f"nothing answers at 127.0.0.1:{port}"):
        Printer(config(f"tcp:127.0.0.1:{port}")).put(b"x")


def test_nothing_is_sent_to_a_printer_without_paper(fake: FakePrinter) -> None:
    fake.run_out()
    with pytest.raises(PrinterTrouble, match=status.PAPER_WORDS):
        Printer(config(fake.device)).put(b"hello")
    assert fake.printed == b""


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (COVER_OPEN, status.COVER_WORDS),
        (0x52, status.BROKEN_WORDS),
        (READY, status.OFFLINE_WORDS),
    ],
)
def test_why_a_printer_is_not_ready_is_said(fake: FakePrinter, cause: int, words: str) -> None:
    fake.online, fake.cause = OFFLINE, cause
    with pytest.raises(PrinterTrouble, match=words):
        Printer(config(fake.device)).put(b"hello")


def test_paper_that_runs_out_while_it_prints_is_noticed(
    fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.tells = False
    monkeypatch.setattr(status, "PRINTED_S", 0.2)
    printer = Printer(config(fake.device))
    printer.put(b"one")
    real = fake._take

    def end_of_paper(link: socket.socket, data: bytes) -> None:
        real(link, data)
        if b"two" in data:
            fake.run_out()

    fake._take = end_of_paper  # type: ignore[method-assign]
    with pytest.raises(PrinterTrouble, match=status.PAPER_WORDS):
        printer.put(b"two")


def test_a_printer_that_never_says_anything_is_believed(
    fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answers = False
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    printer = Printer(config(fake.device))
    assert not printer.look()
    printer.put(b"hello")
    fake.wait_printed(b"hello")


def test_one_that_answered_once_and_is_silent_now_is_not(
    fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = Printer(config(fake.device))
    assert printer.look()
    fake.answers = False
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    with pytest.raises(PrinterTrouble, match=status.SILENT_WORDS):
        printer.put(b"hello")


def test_a_printer_that_takes_no_data_does_not_hold_us_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    monkeypatch.setattr(wire, "SEND_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        printer = Printer(config(f"tcp:127.0.0.1:{deaf.getsockname()[1]}"))
        with pytest.raises(PrinterTrouble, match=wire.CANNOT_TAKE):
            printer.put(bytes(50_000_000))


def test_a_connection_that_is_closed_is_said(fake: FakePrinter) -> None:
    fake.hangs_up = True
    with pytest.raises(PrinterTrouble, match=r"closed the connection|connection broke"):
        Printer(config(fake.device)).put(b"hello")


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_serial_printer_gets_its_bytes(
    line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    ours, path = line
    Printer(config(f"serial:{path}")).put(b"hello\n")
    told = b""
    while b"hello" not in told:
        told += os.read(ours, 100)
    assert told == b"\x10\x04\x01hello\n"


def test_a_serial_line_that_is_not_there_is_named() -> None:
    with pytest.raises(PrinterTrouble, match="/dev/ttyNone cannot be opened"):
        Printer(config("serial:/dev/ttyNone")).put(b"x")


def test_a_file_grows(tmp_path: Path) -> None:
    printer = Printer(config(f"file:{tmp_path}/out"))
    printer.put(b"one")
    printer.put(b"two")
    assert (tmp_path / "out").read_bytes() == b"onetwo"


def test_a_device_that_is_not_plugged_in_does_not_become_a_file() -> None:
    with pytest.raises(PrinterTrouble, match="/dev/no-printer cannot be opened"):
        Printer(config("file:/dev/no-printer")).put(b"x")
    assert not Path("/dev/no-printer").exists()


class UsbStandIn:
    """As much of libusb as a printer needs."""

    class USBError(Exception):
        pass

    class USBErrorTimeout(USBError):
        pass

    class USBErrorNotSupported(USBError):
        pass

    def __init__(self, setting_class: int = 7) -> None:
        self.sent = b""
        self.claimed: list[int] = []
        self.takes = True
        ends = [
            SimpleNamespace(getAddress=lambda a=a: a, getAttributes=lambda: 2) for a in (3, 0x84)
        ]
        setting = SimpleNamespace(
            getClass=lambda: setting_class, getNumber=lambda: 1, iterEndpoints=lambda: ends
        )
        self.device: Any = SimpleNamespace(iterSettings=lambda: [setting], open=lambda: self)

    def USBContext(self) -> Any:  # noqa: N802 - libusb's name
        return SimpleNamespace(
            getByVendorIDAndProductID=lambda *_, **__: self.device, close=lambda: None
        )

    def setAutoDetachKernelDriver(self, _: bool) -> None:  # noqa: N802
        raise self.USBErrorNotSupported

    def claimInterface(self, number: int) -> None:  # noqa: N802
        self.claimed.append(number)

    def releaseInterface(self, number: int) -> None:  # noqa: N802
        self.claimed.remove(number)

    def bulkWrite(self, end: int, data: bytes, timeout: int) -> int:  # noqa: N802
        assert (end, timeout > 0) == (3, True)
        if not self.takes:
            raise self.USBErrorTimeout
        self.sent += data
        return len(data)

    def bulkRead(self, end: int, size: int, timeout: int) -> bytes:  # noqa: N802
        assert (end, size, timeout > 0) == (0x84, 64, True)
        raise self.USBErrorTimeout

    def close(self) -> None:
        assert not self.claimed


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> UsbStandIn:
    stand_in = UsbStandIn()
    monkeypatch.setitem(sys.modules, "usb1", stand_in)
    return stand_in


def test_a_printer_on_usb_is_asked_for_its_end_points(usb: UsbStandIn) -> None:
    with UsbWire("04b8:0e15") as opened:
        assert usb.claimed == [1]
        opened.send(b"hello")
        assert opened.receive(0.1) == b""
    assert usb.sent == b"hello"
    assert usb.claimed == []


def test_trouble_on_usb_has_words(usb: UsbStandIn) -> None:
    usb.takes = False
    with UsbWire("04b8:0e15") as opened, pytest.raises(PrinterTrouble, match="takes no data"):
        opened.send(b"hello")
    usb.device = None
    with pytest.raises(PrinterTrouble, match="no printer 04b8:0e15 is on USB"):
        UsbWire("04b8:0e15")


def test_what_is_no_printer_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard = UsbStandIn(setting_class=3)
    monkeypatch.setitem(sys.modules, "usb1", keyboard)
    with pytest.raises(PrinterTrouble, match="is no printer"):
        UsbWire("04b8:0e15")
    assert keyboard.claimed == []
