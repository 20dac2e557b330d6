"""Who may use the NFC chip: AUTO (the reader's own taps), BY_APDU, BY_HSU or OFF. Pure.

The panel host chooses. In AUTO the HSU face may take the chip while nothing is armed, because a
user of nfcpy has no panel host; an arming takes it back once the HSU host was quiet for a second.
"""

from reader.words import AUTO, BY_HSU, OFF

QUIET_MS = 1_000


class Owner:
    """The wish of the host, and who has the chip now."""

    def __init__(self) -> None:
        self.mode = AUTO
        self.current = AUTO
        self._hsu_at = 0

    def choose(self, mode: int) -> None:
        """The panel host decides, against anybody."""
        self.mode = mode
        self.current = mode

    def claim_hsu(self, now: int, in_use: bool) -> bool:
        """A command came in on the HSU face: may it run?"""
        if self.mode != BY_HSU and (self.mode != AUTO or in_use):
            return False
        self._hsu_at = now
        self.current = BY_HSU
        return True

    def release_hsu(self) -> None:
        """The HSU host said good-bye (PowerDown)."""
        if self.mode == AUTO:
            self.current = AUTO

    def claim_tap(self, now: int) -> bool:
        """An arming wants the chip."""
        if self.mode in (BY_HSU, OFF):
            return False
        if self.current == BY_HSU and now - self._hsu_at < QUIET_MS:
            return False
        self.current = self.mode
        return True
