"""A whole reader on the twin hal, and a host that speaks the panel channel in frames."""

import asyncio

from reader import tlv
from reader import words as w
from reader.app import App
from reader.frames import Decoder, Encoder
from reader.hal_twin import Twin
from tests.reader.scripted import ScriptedChip


class Bench:
    """One reader, its chip and its host."""

    def __init__(self, boot: int = w.BOOT_POWER, kept: str = "", chip=None) -> None:
        self.chip = chip or ScriptedChip()
        self.hal = Twin(self.chip, boot, kept)
        self.app = App(self.hal)
        self.seq = 0
        self.events = []
        self.answers = []
        self._encoder = Encoder()
        self._decoder = Decoder()
        self.acknowledge = True
        self._acks = 0
        self._seen = []

    def stat(self, name: str) -> int:
        return self.app.core.stats.get(name)

    def frame(self, kind: int, seq: int, *records) -> bytes:
        payload = tlv.Writer()
        for tag, value in records:
            if isinstance(value, str):
                payload.put_text(tag, value)
            elif isinstance(value, int):
                payload.put_int(tag, value, 4)
            else:
                payload.put(tag, value)
        return bytes(self._encoder.encode(kind, seq, payload.view()))

    def send(self, kind: int, *records) -> int:
        """One request with a new seq; answers are collected by `run`."""
        self.seq = (self.seq + 1) & 0xFF
        self.hal.panel.feed(self.frame(kind, self.seq, *records))
        return self.seq

    async def ask(self, kind: int, *records) -> bytes:
        """One request, retried as a host does; its answer's payload."""
        seq = self.send(kind, *records)
        again = self.frame(kind, seq, *records)
        for _ in range(40):
            for _ in range(5):
                await self.run(50)
                for got, got_seq, payload in self.answers:
                    busy = tlv.find_int(payload, w.T_STATUS) == w.BUSY
                    if got == kind | 0x80 and got_seq == seq and not busy:
                        self.answers = []
                        return payload
            self.answers = []
            self.hal.panel.feed(again)
        raise AssertionError(f"no answer to {kind:02x}")

    async def status(self, kind: int, *records) -> int:
        return tlv.find_int(await self.ask(kind, *records), w.T_STATUS)

    async def hello(self) -> bytes:
        return await self.ask(w.HELLO, (w.T_HOST, 0x1234))

    async def arm(self, session: int, flags: int = 0, timeout: int = 60_000) -> int:
        return await self.status(
            w.ARM,
            (w.T_SESSION, session),
            (w.T_AMOUNT, "2 500"),
            (w.T_CURRENCY, "sats"),
            (w.T_TIMEOUT, timeout),
            (w.T_FLAGS, flags),
        )

    async def run(self, ms: int) -> None:
        """Let time pass and collect what the reader says; long times are kept alive by PINGs."""
        while ms > 0:
            part = min(ms, 1_000)
            await self.hal.run_for(part)
            self.collect()
            ms -= part
            if ms > 0:
                self.hal.panel.feed(self.frame(w.PING, 0))

    def collect(self) -> None:
        data = self.hal.panel.sent()
        at = 0
        while at < len(data):
            at = self._decoder.take(data, at, len(data))
            if self._decoder.ready:
                self._got(self._decoder.kind, self._decoder.seq, bytes(self._decoder.payload))

    def _got(self, kind: int, seq: int, payload: bytes) -> None:
        if kind & 0x80:
            if kind not in (w.PING | 0x80, w.EVENT_ACK | 0x80):
                self.answers.append((kind, seq, payload))
            return
        if self.acknowledge:
            self.hal.panel.feed(self.frame(w.EVENT_ACK, 0, (w.T_EVENT_SEQ, bytes([seq]))))
            if (kind, seq) in self._seen[-8:]:
                return
            self._seen.append((kind, seq))
        self.events.append((kind, payload))

    def take(self, kind: int) -> list:
        """The events of that type since the last call."""
        found = [payload for got, payload in self.events if got == kind]
        self.events = [event for event in self.events if event[0] != kind]
        return found


def play(story, **options) -> Bench:
    """Run `story(bench)` beside the firmware until it ends; the bench afterwards."""
    bench = Bench(**options)

    async def both() -> None:
        firmware = asyncio.create_task(bench.app.run())
        try:
            await bench.run(200)
            await story(bench)
        finally:
            bench.app.stopped = True
            await bench.hal.run_for(3_000)
            await firmware

    asyncio.run(both())
    return bench
