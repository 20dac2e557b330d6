"""Two buttons: bounce taken out, short and long presses. Pure."""

from reader.words import CANCEL, CONFIRM, LONG, SHORT

BOUNCE_MS = 30
LONG_MS = 800


class Button:
    """One button; give it its level often."""

    def __init__(self) -> None:
        self._down = False
        self._changed = -BOUNCE_MS
        self._long = False

    def look(self, down: bool, now: int) -> int:
        """SHORT when it was let go, LONG as soon as it was held long enough, else 0."""
        if down != self._down and now - self._changed >= BOUNCE_MS:
            self._down = down
            self._changed = now
            if down:
                self._long = False
            elif not self._long:
                return SHORT
        elif self._down and down and not self._long and now - self._changed >= LONG_MS:
            self._long = True
            return LONG
        return 0


class Buttons:
    """Both; the hal gives a bit for each (CONFIRM, CANCEL)."""

    def __init__(self) -> None:
        self._confirm = Button()
        self._cancel = Button()

    def look(self, bits: int, now: int) -> tuple:
        """(button, how) for the press that ended or got long now, or (0, 0)."""
        confirm = self._confirm.look(bool(bits & CONFIRM), now)
        cancel = self._cancel.look(bool(bits & CANCEL), now)
        if cancel:
            return CANCEL, cancel
        return (CONFIRM, confirm) if confirm else (0, 0)


class Tips:
    """A tip before the card: long confirm opens, short confirm goes on, long confirm takes."""

    CHOICES = (0, 5, 10, 15, 20)

    def __init__(self) -> None:
        self.open = False
        self._at = 0

    def press(self, button: int, how: int) -> int:
        """The percentage taken, or -1. `open` and `percent()` say what to show."""
        if not self.open:
            if button == CONFIRM and how == LONG:
                self.open, self._at = True, 1
            return -1
        if button == CANCEL:
            self.open = False
        elif how == LONG:
            self.open = False
            return self.percent()
        else:
            self._at = (self._at + 1) % len(self.CHOICES)
        return -1

    def percent(self) -> int:
        return self.CHOICES[self._at]
