"""What the reader shows: a look and its words. The host's own lights and tones go before it."""

from reader import words as w

HOST_MS = 10_000
"""LED and TONE of the host end by themselves after this time."""


class Face:
    """The look now shown and since when; lights, tones and picture are functions of it."""

    def __init__(self) -> None:
        self.look = w.LOOK_IDLE
        self.since = 0
        self.amount = ""
        self.currency = ""
        self.lines = ("", "")
        self.lights = b""
        self.lights_until = 0
        self.melody = ()
        self.melody_since = 0

    def show(self, look: int, now: int, lines: tuple = ("", "")) -> None:
        """Another look, from its beginning."""
        self.look = look
        self.since = now
        self.lines = lines
        self.lights = b""
        self.melody = ()

    def tick(self, now: int) -> None:
        """Looks that end by themselves."""
        if self.lights and now >= self.lights_until:
            self.lights = b""
        stays = STAY_MS.get(self.look, 0)
        if stays and now - self.since >= stays:
            self.show(w.LOOK_IDLE, now)


STAY_MS = {w.LOOK_APPROVED: 5_000, w.LOOK_DECLINED: 30_000, w.LOOK_ERROR: 30_000}
