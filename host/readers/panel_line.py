"""The line to one of our readers: requests with retries, events with acknowledgements, life signs.

A request is sent again with the same seq every 250 ms, three times; the reader runs it once and
repeats its answer. BUSY means "not yet", so the tries start anew, up to the request's own limit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable

import serial

from host.readers.base import ReaderGone
from host.readers.panel_frames import Frame, FrameReader, Payload, Value, encode, payload
from host.readers.panel_words import ANSWER, PROTOCOL, Event, Request, Status, Tag

_log = logging.getLogger(__name__)

RETRY_S = 0.25
TRIES = 4
LIMIT_S = 15.0
"""A card may ask for more time again and again; after this nobody believes it any more."""
PING_S = 1.0
SILENCE_S = 3.5
"""The reader answers every PING; it forgets us after 5 s, so we notice first."""
_READ_S = 0.1

OnEvent = Callable[[Frame], None]


class PanelLine:
    """One open line, read by a thread of its own. `ask` from any thread."""

    def __init__(self, path: str, on_event: OnEvent, on_gone: Callable[[], None]) -> None:
        """Open the port and say HELLO. Raises `ReaderGone`."""
        self.path = path
        self._on_event = on_event
        self._on_gone = on_gone
        self._asking = threading.Lock()
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._awaited = (0, 0)
        self._answer: Payload | None = None
        self._seq = secrets.randbelow(256)
        self._ping_seq = 0  # 0 is the life sign's
        self._closed = False
        self._why_gone = ""
        self._seen_events: list[tuple[int, int]] = []
        try:
            # Exclusive on top of our own lock: it also keeps away who knows nothing of the lock.
            self._port = serial.Serial(path, timeout=_READ_S, write_timeout=1.0, exclusive=True)
        except (OSError, serial.SerialException) as error:
            raise ReaderGone(f"{path} cannot be opened: {_words(error)}") from error
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._read, name=f"panel {path}", daemon=True)
        self._thread.start()
        try:
            self.hello = self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> Payload:
        hello = self.ask(Request.HELLO, (Tag.HOST, secrets.randbits(32)))
        if hello.number(Tag.PROTOCOL) != PROTOCOL:
            number = hello.number(Tag.PROTOCOL)
            raise ReaderGone(f"{self.path}: its firmware speaks panel {number}, not {PROTOCOL}")
        return hello

    # --- requests ------------------------------------------------------------------------------

    def ask(self, kind: Request, *records: tuple[int, Value], limit_s: float = LIMIT_S) -> Payload:
        """One request and its answer, whatever its status. Raises `ReaderGone`."""
        with self._asking:
            seq = self._next_seq(kind)
            frame = encode(Frame(kind, seq, payload(*records)))
            deadline = time.monotonic() + limit_s
            tries = TRIES
            while tries and time.monotonic() < deadline:
                answer = self._exchange(frame, kind | ANSWER, seq)
                if answer is None:
                    tries -= 1
                elif answer.number(Tag.STATUS) == Status.BUSY:
                    tries = TRIES
                    self._pause()
                else:
                    return answer
        self._fail("does not answer")
        raise self._gone()

    def _next_seq(self, kind: Request) -> int:
        """The reader drops requests older than the last one it ran, and does not count PINGs.

        So PINGs have numbers of their own, or 128 of them would make the next request look old.
        """
        if kind == Request.PING:
            self._ping_seq = self._ping_seq % 255 + 1
            return self._ping_seq
        self._seq = (self._seq + 1) & 0xFF
        return self._seq

    def _exchange(self, frame: bytes, kind: int, seq: int) -> Payload | None:
        with self._changed:
            self._awaited, self._answer = (kind, seq), None
        self._write(frame)
        with self._changed:
            self._changed.wait_for(lambda: self._answer or self.gone, RETRY_S)
            self._check()
            return self._answer

    def _pause(self) -> None:
        """Before asking again after BUSY; the answer may come by itself, and ends it."""
        with self._changed:
            self._changed.wait(RETRY_S / 5)

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:
                self._port.write(data)
        except (OSError, serial.SerialException, TypeError) as error:
            # TypeError: pyserial's word for a port closed by another thread.
            self._fail(_words(error))
            raise self._gone() from error

    # --- what comes in -------------------------------------------------------------------------

    def _read(self) -> None:
        """The thread: frames in, life signs out, until the port is closed or gone."""
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - the one of this thread's loop
            _log.exception("the line to %s broke", self.path)
            self._fail(f"broke: {error}")

    def _serve(self) -> None:
        reader = FrameReader()
        pinged = time.monotonic()
        while not self.gone:
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (OSError, serial.SerialException, TypeError) as error:
                self._fail(_words(error))
                return
            now = time.monotonic()
            if data:
                self._heard = now
                for frame in reader.feed(data):
                    self._take(frame)
            if now - self._heard > SILENCE_S:
                self._fail("fell silent")
            elif now - pinged > PING_S:
                pinged = now
                with contextlib.suppress(ReaderGone):
                    self._write(encode(Frame(Request.PING, 0)))

    def _take(self, frame: Frame) -> None:
        if frame.kind & ANSWER:
            with self._changed:
                if (frame.kind, frame.seq) == self._awaited:
                    self._answer = frame.payload
                    self._changed.notify_all()
            return
        with contextlib.suppress(ReaderGone):
            seq = (Tag.EVENT_SEQ, bytes([frame.seq]))
            self._write(encode(Frame(Request.EVENT_ACK, 0, payload(seq))))
        key = (frame.kind, frame.seq)
        if key in self._seen_events and frame.kind in (Event.TAP, Event.REMOVED, Event.BUTTON):
            return  # sent again: our acknowledgement crossed it
        self._seen_events = [*self._seen_events[-15:], key]
        self._on_event(frame)

    # --- the end -------------------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        """True when no answer will come any more."""
        return self._closed or bool(self._why_gone)

    def error(self) -> ReaderGone:
        """Why the line is over."""
        return self._gone()

    def _check(self) -> None:
        if self._closed or self._why_gone:
            raise self._gone()

    def _gone(self) -> ReaderGone:
        return ReaderGone("the reader was closed" if self._closed else self._why_gone)

    def _fail(self, why: str) -> None:
        with self._changed:
            if self._why_gone or self._closed:
                return
            self._why_gone = f"the reader at {self.path} {why}"
            self._changed.notify_all()
        _log.info("%s", self._why_gone)
        self._on_gone()

    def close(self) -> None:
        """Close the port; whoever waits is told. A second call does nothing. Any thread."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(2)
        with contextlib.suppress(OSError):
            self._port.close()


def _words(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f"is gone: {os.strerror(number) if number else error}"
