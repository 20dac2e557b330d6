"""`taptill people` and `taptill devices`: who works here, and the tills that are trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host.cli import cli
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import devices, people, stores
from host.store.engine import Engine
from tests.support.command import taptill, words


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    assert taptill(home, "init").exit_code == 0
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    stores.ensure_terminal(db, "till-1", "main")
    db.close()
    return home


def typed(home: Path, pin: str, *arguments: str) -> Result:
    """A command that asks for a PIN twice."""
    given = f"{pin}\n{pin}\n"
    return CliRunner().invoke(cli, ["--home", str(home), *arguments], input=given)


def test_somebody_is_added_and_gets_a_pin_that_is_never_shown(home: Path) -> None:
    assert taptill(home, "people", "add", "Ann").exit_code == 0
    assert "Ann  cashier  main  a link only" in taptill(home, "people", "list").output
    result = typed(home, "2468", "people", "pin", "Ann")
    assert result.exit_code == 0
    assert "Ann has a new PIN" in result.output
    assert "2468" not in result.output
    assert typed(home, "8642", "people", "add", "Bob", "--pin").exit_code == 0
    told = json.loads(taptill(home, "people", "list", "--json").output)
    known = {one["name"]: (one["role"], one["storeId"], one["signsInWith"]) for one in told}
    assert known["Bob"] == ("cashier", "main", ["pin"])
    assert known["manager"][:2] == ("manager", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("people", "add", "manager"), "name: manager is in use"),
        (("people", "add", "Ann", "--store", "nowhere"), "--store: there is no store nowhere"),
        (("people", "add", "Ann", "--store", "x", "--every-store"), "--store and --every-store"),
        (("devices", "revoke", "x"), "device_id: there is no trusted device x"),
        (("devices", "link", "Tablet", "--terminal", "x"), "terminal_id: there is no terminal x"),
    ],
)
def test_what_makes_no_sense_is_said(home: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in words(taptill(home, *arguments))


def test_a_pin_that_is_easy_to_guess_is_refused(home: Path) -> None:
    result = typed(home, "1234", "people", "pin", "manager")
    assert result.exit_code == 2
    assert "too easy to guess" in result.stderr
    assert "nobody is called Ann" in typed(home, "2468", "people", "pin", "Ann").stderr


def test_a_link_makes_a_till_which_is_listed_and_revoked(home: Path) -> None:
    link = taptill(home, "devices", "link", "Tablet").output.strip()
    assert link.startswith("http://127.0.0.1:8424/device/link/")
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    made = devices.redeem(db, link.rpartition("/")[2])
    assert made is not None
    device, token = made
    line = f"{device.device_id}  Tablet  main  till-1"
    assert line in taptill(home, "devices", "list").output
    assert json.loads(taptill(home, "devices", "list", "--json").output)[0]["name"] == "Tablet"
    assert taptill(home, "devices", "list", "--store", "elsewhere").output == ""
    assert taptill(home, "devices", "revoke", device.device_id).exit_code == 0
    assert devices.of_token(db, token) is None
    assert people.by_name(db, "manager") is not None
    db.close()
