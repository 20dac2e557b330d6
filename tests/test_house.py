"""The house stands as it was drawn: who imports whom, and how long things may be."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("reader", "host", "provisioning", "dashboard", "hardware")

# Who may import whom, among the rooms of this house.
ALLOWED = {
    "reader": {"reader"},
    "host": {"host"},
    "provisioning": {"provisioning", "host"},
    "dashboard": {"dashboard", "provisioning", "host"},
    "hardware/twin": {"hardware.twin", "host.ntag424"},
    "hardware/demo": {"hardware", "provisioning", "host"},
}

# The host's floors, from the ground up: a module imports only its own floor's room or lower floors.
FLOORS = (
    {"host.ntag424", "host.money", "host.clock", "host.closing", "host.bolt11", "host.lnurl.codec"},
    {"host.store", "host.readers", "host.lightning", "host.keyring", "host.supervise"},
    {"host.ledger", "host.language", "host.dates", "host.retold", "host.receipts"},
    {"host.lnurl", "host.web", "host.till", "host.payer", "host.health", "host.post"}
    | {
        "host.foreign",
        "host.invoices",
        "host.screen",
        "host.visits",
        "host.pinpad",
        "host.printers",
        "host.rates",
    },
)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_arrows_point_one_way(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in imports(path)
        if name.split(".")[0] in ROOMS and name not in ROOMS and not within(name, ALLOWED[folder])
    ]
    assert not wrong


def floor_of(name: str) -> int | None:
    best = max(
        (
            (len(room), number)
            for number, rooms in enumerate(FLOORS)
            for room in rooms
            if within(name, {room})
        ),
        default=None,
    )
    return best[1] if best else None


def test_a_floor_of_the_host_imports_only_floors_below_it() -> None:
    wrong = []
    for path in modules("host"):
        here = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        floor = floor_of(here)
        for name in imports(path):
            other = floor_of(name)
            if floor is not None and other is not None and other > floor:
                wrong.append(f"{here} (floor {floor + 1}) imports {name} (floor {other + 1})")
    assert not wrong


@pytest.mark.parametrize("folder", [*ROOMS, "tests"])
def test_modules_are_under_400_lines_and_functions_under_40(folder: str) -> None:
    long = []
    for path in modules(folder):
        text = path.read_text("utf-8")
        name = path.relative_to(ROOT)
        if (lines := text.count("\n")) >= 400:
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.body[0].lineno + 1
                if length > 40:
                    long.append(f"{name}: {node.name} has {length} lines")
    assert not long


def test_public_modules_say_what_they_are_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for folder in ROOMS
        for path in modules(folder)
        if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None
    ]
    assert not silent


def test_nothing_committed_names_a_machine_or_a_package_index() -> None:
    index = "|".join(["py" + "pi\\.org", "python" + "hosted\\.org", "registry\\.npm" + "js"])
    pattern = re.compile(rf"(?:^|[^A-Za-z0-9_.])/(?:work|farm)/[a-z]|{index}|deb\.debi" + "an")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    leaks = []
    for name in filter(None, tracked):
        try:
            text = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        leaks += [f"{name}: {line[:80]}" for line in text.splitlines() if pattern.search(line)]
    assert not leaks
