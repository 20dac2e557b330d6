"""A powered chip: what it forgets without power, and the one way it changes its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hardware.twin.apdu import Refused
from hardware.twin.session import Session
from hardware.twin.settings import FREE, NEVER, Mode
from hardware.twin.state import CardState, StoredFile
from host.ntag424.status import Status

Random = Callable[[int], bytes]


class Pending(Protocol):
    """A command of several frames that waits for the next one (INS AF)."""

    def proceed(self, chip: Chip, data: bytes) -> tuple[bytes, Status]:
        """Answer the next frame. The chip has already stopped waiting."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """An unauthenticated read in parts: file and instruction stay, so counter and image stay."""

    file_no: int
    ins: int
    image: bytes


class Chip:
    """Selection, session and the state to be committed; it lives from power-up to power-down."""

    def __init__(self, state: CardState, random: Random) -> None:
        self.state = state
        self.random = random
        self.random_id = b"\x08" + random(3) if state.configuration.random_id else None
        self.in_application = False
        self.selected_file: int | None = None
        self.session: Session | None = None
        self.pending: Pending | None = None
        self.reading: Reading | None = None

    def authenticated(self) -> Session:
        """The session. Raises `Refused` 91AE where there is none."""
        if self.session is None:
            raise Refused(Status.AUTHENTICATION_ERROR)
        return self.session

    def master(self) -> Mode:
        """CommMode.Full for the holder of key 0. Raises `Refused` 91AE for everyone else."""
        if self.authenticated().key_no != 0:
            raise Refused(Status.AUTHENTICATION_ERROR)
        return Mode.FULL

    def file(self, number: int) -> StoredFile:
        """Raises `Refused` 91F0 for a file that does not exist."""
        if not 1 <= number <= len(self.state.files):
            raise Refused(Status.FILE_NOT_FOUND)
        return self.state.files[number - 1]

    def access(self, mode: Mode, *rights: int, without_session: int = NEVER) -> Mode:
        """How data travels when one of `rights` is met, NEVER being none (NT4H2421Gx §8.2.3.3).

        A right met only because it is free means plain, even in a session and for a Full file.
        `without_session` is SDMFileRead: a key there lets anyone read what is signed with it.
        Raises `Refused` 91AE where another authentication would help, else 919D.
        """
        if self.session and self.session.key_no in rights:
            return mode
        if FREE in rights or (self.session is None and without_session != NEVER):
            return Mode.PLAIN
        possible = any(right != NEVER for right in (*rights, without_session))
        raise Refused(Status.AUTHENTICATION_ERROR if possible else Status.PERMISSION_DENIED)

    def forget(self) -> None:
        """The end of a session, and of everything begun: what every error leads to."""
        self.session = None
        self.pending = None
        self.reading = None
