"""An update is taken up whole or not at all, whenever the power fails."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from reader import update


def _release(folder: Path, word: str) -> None:
    folder.mkdir()
    lines = []
    for name in ("app.mpy", "nfc.mpy"):
        data = f"{word} {name}".encode()
        (folder / name).write_bytes(data)
        lines.append(f"{hashlib.sha256(data).hexdigest()} {name}")
    (folder / "MANIFEST").write_text("\n".join(lines) + "\n")


def _runs(root: Path) -> str:
    assert update.whole(str(root / "reader"))
    return (root / "reader/app.mpy").read_text().split()[0]


def test_a_whole_release_is_taken_up_and_stays_once_it_settled(tmp_path: Path) -> None:
    _release(tmp_path / "reader", "first")
    _release(tmp_path / "new", "second")
    assert update.at_boot(str(tmp_path)) == "updated"
    update.settled(str(tmp_path))
    assert update.at_boot(str(tmp_path)) == ""
    assert _runs(tmp_path) == "second"


def test_a_release_that_does_not_start_is_taken_back(tmp_path: Path) -> None:
    _release(tmp_path / "reader", "first")
    _release(tmp_path / "new", "second")
    update.at_boot(str(tmp_path))
    assert update.at_boot(str(tmp_path)) == "went back"
    assert update.at_boot(str(tmp_path)) == ""
    assert _runs(tmp_path) == "first"


@pytest.mark.parametrize("damage", ["changed", "missing", "extra", "no manifest"])
def test_a_release_that_is_not_whole_is_left_alone(tmp_path: Path, damage: str) -> None:
    _release(tmp_path / "reader", "first")
    new = tmp_path / "new"
    _release(new, "second")
    match damage:
        case "changed":
            (new / "app.mpy").write_text("else")
        case "missing":
            (new / "app.mpy").unlink()
        case "extra":
            (new / "more.mpy").write_text("x")
        case _:
            (new / "MANIFEST").unlink()
    assert update.at_boot(str(tmp_path)) == ""
    assert _runs(tmp_path) == "first"


class PowerCut(Exception):
    """The power failed."""


class _CutOs:
    """`os` until the given number of changes was made."""

    def __init__(self, changes: int) -> None:
        self.left = changes

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in ("rename", "remove", "rmdir"):
            return real

        def change(*arguments: str) -> None:
            if not self.left:
                raise PowerCut
            self.left -= 1
            real(*arguments)

        return change


def test_power_cut_at_any_step_leaves_one_of_the_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changes in range(12):
        root = tmp_path / str(changes)
        root.mkdir()
        _release(root / "reader", "first")
        _release(root / "old", "zeroth")
        _release(root / "new", "second")
        monkeypatch.setattr(update, "os", _CutOs(changes))
        try:
            update.at_boot(str(root))
            update.at_boot(str(root))
        except PowerCut:
            pass
        monkeypatch.undo()
        for _ in range(3):
            update.at_boot(str(root))
        assert _runs(root) in ("first", "second")
