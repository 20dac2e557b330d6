"""A running shop with a printer: a tap, and the receipt comes out; nothing else is in the way."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from host import doctor
from host.config import FILE_NAME
from host.ledger import print_jobs, settings
from host.printers.settings import PrinterConfig
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.setup import initialise
from tests.support.printer import FakePrinter
from tests.support.running import config_of, running


def test_a_tap_at_a_running_shop_prints_its_receipt(tmp_path: Path, fake: FakePrinter) -> None:
    config = replace(config_of("till-1"), printers=(PrinterConfig("bar", fake.device),))
    with running(tmp_path / "home", config=config) as shop:
        settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(automatic=True))
        shop.pay(shop.card("Ann"), 21)
        printed = fake.wait_printed(b"Thank you")
        assert b"TOTAL" in printed
        assert b"21 sats" in printed
        assert b"Boltcard Ann ..." in printed
        assert print_jobs.waiting(shop.db, "till-1") == []
        shop.check_books()


def test_a_printer_that_is_off_keeps_no_sale_from_being_paid(tmp_path: Path) -> None:
    off = PrinterConfig("bar", "file:/dev/no-printer")
    config = replace(config_of("till-1"), printers=(off,))
    with running(tmp_path / "home", config=config) as shop:
        settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(automatic=True))
        shop.pay(shop.card("Ann"), 21)
        seen = 0
        while not (told := print_jobs.waiting(shop.db, "till-1")):
            assert shop.db.events.wait(seen, 30_000)
            seen = shop.db.events.last_id()
        assert told[0].error == (
            "printer bar: /dev/no-printer cannot be opened (No such file or directory)"
        )
        shop.pay(shop.card("Ben"), 22)
        shop.check_books()


def test_doctor_names_what_prints_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    list(initialise(home, name="Shop", timezone="UTC", url="https://pay.example.com"))
    with (home / FILE_NAME).open("a") as file:
        file.write('\n[[printers]]\nname = "bar"\ndevice = "tcp:10.0.0.5:9100"\n')
    monkeypatch.setattr(doctor, "_readers", lambda config: iter(()))
    found = {one.name: one for one in doctor.examine(home)}
    assert found["printers"].ok
    monkeypatch.setitem(sys.modules, "escpos.printer", None)
    found = {one.name: one for one in doctor.examine(home)}
    assert not found["printers"].ok
    assert "taptill[receipts]" in found["printers"].line()
