"""`taptill doctor`: everything is looked at, what is wrong is named, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from host import doctor
from host import keyring as keyrings
from host.cli import cli
from host.config import DATABASE_NAME, FILE_NAME
from host.doctor import Finding, examine
from host.readers.probe import Finding as Probed
from host.setup import initialise


@pytest.fixture(autouse=True)
def readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own readers are another test's."""
    import host.readers.probe as probes

    def none() -> Iterator[Probed]:
        yield Probed("pcscd", True, "answers; readers: none")

    monkeypatch.setattr(probes, "probe", none)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    list(initialise(made, name="Shop", timezone="UTC", url="https://pay.example.com"))
    return made


def looked(home: Path) -> dict[str, Finding]:
    return {one.name: one for one in examine(home)}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_home_in_order_has_no_finding(home: Path) -> None:
    found = looked(home)
    assert [one for one in found.values() if not one.ok] == []
    assert set(found) == {
        *("python", "sqlite", "disk", "keys", "ledger", "config", "pcscd", "wallet", "url")
    }
    assert "simulation" in found["wallet"].words
    result = CliRunner().invoke(cli, ["--home", str(home), "doctor"])
    assert result.exit_code == 0
    assert all(line.startswith("ok ") for line in result.output.splitlines())


def test_nothing_there_is_told_with_the_line_that_mends_it_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    missing = tmp_path / "nowhere" / "home"
    found = looked(missing)
    for name in ("keys", "ledger"):
        assert not found[name].ok
        assert "taptill init" in found[name].mend
    assert list(tmp_path.iterdir()) == []
    result = CliRunner().invoke(cli, ["--home", str(missing), "doctor", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert {"name", "ok", "words", "mend"} == set(told[0])


def test_looking_changes_nothing(home: Path) -> None:
    looked(home)  # the simulation's own file is made once
    before = {name: data for name, data in tree(home).items() if "wal" not in name.split("-")[-1]}
    looked(home)
    after = tree(home)
    assert {name: after[name] for name in before} == before


def test_keys_that_others_can_read_and_keys_of_the_demo(home: Path) -> None:
    keys = home / keyrings.FILE_NAME
    keys.chmod(0o644)
    assert "chmod 600" in looked(home)["keys"].words
    keys.unlink()
    keyrings.save(keyrings.generate(demo=True), keys)
    found = looked(home)["keys"]
    assert found.ok
    assert "not for real money" in found.words


def test_a_damaged_ledger_is_told_and_hides_nothing_else(home: Path) -> None:
    path = home / DATABASE_NAME
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    path.write_bytes(bytes(content))
    found = looked(home)
    assert not found["ledger"].ok
    assert found["wallet"].ok
    path.write_bytes(b"not a database at all, but long enough to look like something" * 40)
    assert "not a Taptill database" in looked(home)["ledger"].words


def test_a_configuration_that_cannot_be_read_is_told_beside_everything_else(home: Path) -> None:
    (home / FILE_NAME).write_text("[walet]\n")
    found = looked(home)
    assert "did you mean `wallet`?" in found["config"].words
    assert found["keys"].ok
    assert found["ledger"].ok
    assert "wallet" not in found


def test_a_wallet_that_does_not_answer_is_named(home: Path) -> None:
    with (home / FILE_NAME).open("a") as toml:
        toml.write('[wallet]\nkind = "mattress"\n')
    found = looked(home)
    assert not found["wallet"].ok
    assert "mattress" in found["wallet"].words
    assert found["url"].ok


def test_an_address_that_others_will_not_use_is_told(home: Path) -> None:
    (home / FILE_NAME).write_text('[public]\nurl = "http://pay.example.com"\n')
    found = looked(home)["url"]
    assert not found.ok
    assert "insist on https" in found.words
    (home / FILE_NAME).write_text(f'[public]\nurl = "http://{"a" * 56}.onion"\n')
    assert looked(home)["url"].ok
    (home / FILE_NAME).write_text('[public]\nurl = "http://x.onion.evil.example"\n')
    assert not looked(home)["url"].ok


def test_a_disk_that_is_nearly_full_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1 << 62)
    found = looked(home)["disk"]
    assert not found.ok
    assert "does not arm" in found.mend


def test_a_finding_is_one_line_and_its_mending_another() -> None:
    good = Finding("disk", True, "plenty", "never shown")
    bad = Finding("disk", False, "little", "free some")
    assert good.line() == "ok  disk     plenty"
    assert bad.line().splitlines() == ["BAD disk     little", "            → free some"]
