"""Looking after our own readers: the self test, the counters, the settings, a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from host.readers.base import ReaderGone
from host.readers.lock import OwnerLock
from host.readers.panel_find import find_panel
from host.readers.panel_frames import Payload, Value
from host.readers.panel_line import PanelLine
from host.readers.panel_words import COUNTERS, Ability, Boot, Request, Status, Tag


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the reader tried on itself."""

    number: int
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a reader is, and why it started last."""

    serial: str
    firmware: str
    board: str
    path: str
    started: str
    can: list[str]


class Reboot(IntEnum):
    """How to start again."""

    NORMAL = 0
    BOOTSEL = 1
    SAFE = 2


class PanelCare:
    """What a technician asks a reader."""

    def __init__(self, line: PanelLine) -> None:
        self._line = line

    def self_test(self) -> list[Check]:
        """Every check of the reader, in its order; takes less than a second."""
        found = self._ask(Request.SELFTEST).all(Tag.CHECK)
        return [Check(c[0], bool(c[1]), c[2:].decode("utf-8", "replace")) for c in found]

    @property
    def identity(self) -> Identity:
        """Who it is, as it said when the line was opened."""
        hello = self._line.hello
        can = Ability(hello.number(Tag.CAN))
        boot = hello.number(Tag.BOOT)
        return Identity(
            hello.text(Tag.SERIAL),
            hello.text(Tag.FIRMWARE),
            hello.text(Tag.BOARD),
            self._line.path,
            next((why.name.lower() for why in Boot if why == boot), str(boot)),
            [ability.name.lower() for ability in can if ability.name],
        )

    def counters(self) -> dict[str, int]:
        """What it counted since its start, by name."""
        packed = self._ask(Request.STATS).get(Tag.COUNTERS) or b""
        numbers = [int.from_bytes(packed[at : at + 4], "little") for at in range(0, len(packed), 4)]
        return dict(zip(COUNTERS, numbers, strict=False))

    def settings(self) -> dict[str, int]:
        """All settings by name."""
        return _settings(self._ask(Request.CONFIG))

    def change(self, name: str, value: int) -> dict[str, int]:
        """Change one setting. Raises `ValueError` where the reader does not take it."""
        answer = self._line.ask(Request.CONFIG, (Tag.NAME, name), (Tag.VALUE, value))
        if answer.number(Tag.STATUS) != Status.OK:
            raise ValueError(f"{name} = {value} is not taken; it is {_settings(answer)}")
        return _settings(answer)

    def log(self) -> list[str]:
        """The last entries: ms, code, number."""
        return [line.decode() for line in self._ask(Request.LOG).all(Tag.TEXT)]

    def reboot(self, how: Reboot) -> None:
        """Start again; the line is over after it."""
        self._ask(Request.REBOOT, (Tag.KIND, bytes([how])))

    def _ask(self, kind: Request, *records: tuple[int, Value]) -> Payload:
        answer = self._line.ask(kind, *records)
        status = answer.number(Tag.STATUS)
        if status != Status.OK:
            raise ReaderGone(f"the reader at {self._line.path} refuses {kind.name}: {status}")
        return answer


def _settings(answer: Payload) -> dict[str, int]:
    names = [name.decode() for name in answer.all(Tag.NAME)]
    values = [int.from_bytes(value, "little") for value in answer.all(Tag.VALUE)]
    return dict(zip(names, values, strict=False))


@contextmanager
def care_for(where: str = "", *, run_dir: Path | None = None) -> Iterator[PanelCare]:
    """Own a reader for a while; `where` as for `open_panel`. Raises `ReaderGone`."""
    path = find_panel(where)
    lock = OwnerLock.take(path, run_dir)
    try:
        line = PanelLine(path, lambda _: None, lambda: None)
        try:
            yield PanelCare(line)
        finally:
            line.close()
    finally:
        lock.release()
