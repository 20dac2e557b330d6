"""What we took from others is what we say it is: file, version, licence and sum."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = [
    "dashboard/static/vendor/VENDOR.md",
    "hardware/twin/counter/static/vendor/VENDOR.md",
    "tests/browser/vendor/VENDOR.md",
]


def rows(table: Path) -> dict[str, tuple[str, str, str, str]]:
    found = {}
    for line in table.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"[0-9a-f]{64}", cells[4]):
            found[cells[0]] = (cells[1], cells[2], cells[3], cells[4])
    return found


@pytest.mark.parametrize("table", TABLES)
def test_every_vendored_file_has_its_version_its_licence_and_the_right_sum(table: str) -> None:
    folder = (ROOT / table).parent
    named = rows(ROOT / table)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - {"VENDOR.md"} == set(named)
    for name, (package, version, licence, total) in named.items():
        assert package
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert licence in {"MIT", "OFL-1.1", "MPL-2.0"}
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == total


def test_pages_and_scripts_of_ours_load_nothing_from_elsewhere_and_hold_nothing_inline() -> None:
    ours = [
        path
        for folder in ("dashboard", "hardware/twin/counter")
        for kind in ("*.html", "*.js", "*.css")
        for path in (ROOT / folder).rglob(kind)
        if "vendor" not in path.parts
    ]
    assert len(ours) > 20
    for path in ours:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn", text), path
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|javascript:", text), path
        assert not re.search(r"<script(?![^>]*\s(?:src|type=.application/json)\b)", text), path
