"""Readers behind PC/SC: any contactless CCID reader that pcscd knows."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from pathlib import Path

from smartcard import scard

from host.readers.base import (
    Can,
    CardGone,
    CardLink,
    Reader,
    ReaderGone,
    ReaderInfo,
    ReaderTaken,
    RefusedLink,
    Show,
)
from host.readers.gpio import LampThread
from host.readers.lights import Lamps
from host.readers.lock import OwnerLock
from host.readers.manners import of_pcsc
from host.readers.pcsc_api import CARD_LEFT, CARD_MUTE, Connection, Context, PcscError
from host.readers.pcsc_lamps import EscapeLamps, EscapeRefused
from host.readers.pcsc_watch import PcscWatcher, Slot

_log = logging.getLogger(__name__)

_FIRST_LOOK_S = 5.0
_SHARING_TRIES = 5
_SHARING_PAUSE_S = 0.05
_TAP_S = 1.0
"""How long the lamps wait at most for a tap that nobody has an answer to."""
_GET_UID = bytes.fromhex("FFCA000000")  # PC/SC part 3, answered by the reader, not by the card


def open_pcsc(pattern: str = "", *, run_dir: Path | None = None) -> Reader:
    """Own the first free reader whose name contains `pattern`, in either case.

    Raises `ReaderGone` while pcscd or such a reader is not there, `ReaderTaken` when all are owned.
    """
    watcher = PcscWatcher()
    try:
        names = watcher.readers(_FIRST_LOOK_S)
        name, lock = _own_one(names, pattern, run_dir)
        return PcscReader(name, lock, watcher)
    except BaseException:
        watcher.stop()
        raise


def _own_one(names: list[str], pattern: str, run_dir: Path | None) -> tuple[str, OwnerLock]:
    matching = [name for name in names if pattern.lower() in name.lower()]
    if not matching:
        there = ", ".join(names) or "none"
        raise ReaderGone(f"no PC/SC reader named “{pattern}” (there: {there})")
    taken: ReaderTaken | None = None
    # A reader's slot for a security module is no place to lay a card, but may match the name.
    for name in sorted(matching, key=lambda name: " SAM" in name.upper()):
        try:
            return name, OwnerLock.take(f"pcsc {name}", run_dir)
        except ReaderTaken as error:
            taken = error
    raise taken or ReaderGone(f"no PC/SC reader named “{pattern}”")


class PcscReader(Reader):
    """One PC/SC reader."""

    def __init__(self, name: str, lock: OwnerLock, watcher: PcscWatcher) -> None:
        self._name = name
        self._lock = lock
        self._watcher = watcher
        self._returned = 0
        self._context: Context | None = None
        self._link: _PcscLink | None = None
        self._closed = False
        # Held while the context is in use, so that close can wait.
        self._busy = threading.RLock()
        self._no_tap = threading.Event()
        self._no_tap.set()
        self._lamps = self._meet()
        model = of_pcsc(name)
        can = frozenset({Can.LIGHTS, Can.TONES} if self._lamps else ())
        self.info = ReaderInfo(name, "pcsc", model.name if model else "", can)

    def wait_card(self, timeout_ms: int) -> CardLink | None:
        deadline = time.monotonic() + timeout_ms / 1000

        def is_new(slot: Slot) -> bool:
            return slot.card not in (0, self._returned)

        while True:
            left_s = max(0.0, deadline - time.monotonic())
            slot = self._watcher.wait(self._name, is_new, left_s)
            if slot is None:
                return None
            self._no_tap.clear()
            self._end_link()
            link = self._connect(slot)
            self._returned = slot.card
            if link is not None:
                return link
            self._no_tap.set()

    def wait_gone(self, timeout_ms: int) -> bool:
        self._end_link()
        self._no_tap.set()

        def has_left(slot: Slot) -> bool:
            return slot.card != self._returned or slot.card == 0

        return self._watcher.wait(self._name, has_left, timeout_ms / 1000) is not None

    def show(self, what: Show) -> None:
        """On the lamps and the buzzer of a model that is known (`host.readers.manners`)."""
        if self._lamps:
            self._no_tap.set()
            self._lamps.show(what.look)

    def close(self) -> None:
        self._watcher.stop()
        self._end_link()
        self._no_tap.set()
        if self._lamps:
            self._lamps.close()
        with self._busy:
            self._closed = True
            self._drop_context()
        self._lock.release()

    def _connect(self, slot: Slot) -> CardLink | None:
        """The card just seen, or None when it has left again."""
        for _ in range(_SHARING_TRIES):
            try:
                connection = self._try_connect()
            except PcscError as error:
                if error.code in CARD_LEFT:
                    return None
                if error.code in CARD_MUTE:
                    return RefusedLink("the card does not answer; lay it flat, alone", slot.seen_ns)
                if error.code != scard.SCARD_E_SHARING_VIOLATION:
                    raise ReaderGone(f"{self._name}: {error}") from error
            else:
                self._link = _PcscLink(connection, slot.seen_ns, self._busy)
                return self._link
            self._watcher.pause(_SHARING_PAUSE_S)
        raise ReaderTaken(f"{self._name}: another program (a GnuPG or browser?) holds the card")

    def _try_connect(self) -> Connection:
        with self._busy:
            if self._closed:
                raise ReaderGone("the reader was closed")
            fresh = self._context is None
            try:
                self._context = self._context or Context()
                return self._context.connect(self._name)
            except PcscError as error:
                if fresh or error.code in CARD_LEFT | CARD_MUTE | {scard.SCARD_E_SHARING_VIOLATION}:
                    raise
                # The context is of a service that has been restarted since.
                self._drop_context()
                self._context = Context()
                return self._context.connect(self._name)

    def _end_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _meet(self) -> LampThread | None:
        """Ask the reader for its manners, where its model is known and the driver lets us."""
        model = of_pcsc(self._name)
        if model is None or model.escapes is None:
            return None
        try:
            escapes = EscapeLamps(model.escapes, self._escape)
        except EscapeRefused as error:
            _log.info("the lamps of %s stay its own: %s", self._name, error)
            return None
        return LampThread(partial(self._light, escapes), escapes.restore)

    def _light(self, escapes: EscapeLamps, lamps: Lamps) -> None:
        """In the lamps' thread. A tap goes first: the lamps wait until the till has an answer."""
        self._no_tap.wait(_TAP_S)
        try:
            escapes.write(lamps)
        except EscapeRefused as error:  # another program has the card, or the reader has gone
            _log.debug("the lamps of %s did not change: %s", self._name, error)

    def _escape(self, escape: bytes) -> bytes:
        """One escape command, over the card's connection if there is one: it is an exclusive one.

        Raises `EscapeRefused`.
        """
        try:
            with self._busy:
                if self._link is not None and self._link.connection is not None:
                    return self._link.connection.control(escape)
                self._context = self._context or Context()
                connection = self._context.connect_reader(self._name)
                try:
                    return connection.control(escape)
                finally:
                    connection.leave()
        except PcscError as error:
            raise EscapeRefused(str(error)) from error

    def _drop_context(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.close()


class _PcscLink(CardLink):
    """A card that is powered and ours until `close`."""

    def __init__(self, connection: Connection, seen_ns: int, busy: threading.RLock) -> None:
        self.connection: Connection | None = connection
        self._busy = busy
        self._uid: bytes | None = None
        self.seen_ns = seen_ns

    @property
    def uid(self) -> bytes | None:
        """Asked from the reader at the first look, since a tap does not need it."""
        if self._uid is None:
            answer = self.transceive(_GET_UID)
            self._uid = answer[:-2] or None if answer.endswith(b"\x90\x00") else None
        return self._uid

    def transceive(self, apdu: bytes) -> bytes:
        with self._busy:
            if self.connection is None:
                raise CardGone("the exchange with this card is over")
            try:
                answer = self.connection.transmit(apdu)
            except PcscError as error:
                if error.code in CARD_LEFT | CARD_MUTE:
                    raise CardGone("the card was taken away") from error
                raise ReaderGone(str(error)) from error
        if len(answer) < 2:
            raise CardGone("the card's answer broke off")
        return answer

    def close(self) -> None:
        """Let the card go."""
        with self._busy:
            connection, self.connection = self.connection, None
            if connection is not None:
                connection.close()
