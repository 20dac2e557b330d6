"""`taptill printer`: what there is, a test strip, and the cash drawer of a running shop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.clock import SystemClock
from host.config import FILE_NAME
from host.health import Board
from host.ledger import audit, people
from host.ledger.permissions import Role
from host.printers import status
from host.printers.settings import PrinterConfig
from host.printers.station import bodies
from host.store.engine import Engine
from host.supervise import Worker
from tests.support.command import taptill, words
from tests.support.printer import NEVER_S, FakePrinter, fake_printer
from tests.support.shop import Shop


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Shop.open(tmp_path, SystemClock()).close()
    return tmp_path


@pytest.fixture
def fake(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePrinter]:
    monkeypatch.setattr(status, "ANSWER_S", NEVER_S)
    with fake_printer() as printer:
        (home / FILE_NAME).write_text(
            f'[[printers]]\nname = "bar"\ndevice = "{printer.device}"\ndrawer_pin = 2\n'
        )
        yield printer


def test_the_list_says_how_each_printer_is(
    home: Path, fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert taptill(home, "printer", "list").stdout.split()[-1] == "ready"
    fake.run_out()
    (row,) = json.loads(taptill(home, "printer", "list", "--json").stdout)
    assert (row["name"], row["terminals"], row["state"]) == (
        "bar",
        ["till-1"],
        status.PAPER_WORDS,
    )
    fake.refill()
    fake.answers = False
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    assert "says nothing" in taptill(home, "printer", "list").stdout


def test_a_shop_without_printers_is_told_how_to_have_one(home: Path) -> None:
    assert "add [[printers]]" in taptill(home, "printer", "list").stderr
    assert words(taptill(home, "printer", "test")) == "there is no printer: taptill.toml has none"


def test_a_strip_is_printed_at_once(home: Path, fake: FakePrinter) -> None:
    assert taptill(home, "printer", "test", "bar").stdout == "bar: printed\n"
    fake.wait_printed(b"42 columns")
    fake.run_out()
    assert words(taptill(home, "printer", "test")) == f"bar: {status.PAPER_WORDS}"


def test_the_drawer_is_opened_by_the_running_service(home: Path, fake: FakePrinter) -> None:
    with Engine.open(home / "taptill.db", SystemClock()) as db:
        ann = people.create(db, "Ann", Role.CASHIER)
        config = PrinterConfig("bar", fake.device, drawer_pin=2)
        made = bodies([config], db, Board(db, SystemClock()), simulated=False)
        workers = [Worker(name, body) for name, body in made]
        for worker in workers:
            worker.start()
        try:
            done = taptill(home, "printer", "drawer", "--person", "Ann", "--reason", "change")
            assert done.stdout == "opened\n"
            fake.wait_printed(b"\x1bp\x0022")
            assert audit.recent(db)[0].person_id == ann.person_id
        finally:
            for worker in workers:
                worker.stop()
            db.events.close()
            over = [worker.join(NEVER_S) for worker in workers]
    assert all(over)


def test_a_drawer_that_nobody_opens_is_said(
    home: Path, fake: FakePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.commands.printer._WAIT_S", 0.0)
    assert "no cash drawer" in words(taptill(home, "printer", "drawer"))
    with Engine.open(home / "taptill.db", SystemClock()) as db:
        config = PrinterConfig("bar", fake.device, drawer_pin=2)
        list(bodies([config], db, Board(db, SystemClock()), simulated=False))
    done = taptill(home, "printer", "drawer")
    assert (done.exit_code, "is `taptill run` at work?" in done.stdout) == (1, True)
    assert words(taptill(home, "printer", "drawer", "--person", "Zoe")) == (
        "there is no person Zoe"
    )
