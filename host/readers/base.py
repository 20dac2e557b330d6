"""One interface for every way to reach a card.

ReaderError                 anything below; the supervisor keeps the daemon alive
├── ReaderGone              the device or its service went away: reopen it, with a pause
│   └── ReaderTaken         somebody else owns the device, the text says who: reopen it later
├── CardGone                the card left the field in the middle: ask for it again
├── CardRefused             the card answered, but is no readable Type 4 card: say so
└── SeveralCards            more than one card in the field: ask for one only
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from host.closing import Closing


class ReaderError(Exception):
    """A reader or the card on it could not do what was asked."""


class ReaderGone(ReaderError):
    """The device, or the service that owns it, went away."""


class ReaderTaken(ReaderGone):
    """The device has an owner already; there is one owner per device."""


class CardGone(ReaderError):
    """The card left the field before the exchange was over."""


class CardRefused(ReaderError):
    """The card is there but cannot be read as a Type 4 tag with an NDEF file."""


class SeveralCards(ReaderError):
    """More than one card lies in the field."""


class Can(StrEnum):
    """What a reader is able to show or take."""

    LIGHTS = "lights"
    TONES = "tones"
    DISPLAY = "display"
    BUTTONS = "buttons"


class Look(StrEnum):
    """What a reader shows; each is a view of the sale's state (UX, "The sale, as states")."""

    OFF = "off"
    IDLE = "idle"
    READY = "ready"
    READING = "reading"
    READ = "read"
    APPROVED = "approved"
    DECLINED = "declined"
    CHECKING = "checking"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Show:
    """One picture for the reader: a look, and two lines where there is a display."""

    look: Look
    lines: tuple[str, str] = ("", "")


class Button(StrEnum):
    """The buttons a reader may have."""

    CONFIRM = "confirm"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button; `tip_percent` where the presses have chosen a tip."""

    button: Button
    long: bool = False
    tip_percent: int | None = None


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Who a reader is: a name that stays the same across replugging, and its driver."""

    name: str
    driver: str
    detail: str = ""
    can: frozenset[Can] = field(default_factory=frozenset)


class CardLink(ABC):
    """A card in the field, for as long as it stays there."""

    seen_ns: int
    """`time.monotonic_ns()` when the driver first knew of the card: a tap's latency starts here."""

    @property
    @abstractmethod
    def uid(self) -> bytes | None:
        """The anticollision UID where the driver knows it (4 random bytes under Random ID)."""

    @abstractmethod
    def transceive(self, apdu: bytes) -> bytes:
        """Send one C-APDU and return the R-APDU with its status word.

        Raises `CardGone` when the card left, `ReaderGone` when the reader did, `CardRefused` when
        this card speaks no APDUs.
        """

    def ahead(self, apdus: Sequence[bytes]) -> None:
        """What will be asked next if nothing surprises, so that it may travel together.

        Every one of them only looks: it does no harm where it is never asked for.
        """
        del apdus  # most links take one command at a time


class RefusedLink(CardLink):
    """A card that is there but cannot be talked to: the till hears why when it tries."""

    def __init__(self, reason: str, seen_ns: int, uid: bytes | None = None) -> None:
        self._reason = reason
        self._uid = uid
        self.seen_ns = seen_ns

    @property
    def uid(self) -> bytes | None:
        return self._uid

    def transceive(self, apdu: bytes) -> bytes:
        raise CardRefused(self._reason)


class Reader(Closing):
    """A reader that is open and owned by us. Used from one thread, except `show` and `close`."""

    info: ReaderInfo
    on_press: Callable[[Press], None] | None = None
    """Told of every press, in the driver's own thread: it must return at once."""

    @abstractmethod
    def wait_card(self, timeout_ms: int) -> CardLink | None:
        """The next card laid down, or None when the time is over.

        One presentation is returned (or raised) once, even if it is never waited for with
        `wait_gone`. Raises `ReaderGone`, or `SeveralCards` where the driver can tell.
        """

    @abstractmethod
    def wait_gone(self, timeout_ms: int) -> bool:
        """True when the card last returned has left; ends its link. Raises `ReaderGone`."""

    @abstractmethod
    def show(self, what: Show) -> None:
        """Show a state as well as this reader can; never raises, never blocks. Any thread."""

    @abstractmethod
    def close(self) -> None:
        """Give the device back; a second call does nothing. Any thread."""


ReaderOpener = Callable[[], Reader]
"""Opens one configured reader; raises `ReaderGone` with words a person can act on."""
