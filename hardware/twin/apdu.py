"""What a card receives and answers: short APDUs and status words (ISO/IEC 7816-4, NT4H2421Gx §8.4).

Refused   a command the card does not carry out; its status word is the whole answer
CardLost  no answer at all: the card left the field, or was torn out of it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from host.ntag424.status import Status

NATIVE = 0x90
ISO = 0x00


class Refused(Exception):
    """The card refuses a command; `status` is what it answers."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"{status.value:04X} {status.name}")
        self.status = status


class CardLost(ConnectionError):
    """The card gave no answer: it is out of the field until it is powered again."""


@dataclass(frozen=True, slots=True)
class Command:
    """A short command APDU taken apart; `le` is 1..256, None where there is none."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int | None

    @classmethod
    def parse(cls, apdu: bytes) -> Self:
        """Take a short APDU apart. Raises `Refused` with 6700 for anything else."""
        if len(apdu) < 4:
            raise Refused(Status.ISO_WRONG_LENGTH)
        cla, ins, p1, p2 = apdu[:4]
        body = apdu[4:]
        if len(body) < 2:
            return cls(cla, ins, p1, p2, b"", (body[0] or 256) if body else None)
        lc, data = body[0], body[1:]
        if lc == 0 or len(data) not in (lc, lc + 1):
            raise Refused(
                Status.ISO_WRONG_LENGTH
            )  # an extended length starts with 00: not on this card
        le = (data[lc] or 256) if len(data) > lc else None
        return cls(cla, ins, p1, p2, data[:lc], le)
