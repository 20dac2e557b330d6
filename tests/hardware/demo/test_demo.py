"""`taptill demo --once`, as a person runs it: a program of its own, from nothing to a payout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hardware.demo.stage import CASHIER, CASHIERS_PIN, Ports, device_link, several, stage
from hardware.twin import private_pcscd
from host import keyring as keyrings
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import books, devices
from host.store.engine import Engine
from tests.support.ports import free_port
from tests.support.running import get

ROOT = Path(__file__).parents[3]
TAPTILL = Path(sys.executable).with_name("taptill")
OURS = Ports(free_port(), free_port(), free_port())
"""The usual ports may be those of a demo beside us."""


def taptill(*arguments: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run the command; what it makes for itself it makes in `temporary`."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("TAPTILL")}
    return subprocess.run(
        [str(TAPTILL), *arguments],
        cwd=ROOT,
        env={**env, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def proof(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object it prints."""
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return told


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not below the test's own folder: a socket's path has to fit into 107 characters."""
    return tmp_path_factory.mktemp("tmp")


@pytest.mark.parametrize(
    "reader", [None, "nfc", "panel", pytest.param("pcsc", marks=pytest.mark.pcsc), "direct"]
)
def test_once_prints_sale_payout_and_usage_and_leaves_nothing_behind(
    temporary: Path, reader: str | None
) -> None:
    if reader == "pcsc" and (reason := private_pcscd.why_not()):
        pytest.skip(reason)
    which = ["--reader", reader] if reader else []
    told = proof(taptill("demo", "--once", "--json", *which, temporary=temporary))
    assert set(told) == {"sale", "payout", "usage"}
    assert told["sale"]["state"] == "approved"
    assert told["payout"]["status"] == "Completed"
    assert told["payout"]["amountMsat"] == told["sale"]["amountMsat"] == 2_100_000
    assert told["usage"]["totalPayouts"] == 1
    assert told["usage"]["totalAmount"] == told["payout"]["amount"] == "0.00002100"
    assert told["usage"]["boltcardId"] == told["payout"]["boltcardId"]
    assert list(temporary.iterdir()) == []


def test_without_json_it_tells_each_step_in_words(temporary: Path) -> None:
    result = taptill("demo", "--once", "--reader", "direct", temporary=temporary)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "made the card Ada"
    assert lines[-2].startswith("payout ")
    assert lines[-2].endswith(" Completed")
    assert lines[-1] == "card Ada: 1 payout"


def test_a_home_that_is_named_keeps_its_cards_payouts_and_books(
    tmp_path: Path, temporary: Path
) -> None:
    home = tmp_path / "home"
    once = ("--home", str(home), "demo", "--once", "--json", "--reader")
    first = proof(taptill(*once, "direct", temporary=temporary))
    second = proof(taptill(*once, "nfc", temporary=temporary))
    for name in ("boltcardId", "boltcardNtag"):
        assert first["payout"][name] == second["payout"][name]
    assert [one["usage"]["totalPayouts"] for one in (first, second)] == [1, 2]
    assert second["payout"]["counter"] > first["payout"]["counter"]
    assert first["payout"]["payoutId"] != second["payout"]["payoutId"]
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        assert books.check(db).ok


def test_once_in_a_home_where_the_whole_demo_ran_tells_of_the_card_that_paid(
    tmp_path: Path, temporary: Path
) -> None:
    home = tmp_path / "home"
    with stage(home, "direct", lambda _: None, live=False):
        pass  # all its cards are made
    told = proof(
        taptill(
            *("--home", str(home), "demo", "--once", "--json", "--reader", "direct"),
            temporary=temporary,
        )
    )
    assert told["usage"]["boltcardAlias"] == "Ada"
    assert told["usage"]["totalPayouts"] == 1


def test_threat_9_a_shops_own_home_is_never_played_with(tmp_path: Path, temporary: Path) -> None:
    """Cards of the demo have their keys in files: under real issuer keys they would pay."""
    home = tmp_path / "home"
    home.mkdir()
    keyrings.save(keyrings.generate(), home / keyrings.FILE_NAME)
    result = taptill(
        *("--home", str(home), "demo", "--once", "--json", "--reader", "direct"),
        temporary=temporary,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert "the demo does not play with them" in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in home.iterdir()] == [keyrings.FILE_NAME]


def test_threat_9_the_demos_keys_are_refused_by_a_real_daemon(
    tmp_path: Path, temporary: Path
) -> None:
    home = tmp_path / "home"
    proof(
        taptill(
            *("--home", str(home), "demo", "--once", "--json", "--reader", "direct"),
            temporary=temporary,
        )
    )
    result = taptill("--home", str(home), "run", temporary=temporary)
    assert result.returncode == 2
    assert "demo keys" in result.stderr


def test_a_service_that_cannot_start_here_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from host.cli import cli

    monkeypatch.setattr(private_pcscd, "why_not", lambda: "pcscd is missing: install pcscd")
    arguments = ["--home", str(tmp_path / "home"), "demo", "--once", "--reader", "pcsc"]
    before = dict(os.environ)
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "pcscd is missing: install pcscd" in result.stderr
    assert dict(os.environ) == before, "this process goes on asking the service that it had"


def test_the_virtual_counter_links_to_the_till(tmp_path: Path) -> None:
    given: dict[str, Any] = {"live": True, "ports": OURS}
    with stage(tmp_path / "home", "nfc", lambda _words: None, **given) as (daemon, twin):
        assert twin.counter_url
        browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({})
        )
        with browser.open(twin.counter_url, timeout=60) as answer:
            page = answer.read().decode()
        assert f'href="{daemon.urls["dashboard"]}/till"' in page


def test_the_live_demo_says_what_to_click_serves_it_and_ends_with_a_signal(
    tmp_path: Path, temporary: Path
) -> None:
    home = tmp_path / "home"
    env = {name: text for name, text in os.environ.items() if not name.startswith("TAPTILL")}
    with subprocess.Popen(
        [str(TAPTILL), "--home", str(home), "demo"],
        cwd=ROOT,
        env={**env, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "Ctrl-C ends the demo" in line:
                    break
            text = "".join(said)
            sign_in, counter = re.findall(r"http://127\.0\.0\.1:[0-9]+\S*", text)[:2]
            for url in (sign_in, counter):
                parts = urlsplit(url)
                assert get(f"http://{parts.netloc}", parts.path or "/")[0] in (200, 302, 303)
            process.terminate()
            rest, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert rest.strip().endswith("ending the demo")
    assert "Traceback" not in errors
    assert "no real money moves" in text
    assert "tap the name, and type the PIN 2580" in text


def test_two_readers_make_two_tills_and_the_cashiers_link_opens_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    given: dict[str, Any] = {"live": True, "only": 1, "ports": OURS}
    with several(home, ["nfc", "nfc"], lambda _: None, **given) as (daemon, twins):
        counters = {twin.counter_url for twin in twins}
        assert len(counters) == 2
        assert [one.terminal for one in daemon.config.readers] == ["till-1", "till-2"]
        asked = {"Accept": "text/html"}
        link = urllib.request.Request(device_link(daemon, "till-2"), headers=asked)
        browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({})
        )
        with browser.open(link, timeout=60) as answer:
            assert CASHIER in answer.read().decode()
        (device,) = devices.every(daemon.db)
        (cass,) = devices.colleagues(daemon.db, device)
        assert device.terminal_id == "till-2"
        assert isinstance(devices.sign_in(daemon.db, device, cass.person_id, CASHIERS_PIN), str)
