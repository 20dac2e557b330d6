"""The drawer of simulated cards: a folder with one JSON file a card, which survives restarts.

SECURITY: these files hold the keys of the simulated cards. They are readable by their owner only,
and no key of a real card belongs into one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from hardware.twin.apdu import Refused
from hardware.twin.card import TwinCard
from hardware.twin.state import CardState
from host.ntag424.values import Uid

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SUFFIX = ".card.json"


class DrawerError(Exception):
    """A card cannot be had; the text says why. The caller may choose another."""


class Drawer:
    """Cards by name. A card that one process has taken cannot be taken by another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def names(self) -> list[str]:
        """All cards, in order of their names."""
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._paths())

    def create(self, name: str, uid: Uid | None = None) -> CardState:
        """A new card as NXP delivers it; without `uid`, the name decides it."""
        if self._path(name).exists():
            raise DrawerError(f"there is a card {name} already")
        return self.put(name, CardState.factory(uid or _uid_of(name)))

    def put(self, name: str, state: CardState) -> CardState:
        """Put in a card with that memory, in place of one of the same name. Returns the memory."""
        with self._lock(name):
            _write(self._path(name), state)
        return state

    def read(self, name: str) -> CardState:
        """What a card remembers, also while somebody has taken it."""
        path = self._path(name)
        try:
            return CardState.from_json(json.loads(path.read_text("ascii")))
        except FileNotFoundError:
            raise DrawerError(f"there is no card {name}") from None
        except (ValueError, KeyError, TypeError, Refused) as error:
            raise DrawerError(f"{path.name} is no card's state: {error}") from error

    @contextlib.contextmanager
    def take(self, name: str) -> Iterator[TwinCard]:
        """Take a card out: until it is put back, only this process can use it.

        Whatever it commits is in its file before it answers.
        """
        path = self._path(name)
        with self._lock(name):
            state = self.read(name)
            card = TwinCard(state, commit=lambda state: _write(path, state))
            try:
                yield card
            finally:
                card.power_off()

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with (self._folder / f".{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DrawerError(f"the card {name} lies on another reader") from None
            yield

    def _paths(self) -> Iterator[Path]:
        return self._folder.glob(f"*{_SUFFIX}")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise DrawerError("a card's name is made of small letters, digits, - and _")
        return self._folder / f"{name}{_SUFFIX}"


def _uid_of(name: str) -> Uid:
    return Uid(b"\x04" + hashlib.sha256(name.encode()).digest()[:5] + b"\x80")


def _write(path: Path, state: CardState) -> None:
    """Replace the file whole: a reader, or a crash, finds the old card or the new one."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(state.to_json(), file, indent=1)
    draft.replace(path)
