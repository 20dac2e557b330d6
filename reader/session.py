"""One armed sale as the reader sees it: armed, reading, read, waiting for removal. Pure.

A TAP is made only from ARMED, so at most one for each arming, and only with the session's id.
"""

NONE = 0
ARMED = 1
READING = 2
READ = 3  # the host knows the tap and thinks; the card may be removed
AGAIN = 4  # armed again as soon as the card is gone


class Session:
    """The host's session; `id` stays readable after its end, for the REMOVED that follows."""

    def __init__(self) -> None:
        self.id = 0
        self.state = NONE
        self.attempt = 0
        self.flags = 0
        self.armed_at = 0
        self._timeout = 0
        self._deadline = 0

    def arm(self, now: int, session: int, timeout_ms: int, flags: int) -> None:
        """Start a session; one that runs ends without a word."""
        self.id = session
        self.flags = flags
        self.attempt = 1
        self._timeout = timeout_ms
        self._ready(now)

    def _ready(self, now: int) -> None:
        self.state = ARMED
        self.armed_at = now
        self._deadline = now + self._timeout

    def running(self) -> bool:
        return self.state != NONE

    def wants_card(self) -> bool:
        return self.state == ARMED

    def reading(self) -> None:
        self.state = READING

    def read(self) -> None:
        self.state = READ

    def failed(self) -> None:
        """The card could not be read: once more, after it is gone."""
        self.state = AGAIN

    def again(self, now: int, card_lies: bool) -> None:
        """The host asks for one more tap in the same session."""
        self.state = AGAIN
        if not card_lies:
            self.removed(now)

    def removed(self, now: int) -> bool:
        """The card is gone; True when that armed the session again."""
        if self.state != AGAIN:
            return False
        self.attempt += 1
        self._ready(now)
        return True

    def end(self) -> None:
        self.state = NONE

    def expired(self, now: int) -> bool:
        """True when nobody laid a card down in time; a card being read is not interrupted."""
        return self.state in (ARMED, AGAIN) and now >= self._deadline
