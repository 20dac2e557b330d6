"""A reader in this process: whoever holds it lays cards down and lifts them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from host.readers.base import (
    Can,
    CardGone,
    CardLink,
    Look,
    Reader,
    ReaderGone,
    ReaderInfo,
    SeveralCards,
    Show,
)


class DirectCard(Protocol):
    """Anything that answers APDUs.

    A `ConnectionError` from it means that it was torn away. Where it has `power_on` and
    `power_off`, they are called when it enters and leaves the field; where it has an `identity`,
    that is its UID.
    """

    def transceive(self, apdu: bytes) -> bytes:
        """Answer one C-APDU."""
        ...


class DirectReader(Reader):
    """A reader without hardware, with a hand of its own: `lay`, `lift`, `unplug`. Any thread."""

    def __init__(self, name: str = "direct") -> None:
        self.info = ReaderInfo(name, "direct", can=frozenset({Can.LIGHTS, Can.TONES, Can.DISPLAY}))
        self.shown: list[Show] = []
        self._cards: tuple[DirectCard, ...] = ()
        self._laid = (
            0  # how often something was laid down, so that each is a presentation of its own
        )
        self._laid_ns = 0
        self._returned = 0
        self._gone: str | None = None
        self._changed = threading.Condition()

    def lay(self, card: DirectCard, *more: DirectCard) -> None:
        """Lay a card (or several at once) on the reader, in place of what lies there."""
        self.lift()
        with self._changed:
            self._cards = (card, *more)
            self._laid += 1
            self._laid_ns = time.monotonic_ns()
            _call(self._cards, "power_on")
            self._changed.notify_all()

    def lift(self) -> None:
        """Take everything off the reader."""
        with self._changed:
            cards, self._cards = self._cards, ()
            _call(cards, "power_off")
            self._changed.notify_all()

    def unplug(self) -> None:
        """The reader is pulled out of the machine, for every call until `plug`."""
        with self._changed:
            self._gone = "the reader was unplugged"
            self._changed.notify_all()

    def plug(self) -> None:
        """The reader is back."""
        with self._changed:
            self._gone = None

    def wait_shown(self, look: Look, timeout_ms: int) -> bool:
        """True as soon as `look` has been shown at least once; for tests."""
        with self._changed:
            return self._changed.wait_for(
                lambda: any(show.look is look for show in self.shown), timeout_ms / 1000
            )

    def wait_card(self, timeout_ms: int) -> CardLink | None:
        with self._changed:
            if not self._wait(
                lambda: bool(self._cards) and self._laid != self._returned, timeout_ms
            ):
                return None
            self._returned = self._laid
            if len(self._cards) > 1:
                raise SeveralCards("more than one card lies on the reader")
            return _DirectLink(self, self._cards[0], self._laid, self._laid_ns)

    def wait_gone(self, timeout_ms: int) -> bool:
        with self._changed:
            return self._wait(lambda: not self.lies(self._returned), timeout_ms)

    def lies(self, laid: int) -> bool:
        """Whether what was laid down as number `laid` still lies there. Raises `ReaderGone`."""
        if self._gone:
            raise ReaderGone(self._gone)
        return bool(self._cards) and self._laid == laid

    def show(self, what: Show) -> None:
        with self._changed:
            self.shown.append(what)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._gone = "the reader was closed"
            self._changed.notify_all()

    def _wait(self, done: Callable[[], bool], timeout_ms: int) -> bool:
        self._changed.wait_for(lambda: self._gone or done(), timeout_ms / 1000)
        if self._gone:
            raise ReaderGone(self._gone)
        return done()


class _DirectLink(CardLink):
    def __init__(self, reader: DirectReader, card: DirectCard, laid: int, seen_ns: int) -> None:
        self._reader = reader
        self._card = card
        self._laid = laid
        self.seen_ns = seen_ns

    @property
    def uid(self) -> bytes | None:
        identity: bytes | None = getattr(self._card, "identity", None)
        return identity

    def transceive(self, apdu: bytes) -> bytes:
        self._require()
        try:
            answer = self._card.transceive(apdu)
        except ConnectionError as error:
            self._reader.lift()
            raise CardGone(str(error)) from error
        self._require()  # an answer that comes after the card has left was never heard
        return answer

    def _require(self) -> None:
        if not self._reader.lies(self._laid):
            raise CardGone("the card was taken away")


def _call(cards: tuple[DirectCard, ...], method: str) -> None:
    for card in cards:
        getattr(card, method, lambda: None)()
