"""Numbers of the panel protocol, version 1 (`reader/README.md`); unknown values are kept as ints.

They are written a second time in the firmware (`reader/words.py`), which shares no code with the
host; a test holds the two against each other.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

PROTOCOL = 1
ANSWER = 0x80
"""Set in the type of an answer."""


class Request(IntEnum):
    """What the host asks."""

    HELLO = 0x01
    PING = 0x02
    ARM = 0x03
    DISARM = 0x04
    RESULT = 0x05
    UI = 0x06
    LED = 0x07
    TONE = 0x08
    NFC_MODE = 0x09
    APDU = 0x0A
    FIELD_RESET = 0x0B
    SELFTEST = 0x0C
    STATS = 0x0D
    CONFIG = 0x0E
    LOG = 0x0F
    REBOOT = 0x10
    TIME = 0x11
    EVENT_ACK = 0x3E


class Event(IntEnum):
    """What the reader tells by itself."""

    READY = 0x40
    TAP = 0x41
    TAP_ERROR = 0x42
    REMOVED = 0x43
    BUTTON = 0x44
    TIP = 0x45
    FAULT = 0x46
    OWNER = 0x47
    LOG = 0x48


class Tag(IntEnum):
    """What a record of a payload is; numbers in it are little-endian."""

    STATUS = 0x01
    SESSION = 0x02
    AMOUNT = 0x03
    CURRENCY = 0x04
    TIMEOUT = 0x05
    FLAGS = 0x06
    OUTCOME = 0x07
    LINE1 = 0x08
    LINE2 = 0x09
    UID = 0x0A
    ATS = 0x0B
    NDEF = 0x0C
    TIMINGS = 0x0D
    ATTEMPT = 0x0E
    REASON = 0x0F
    C_APDU = 0x10
    R_APDU = 0x11
    STOP_UNLESS = 0x12
    MODE = 0x13
    OWNER = 0x14
    LIGHTS = 0x15
    TONE = 0x16
    LOOK = 0x17
    SERIAL = 0x18
    FIRMWARE = 0x19
    BOARD = 0x1A
    BOOT = 0x1B
    PROTOCOL = 0x1C
    CAN = 0x1D
    NAME = 0x1E
    VALUE = 0x1F
    COUNTERS = 0x20
    TEXT = 0x21
    TIME = 0x22
    BUTTON = 0x23
    HOW = 0x24
    TIP = 0x25
    CHECK = 0x26
    KIND = 0x27
    EVENT_SEQ = 0x28
    CODE = 0x29
    STATE = 0x2A
    HOST = 0x2B


class Status(IntEnum):
    """How a request went; the first record of every answer."""

    OK = 0
    BAD_REQUEST = 1
    UNKNOWN = 2
    STALE = 3
    NO_CARD = 4
    BUSY = 5
    OWNED = 6
    FAILED = 7
    MORE = 8
    SAFE_MODE = 9


class Arm(IntFlag):
    """How to arm."""

    READ = 0
    DETECT_ONLY = 1
    QUIET = 2


class Outcome(IntEnum):
    """How a sale ended."""

    APPROVED = 1
    DECLINED = 2
    ERROR = 3
    RETRY = 4


class Reason(IntEnum):
    """Why a card could not be read."""

    TWO_CARDS = 1
    REMOVED_EARLY = 2
    NOT_TYPE_4 = 3
    READ_FAILED = 4


class State(IntFlag):
    """The reader's state, in answers to HELLO and PING."""

    ARMED = 1
    CARD = 2
    SAFE = 4
    FAULT = 8


class Ability(IntFlag):
    """What the reader has."""

    LIGHTS = 1
    TONES = 2
    DISPLAY = 4
    BUTTONS = 8


class Boot(IntEnum):
    """Why it started."""

    POWER = 1
    WATCHDOG = 3
    HOST = 4
    SAFE = 5


COUNTERS = (
    "frames",
    "broken",
    "repeated",
    "stale",
    "early",
    "taps",
    "tap_errors",
    "removed",
    "apdus",
    "chip_commands",
    "chip_timeouts",
    "chip_faults",
    "rf_errors",
    "hsu_commands",
    "hsu_refused",
    "events_lost",
    "task_faults",
    "feeds",
)
"""What STATS counts, in its order."""


class Key(IntEnum):
    """A button, in BUTTON."""

    CONFIRM = 1
    CANCEL = 2


class How(IntEnum):
    """How it was pressed."""

    SHORT = 1
    LONG = 2


class ScreenLook(IntEnum):
    """What UI shows."""

    OFF = 0
    IDLE = 1
    ARMED = 2
    READING = 3
    READ = 4
    APPROVED = 5
    DECLINED = 6
    ERROR = 7
    RETRY = 8
    CHECKING = 9
    TIP = 10
    FAULT = 11
    SAFE = 12
