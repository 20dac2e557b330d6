"""Counters and the log. Nothing of a card can enter either: both take numbers only."""

NAMES = (
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


class Stats:
    """Counters since boot."""

    def __init__(self) -> None:
        self._counts = [0] * len(NAMES)

    def add(self, name: str) -> None:
        self._counts[NAMES.index(name)] += 1

    def get(self, name: str) -> int:
        return self._counts[NAMES.index(name)]

    def set(self, name: str, value: int) -> None:
        self._counts[NAMES.index(name)] = value

    def packed(self) -> bytes:
        """All counters, u32 little-endian each."""
        return b"".join((count & 0xFFFFFFFF).to_bytes(4, "little") for count in self._counts)


class Log:
    """The last 24 entries: time in ms since boot, a code of words.EV_* or words.FAULT_*, a number.

    Text is made when the host asks, from these numbers alone.
    """

    SIZE = 24

    def __init__(self) -> None:
        self._entries = [(0, 0, 0)] * self.SIZE
        self._next = 0

    def note(self, at: int, code: int, value: int = 0) -> None:
        self._entries[self._next % self.SIZE] = (at, code, value)
        self._next += 1

    def lines(self, offset: int = 0) -> list:
        """Oldest first, as `ms code value`; `offset` makes the host's time of ours."""
        first = max(0, self._next - self.SIZE)
        kept = (self._entries[i % self.SIZE] for i in range(first, self._next))
        return [self.line(entry, offset) for entry in kept]

    def last(self, offset: int) -> str:
        """The newest line."""
        return self.line(self._entries[(self._next - 1) % self.SIZE], offset)

    def line(self, entry: tuple, offset: int) -> str:
        at, code, value = entry
        return f"{at + offset} {code:02X} {value}"
