"""The systemd unit: right paths, nothing that systemd does not know, and hardly any rights."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host.cli import cli
from host.service_unit import NAME, Unit

TAPTILL = str(Path(sys.executable).with_name("taptill"))
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def taptill(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def values(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    command = [ANALYZE, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_runs_this_program_in_the_services_own_home() -> None:
    text = taptill("service", "install", "--print").stdout
    assert values(text, "ExecStart") == [f"{TAPTILL} --home /var/lib/taptill run"]
    assert values(text, "User") == ["taptill"]
    assert values(text, "StateDirectory") == ["taptill"]
    assert values(text, "LoadCredential") == ["issuer-keys:/etc/taptill/issuer-keys"]


def test_another_home_and_user_are_what_it_may_write_and_who_it_is(tmp_path: Path) -> None:
    home = tmp_path / "a shop"
    given = ("--user", "cafe", "--credentials", "/etc/cafe")
    text = taptill("--home", str(home), "service", "install", "--print", *given).stdout
    assert f'"{home}"' in values(text, "ReadWritePaths")
    assert values(text, "StateDirectory") == []
    assert values(text, "User") == values(text, "Group") == ["cafe"]
    assert values(text, "LoadCredential") == ["issuer-keys:/etc/cafe/issuer-keys"]
    assert taptill("service", "install", "--user", "a\nb").exit_code == 2


def test_a_home_or_program_among_peoples_folders_is_seen_and_else_they_are_hidden() -> None:
    assert values(Unit(("/opt/taptill/bin/taptill",)).text, "ProtectHome") == ["yes"]
    for program, home in (("/home/ann/bin/taptill", "/var/lib/taptill"), ("/bin/x", "/root/shop")):
        text = Unit((program,), Path(home)).text
        assert values(text, "ProtectHome") == ["read-only"]
    of_pyenv = Unit(("/opt/taptill/bin/taptill",), reads=(Path("/home/ann/.pyenv/bin/python3"),))
    assert values(of_pyenv.text, "ProtectHome") == ["read-only"]


def test_the_wallets_key_is_a_credential_too(tmp_path: Path) -> None:
    tmp_path.joinpath("taptill.toml").write_text(
        '[wallet]\nkind = "lnbits"\nnetwork = "regtest"\n[wallet.lnbits]\n'
        'url = "https://lnbits.example"\n'
    )
    told = taptill("--home", str(tmp_path), "service", "install", "--print")
    assert "lnbits-key:/etc/taptill/lnbits-key" in values(told.stdout, "LoadCredential")
    steps = taptill("--home", str(tmp_path), "service", "install").stdout
    assert "/etc/taptill/lnbits-key" in steps


def test_the_steps_end_with_the_service_enabled_and_change_nothing_by_themselves() -> None:
    *_, last = taptill("service", "install").stdout.splitlines()
    assert last == "sudo systemctl daemon-reload && sudo systemctl enable --now taptill"


@needs_systemd
@pytest.mark.parametrize("home", ["/var/lib/taptill", "/home/ann/100% my shop"])
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path, home: str) -> None:
    unit = tmp_path / NAME
    unit.write_text(Unit((TAPTILL,), Path(home)).text)
    told = analyze("verify", "--man=no", unit)
    assert [line for line in told.stderr.splitlines() if NAME in line or str(unit) in line] == []
    assert told.returncode == 0, told.stderr


@needs_systemd
def test_systemd_counts_its_exposure_as_low(tmp_path: Path) -> None:
    """2.0 of 10 is "OK"; what is left are the network, USB and the user's own groups."""
    unit = tmp_path / NAME
    unit.write_text(Unit((TAPTILL,)).text)
    told = analyze("security", "--no-pager", "--offline=true", "--threshold=20", unit)
    assert told.returncode == 0, told.stdout
