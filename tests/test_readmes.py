"""The READMEs stay true: their commands exist, and a newcomer's first hour runs as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from host import config
from host.cli import cli
from host.printers.settings import PrinterConfig

ROOT = Path(__file__).parent.parent
READMES = sorted([ROOT / "README.md", *ROOT.glob("*/README.md")])
TAPTILL = Path(sys.executable).with_name("taptill")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(path: Path, language: str) -> Iterator[str]:
    for found in _BLOCK.finditer(path.read_text("utf-8")):
        if found[1] == language:
            yield found[2]


def commands() -> Iterator[tuple[str, str]]:
    """Every line of every shell block, with the README it stands in."""
    for path in READMES:
        for block in blocks(path, "sh"):
            for line in block.splitlines():
                text = line.split("  #")[0].strip()
                if text and not text.startswith("#"):
                    yield path.relative_to(ROOT).as_posix(), text


def taptill_words(text: str) -> list[str] | None:
    """The arguments of a `taptill` call in a line, also inside `$(…)`."""
    found = re.search(r"(?:^|\s|\(|/)taptill\s([^)]*)", text)
    return shlex.split(found[1]) if found else None


def test_every_folder_has_a_readme() -> None:
    missing = [
        folder
        for folder in ("reader", "host", "provisioning", "dashboard", "hardware", "tests")
        if not (ROOT / folder / "README.md").is_file()
    ]
    assert not missing


@pytest.mark.parametrize(("where", "text"), sorted(set(commands())))
def test_a_command_in_a_readme_exists(where: str, text: str) -> None:
    words = taptill_words(text)
    if words is not None:
        _check_taptill(words)
    elif text.startswith("make "):
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert text.split()[1] in targets, where


def _check_taptill(words: list[str]) -> None:
    """Walk down the groups, then look for each option."""
    command: click.Command = cli
    context = click.Context(cli, info_name="taptill")
    while isinstance(command, click.Group) and words:
        if words[0] == "--home":
            words = words[2:]
            continue
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
    options = {name for param in command.params for name in param.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_links_in_a_readme_lead_somewhere(path: Path) -> None:
    broken = [
        target
        for target in _LINK.findall(path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken


def test_the_configuration_in_the_readme_is_what_the_code_has() -> None:
    (text,) = blocks(ROOT / "host" / "README.md", "toml")
    assert config.parse(tomllib.loads(text)) == config.Config(
        readers=(config.ReaderConfig("pcsc"),),
        printers=(PrinterConfig("bar", "tcp:192.168.1.50:9100"),),
    )


def test_opening_a_shop_runs_as_the_readme_says(tmp_path: Path) -> None:
    wanted = ("init", "config check", "pull-payments", "cards list", "books", "sign-in")
    lines = [
        text
        for where, text in commands()
        if where == "README.md" and any(f"taptill {name}" in text for name in wanted)
    ]
    lines.sort(key=lambda text: "taptill init" not in text)
    script = "set -eu\n" + "\n".join(lines)
    environment = os.environ | {
        "TAPTILL_HOME": str(tmp_path / "home"),
        "PATH": f"{TAPTILL.parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "books are clean" in done.stdout
    assert "250 000" in done.stdout
