"""An NTAG 424 DNA in software: APDUs in, APDUs out, and every way a real card can disappear.

The state is one immutable value. A command stages a new one, and it is committed, kept by the
owner's `commit`, before the answer leaves: so a tear falls before or after it, never into it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from hardware.twin import iso, native
from hardware.twin.apdu import ISO, NATIVE, CardLost, Command, Refused
from hardware.twin.chip import Chip, Random
from hardware.twin.state import CardState
from host.ntag424.status import Status
from host.ntag424.values import Uid

ATS = bytes.fromhex("067777710280")
_FIRST_FRAME = 110
"""File bytes that surely lie in the first frame of a chained write."""


class TearAt(StrEnum):
    """The moment in which the card leaves the field."""

    COMMAND = "command"
    """Before it has understood the command: nothing happens."""
    COMMIT = "commit"
    """It works on the command, and nothing of it is kept."""
    MIDDLE = "middle"
    """In the middle of a write that needs several frames: the first part is kept."""
    ANSWER = "answer"
    """All of it is kept, and the answer is lost."""


@dataclass(frozen=True, slots=True)
class Tear:
    """Where the card leaves, and how many commands it still answers before."""

    at: TearAt
    skip: int = 0


class TwinCard:
    """One card in somebody's field. Raises `CardLost` where a real card would stay silent."""

    def __init__(
        self,
        state: CardState,
        *,
        commit: Callable[[CardState], None] = lambda state: None,
        random: Random = os.urandom,
        latency: float = 0.0,
    ) -> None:
        self.latency = latency
        """Seconds every answer takes; a card lifted meanwhile has done it and lost the answer."""
        self._state = state
        self._commit = commit
        self._random = random
        self._lock = threading.Lock()
        self._tear: Tear | None = None
        self._chip: Chip | None = Chip(state, random)

    @classmethod
    def factory(cls, uid: Uid) -> Self:
        """A new card as NXP delivers it, kept in memory only."""
        return cls(CardState.factory(uid))

    @property
    def state(self) -> CardState:
        """What the card remembers now."""
        return self._state

    @property
    def identity(self) -> bytes:
        """What anticollision shows: the UID, or 4 random bytes for as long as it is powered."""
        chip = self._chip
        return (chip.random_id if chip else None) or self._state.uid.raw

    @property
    def powered(self) -> bool:
        """Whether it is in a field; without one it is silent."""
        return self._chip is not None

    def power_off(self) -> None:
        """The field goes: selection, session and random ID are forgotten."""
        with self._lock:
            self._chip = None

    def power_on(self) -> None:
        """The field comes, or comes back: the card starts afresh."""
        with self._lock:
            self._chip = Chip(self._state, self._random)

    def tear(self, tear: Tear | None) -> None:
        """Arm one tear, or none."""
        with self._lock:
            self._tear = tear

    def transceive(self, apdu: bytes) -> bytes:
        """Answer one command APDU. Raises `CardLost`."""
        with self._lock:
            chip = self._chip
            if chip is None:
                raise CardLost("no card in the field")
            answer = self._answer(chip, bytes(apdu))
        if self.latency:
            time.sleep(self.latency)
        if self._chip is not chip:
            raise CardLost("the card left before it answered")
        return answer

    def _answer(self, chip: Chip, apdu: bytes) -> bytes:
        tear = self._due_tear()
        if tear is not TearAt.COMMAND:
            answer = _execute(chip, apdu)
            if tear is TearAt.MIDDLE:
                chip.state = _half_written(self._state, chip.state)
            if tear is not TearAt.COMMIT and chip.state is not self._state:
                self._commit(chip.state)
                self._state = chip.state
        if tear:
            self._chip = None
            raise CardLost(f"the card was torn away: {tear}")
        return answer

    def _due_tear(self) -> TearAt | None:
        tear = self._tear
        if tear is None:
            return None
        self._tear = replace(tear, skip=tear.skip - 1) if tear.skip else None
        return None if tear.skip else tear.at


def _execute(chip: Chip, apdu: bytes) -> bytes:
    try:
        command = Command.parse(apdu)
        if command.cla == NATIVE:
            data, status = native.execute(chip, command, len(apdu))
        elif command.cla == ISO:
            data, status = iso.execute(chip, command), Status.ISO_OK
        else:
            raise Refused(Status.ISO_CLA_NOT_SUPPORTED)
    except Refused as refused:
        chip.forget()
        return refused.status.raw
    return data + status.raw


def _half_written(before: CardState, after: CardState) -> CardState:
    """What a torn chained write leaves; what fits into one frame is written whole or not at all."""
    for number, (old, new) in enumerate(zip(before.files, after.files, strict=True), 1):
        changed = [
            n for n, (a, b) in enumerate(zip(old.content, new.content, strict=True)) if a != b
        ]
        if changed and changed[-1] - changed[0] > _FIRST_FRAME:
            cut = changed[0] + _FIRST_FRAME
            mixture = replace(new, content=new.content[:cut] + old.content[cut:])
            return before.with_file(number, mixture)
    return before
