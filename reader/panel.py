"""The panel's rules on the line: answers, retries, events and their acknowledgement.

- Nothing is sent before a HELLO came in.
- A request is executed once: the same (type, seq, crc) again gets the last answer again, an older
  seq is dropped. PING and EVENT_ACK stand outside of that: they may be repeated at will.
- TAP, REMOVED and BUTTON are sent again every 300 ms until acknowledged, or until their session
  ends or the host falls silent.
"""

from reader import tlv
from reader import words as w
from reader.frames import MAX_FRAME, MAX_PAYLOAD, Decoder, Encoder
from reader.outbox import Outbox

SILENCE_MS = 5_000
RESEND_MS = 300
ROOM = MAX_PAYLOAD - 4  # for an answer beside its status
LATER = -1
"""A handler's result: the answer comes later, by `finish`."""

_AGAIN_AND_AGAIN = (w.EV_TAP, w.EV_REMOVED, w.EV_BUTTON)


class _Event:
    """One event that waits for its acknowledgement."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.buf = bytearray(size)
        self.n = 0
        self.kind = 0
        self.seq = 0
        self.due = 0

    def payload(self) -> memoryview:
        return memoryview(self.buf)[: self.n]


class Panel:
    """The reader's end of the panel channel. `handle(kind, payload, answer) -> status` decides."""

    def __init__(self, hal, stats, handle, silent) -> None:
        self._hal = hal
        self._stats = stats
        self._handle = handle
        self._silent = silent
        self._decoder = Decoder()
        self._encoder = Encoder()
        self.outbox = Outbox(4 * MAX_FRAME)
        self._answer = tlv.Writer(ROOM)
        self._last = (0, 0, 0)  # type, seq, crc of the last request executed
        self._working = False
        self._cached = tlv.Writer()
        self._event = tlv.Writer()
        self._event_seq = 0
        self._waiting = [_Event(512)] + [_Event(48) for _ in range(5)]
        self.live = False
        self._heard = 0

    # -- requests ------------------------------------------------------------------------------

    def feed(self, data, n: int) -> None:
        """Bytes from the host."""
        at = 0
        decoder = self._decoder
        while at < n:
            at = decoder.take(data, at, n)
            if decoder.ready:
                self._stats.add("frames")
                self._request(decoder.kind, decoder.seq, decoder.crc, decoder.payload)
        self._stats.set("broken", decoder.broken)

    def _request(self, kind: int, seq: int, crc: int, payload) -> None:
        if not 0 < kind < 0x40:
            self._stats.add("stale")
            return
        if not self.live and kind != w.HELLO:
            self._stats.add("early")
            return
        if kind in (w.PING, w.EVENT_ACK):
            self._heard = self._hal.now()
            self._reply(kind, seq, self._run(kind, payload), self._answer)
        elif self._is_new(kind, seq, crc):
            self._heard = self._hal.now()
            self._execute(kind, seq, crc, payload)

    def _is_new(self, kind: int, seq: int, crc: int) -> bool:
        """False for what was executed already (it gets its answer again) and for what is old."""
        if self._last == (kind, seq, crc):
            self._heard = self._hal.now()
            self._stats.add("repeated")
            if self._working:
                self._reply(kind, seq, w.BUSY, None)
            else:
                self._send(kind | w.ANSWER, seq, self._cached.view())
            return False
        if kind == w.HELLO or 0 < (seq - self._last[1]) & 0xFF < 128:
            return True
        self._stats.add("stale")
        return False

    def _execute(self, kind: int, seq: int, crc: int, payload) -> None:
        if kind == w.HELLO:
            self._greet()
        elif self._working:
            self._reply(kind, seq, w.BUSY, None)
            return
        status = self._run(kind, payload)
        if status == w.BUSY:  # not accepted: the host asks again with the same seq
            self._reply(kind, seq, status, None)
            return
        self._last = (kind, seq, crc)
        if status == LATER:
            self._working = True
        else:
            self._remember(kind, seq, status, self._answer)

    def _run(self, kind: int, payload) -> int:
        self._answer.clear()
        if kind == w.EVENT_ACK:
            return self._acknowledge(payload)
        if not tlv.well_formed(payload):
            return w.BAD_REQUEST
        return self._handle(kind, payload, self._answer)

    def finish(self, kind: int, status: int, answer) -> None:
        """The answer to a request that was LATER; nobody wants it when a new host came."""
        if self._working and self._last[0] == kind:
            self._working = False
            self._remember(kind, self._last[1], status, answer)

    def _remember(self, kind: int, seq: int, status: int, answer) -> None:
        self._reply(kind, seq, status, answer, self._cached)

    def _reply(self, kind: int, seq: int, status: int, answer, into=None) -> None:
        out = into or self._event
        out.clear()
        out.put_int(w.T_STATUS, status)
        if answer is not None:
            out.append(answer.view())
        self._send(kind | w.ANSWER, seq, out.view())

    def _greet(self) -> None:
        self.live = True
        self._working = False
        self.outbox.clear()
        self.forget_events()

    # -- events --------------------------------------------------------------------------------

    def event(self) -> tlv.Writer:
        """An empty payload for the next `send_event`."""
        self._event.clear()
        return self._event

    def send_event(self, kind: int) -> None:
        """Send what was written since `event()`; drops it when no host listens."""
        if not self.live:
            return
        self._event_seq = (self._event_seq + 1) & 0xFF
        payload = self._event.view()
        if kind in _AGAIN_AND_AGAIN:
            self._keep(kind, payload)
        self._send(kind, self._event_seq, payload)

    def _keep(self, kind: int, payload) -> None:
        for slot in self._waiting:
            # The long slot is the TAP's: there is one at a time.
            if not slot.n and len(payload) <= slot.size and (slot.size > 48) == (kind == w.EV_TAP):
                slot.buf[: len(payload)] = payload
                slot.n = len(payload)
                slot.kind = kind
                slot.seq = self._event_seq
                slot.due = self._hal.now() + RESEND_MS
                return
        self._stats.add("events_lost")

    def _acknowledge(self, payload) -> int:
        if not tlv.well_formed(payload):
            return w.BAD_REQUEST
        seq = tlv.find_int(payload, w.T_EVENT_SEQ, -1)
        for slot in self._waiting:
            if slot.n and slot.seq == seq:
                slot.n = 0
        return w.OK

    def forget_events(self, kind: int = 0) -> None:
        """Stop sending events again: all of them, or those of one type."""
        for slot in self._waiting:
            if kind in (0, slot.kind):
                slot.n = 0

    def tick(self) -> None:
        """Send again what is due; notice a silent host."""
        if not self.live:
            return
        now = self._hal.now()
        if now - self._heard >= SILENCE_MS:
            self.live = False
            self._working = False
            self._last = (0, 0, 0)
            self.forget_events()
            self._silent()
            return
        for slot in self._waiting:
            if slot.n and now >= slot.due:
                slot.due = now + RESEND_MS
                self._send(slot.kind, slot.seq, slot.payload())

    def _send(self, kind: int, seq: int, payload) -> None:
        if not self.outbox.put(self._encoder.encode(kind, seq, payload)):
            self._stats.add("events_lost")
