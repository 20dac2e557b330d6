"""Our own reader: it reads the tap by itself, takes APDUs in batches, and shows the till's states.

While a sale is ready the reader is armed with its amount, reads a card with two APDUs as soon as
it is laid down, and tells the bytes in one TAP. The link answers those two APDUs from the TAP, so
a sale costs no round trip; anything else goes to the card itself. While no sale is ready the
reader is armed to see cards only: their counters do not move.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from host.readers.base import (
    Button,
    Can,
    CardGone,
    CardLink,
    Look,
    Press,
    Reader,
    ReaderGone,
    ReaderInfo,
    RefusedLink,
    SeveralCards,
    Show,
)
from host.readers.lock import OwnerLock
from host.readers.panel_find import find_panel
from host.readers.panel_frames import Frame, Payload, Value
from host.readers.panel_line import PanelLine
from host.readers.panel_link import GoneLink, PanelLink
from host.readers.panel_show import Shower, words_of
from host.readers.panel_words import (
    Ability,
    Arm,
    Event,
    How,
    Key,
    Reason,
    Request,
    State,
    Status,
    Tag,
)

_log = logging.getLogger(__name__)

_ARMED_MS = 600_000
"""An arming outlives a wait: the next wait goes on with it. A silent host disarms anyway."""
_LOOK_S = 0.3
"""How often the reader is asked whether the card still lies there, should a REMOVED be lost."""
_READING = (Look.READY, Look.DECLINED, Look.RETRY, Look.READING)
_SEE_ONLY = Arm.QUIET | Arm.DETECT_ONLY
_OWNED_S = 0.2
_BUTTONS = {Key.CONFIRM: Button.CONFIRM, Key.CANCEL: Button.CANCEL}


def open_panel(where: str = "", *, run_dir: Path | None = None) -> Reader:
    """Own the reader at `where`: a path, its serial number, or the first one plugged in.

    Raises `ReaderGone` with words a person can act on, `ReaderTaken` when it has an owner.
    """
    path = find_panel(where)
    lock = OwnerLock.take(path, run_dir)
    try:
        return PanelReader(path, lock)
    except BaseException:
        lock.release()
        raise


class PanelReader(Reader):
    """One reader on its panel line."""

    def __init__(self, path: str, lock: OwnerLock) -> None:
        self._lock = lock
        self._path = path
        self._changed = threading.Condition()
        self._closed = False
        self._look = Show(Look.IDLE)
        self._armed: tuple[int, Show | Arm] | None = None  # session, and what it was armed for
        self._seen: Frame | None = None  # a TAP or TAP_ERROR that nobody took yet
        self._seen_for: Show | Arm = _SEE_ONLY
        self._saw = 0  # the last session that was for seeing cards only: its TAP may be under way
        self._lies = False
        self._link: PanelLink | None = None
        self._line = PanelLine(path, self._event, self._wake)
        hello = self._line.hello
        can = hello.number(Tag.CAN)
        self.info = ReaderInfo(
            hello.text(Tag.SERIAL) or path,
            "panel",
            f"firmware {hello.text(Tag.FIRMWARE)} on {hello.text(Tag.BOARD)} at {path}",
            frozenset(Can[ability.name] for ability in Ability if can & ability and ability.name),
        )
        self._shower = Shower(self._line)

    # --- cards ---------------------------------------------------------------------------------

    def wait_card(self, timeout_ms: int) -> CardLink | None:
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            with self._changed:
                self._check()
                if frame := self._take_seen():
                    return self._meet(frame)
            self._arm()
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 and self._seen is None:
                    return None
                if self._seen is None and not self._line.gone and not self._closed:
                    # An arming that was refused (OWNED) is tried again soon.
                    self._changed.wait(left if self._armed else min(left, _OWNED_S))

    def _take_seen(self) -> Frame | None:
        """The card seen since the last call, if it is any use for what is shown now."""
        seen, self._seen = self._seen, None
        if seen is None or not seen.payload.get(Tag.NDEF) or self._seen_for == self._purpose():
            return seen
        # Its file was read for a sale that is no more: the holder has to tap again.
        _log.info("a tap made for another sale is not used")
        return None

    def wait_gone(self, timeout_ms: int) -> bool:
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            with self._changed:
                self._check()
                if not self._lies:
                    self._end_link()
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                told = self._changed.wait(min(left, _LOOK_S))
            if not told and not self._line.ask(Request.PING).number(Tag.STATE) & State.CARD:
                with self._changed:
                    self._lies = False

    def _purpose(self) -> Show | Arm:
        """What the reader has to be armed for: the sale as it is shown, or to see cards only."""
        if self._look.look is Look.READY:
            return self._look
        if self._look.look in _READING:
            return Arm.QUIET
        return _SEE_ONLY

    def _arm(self) -> None:
        """Arm for what the look asks for, unless it is so already."""
        with self._changed:
            self._check()
            purpose = self._purpose()
            if self._seen is not None or (self._armed and self._armed[1] == purpose):
                return
            if self._armed and self._armed[1] == _SEE_ONLY:
                self._saw = self._armed[0]
            session = secrets.randbelow(0xFFFFFFFE) + 1
            self._armed = (session, purpose)
        records: list[tuple[int, Value]] = [(Tag.SESSION, session), (Tag.TIMEOUT, _ARMED_MS)]
        if isinstance(purpose, Show):
            records += words_of(purpose)
        else:
            records += [(Tag.FLAGS, bytes([purpose]))]
        status = self._line.ask(Request.ARM, *records).number(Tag.STATUS)
        if status == Status.OK:
            return
        with self._changed:
            self._armed = None
        if status != Status.OWNED:
            raise ReaderGone(f"the reader at {self._path} refuses to be armed: {status}")

    def _meet(self, frame: Frame) -> CardLink:
        """What was seen, as a link; the caller holds the condition."""
        self._end_link()
        payload = frame.payload
        seen_ns = time.monotonic_ns() - _took_ms(payload) * 1_000_000
        uid = payload.get(Tag.UID)
        if frame.kind == Event.TAP:
            self._link = PanelLink(self._line, payload, seen_ns)
            return self._link
        match payload.number(Tag.REASON):
            case Reason.TWO_CARDS:
                raise SeveralCards("more than one card lies on the reader")
            case Reason.NOT_TYPE_4:
                return RefusedLink("this is not a Type 4 card", seen_ns, uid)
            case Reason.REMOVED_EARLY:
                return GoneLink(seen_ns)
            case _:
                self._link = PanelLink(self._line, payload, seen_ns)
                return self._link

    def _end_link(self) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    # --- events, in the line's thread -----------------------------------------------------------

    def _event(self, frame: Frame) -> None:
        match frame.kind:
            case Event.TAP | Event.TAP_ERROR:
                with self._changed:
                    self._seen_card(frame)
            case Event.REMOVED:
                with self._changed:
                    self._lies = False
                    self._changed.notify_all()
            case Event.BUTTON | Event.TIP:
                press, told = _press(frame), self.on_press
                if press is not None and told is not None:
                    told(press)
            case Event.FAULT:
                _log.warning("%s: fault %d", self._path, frame.payload.number(Tag.CODE))
            case _:
                _log.debug("%s: event %02x", self._path, frame.kind)

    def _seen_card(self, frame: Frame) -> None:
        session = frame.payload.number(Tag.SESSION)
        if self._armed is not None and session == self._armed[0]:
            self._seen_for = self._armed[1]
        elif session != self._saw:
            _log.info("a card seen in a session that is over is not used")
            return
        self._seen = frame
        self._lies = frame.payload.number(Tag.REASON) != Reason.REMOVED_EARLY
        if frame.kind == Event.TAP:
            self._armed = None  # used up; the next wait arms anew
            self._shower.tapped(session)
        self._changed.notify_all()

    def _wake(self) -> None:
        """The line is over: whoever waits has to look."""
        with self._changed:
            self._changed.notify_all()

    def _check(self) -> None:
        if self._closed:
            raise ReaderGone("the reader was closed")
        if self._line.gone:
            raise self._line.error()

    # --- what it shows ---------------------------------------------------------------------------

    def show(self, what: Show) -> None:
        with self._changed:
            if self._closed:
                return
            self._look = what
            self._changed.notify_all()
        self._shower.show(what)

    def batch(self, apdus: Sequence[bytes]) -> list[bytes]:
        """Many APDUs to the card in few round trips. Raises `CardGone`, `ReaderGone`."""
        with self._changed:
            self._check()
            link = self._link
        if link is None:
            raise CardGone("no card lies on the reader")
        return link.batch(apdus)

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._end_link()
            self._changed.notify_all()
        self._shower.close()
        if not self._line.gone:
            with contextlib.suppress(ReaderGone):
                self._line.ask(Request.DISARM, limit_s=0.5)
        self._line.close()
        self._lock.release()


def _press(frame: Frame) -> Press | None:
    """What was pressed; None for a button of a later firmware."""
    payload = frame.payload
    if frame.kind == Event.TIP:
        return Press(Button.CONFIRM, long=True, tip_percent=payload.number(Tag.TIP))
    key, how = payload.number(Tag.BUTTON), payload.number(Tag.HOW)
    button = next((button for known, button in _BUTTONS.items() if known == key), None)
    return Press(button, long=how == How.LONG) if button else None


def _took_ms(payload: Payload) -> int:
    """How long ago the card was seen when the reader told: the last of its timings."""
    return int.from_bytes((payload.get(Tag.TIMINGS) or b"")[-2:], "little")
