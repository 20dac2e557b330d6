"""The firmware under mutated, lost, doubled and reordered frames, silence, restarts, two hosts.

    python -m tests.reader.fuzz --bytes 1000000 --seed 1

Every line is disturbed: the panel, the HSU face and the chip's UART. After each storm the reader
has to take a HELLO, a sale and a tap, its watchdog has to be fed, and no step may have failed.
"""

from __future__ import annotations

import argparse
import random

from reader import pn532_frames as frames
from reader import tlv
from reader import words as w
from tests.reader.bench import Bench, play
from tests.reader.scripted import ScriptedCard, ScriptedChip

STORM = 40
"""Actions between two proofs that the reader is well."""


REQUESTS = (
    *(w.HELLO, w.PING, w.ARM, w.ARM, w.ARM, w.DISARM, w.RESULT, w.APDU, w.STATS, w.UI, w.NFC_MODE),
    *(w.FIELD_RESET, w.SELFTEST, w.CONFIG, w.LOG, w.LED, w.TONE, w.EVENT_ACK),
)


class NoisyChip(ScriptedChip):
    """A chip on a bad wire, as long as `noise` is above 0 (faults in a thousand writes)."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.noise = 0

    def take(self, data: bytes) -> bytes:
        answer = super().take(data)
        if answer and self._chance.random() * 1000 < self.noise:
            return mutate(self._chance, answer)
        return answer


def mutate(chance: random.Random, frame: bytes) -> bytes:
    """Some bytes changed, taken out or put in."""
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
        elif kind == 1 and at < len(data):
            del data[at : at + chance.randint(1, 8)]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.randint(1, 40))
        else:
            data = data[:at]
    return bytes(data)


class Storm:
    """One bench, disturbed until enough mutated bytes were eaten."""

    def __init__(self, seed: int, total: int) -> None:
        self.chance = random.Random(seed)
        self.total = total
        self.mutated = 0
        self.actions = 0
        self.taps = 0
        self.proofs = 0
        self.session = 0
        self.armed: set[int] = set()
        self.kept: list[bytes] = []
        self.card = ScriptedCard()
        self.told = False  # this presentation had its TAP

    def _request(self, b: Bench) -> bytes:
        """A request as a host would send it, with the next seq."""
        kind = self.chance.choice(REQUESTS)
        self.session += kind == w.ARM
        if kind == w.ARM:
            self.armed.add(self.session)
        b.seq = (b.seq + 1) & 0xFF
        records = [
            (w.T_SESSION, self.session),
            (w.T_TIMEOUT, 30_000),
            (w.T_AMOUNT, "2 500"),
            (w.T_OUTCOME, self.chance.randint(1, 4)),
            (w.T_MODE, self.chance.choice((0, 0, 0, 1, 2, 3))),
            (w.T_C_APDU, b"\x80\x00\x00\x00" + bytes([40]) + self.chance.randbytes(40)),
        ]
        return b.frame(kind, b.seq, *records)

    async def action(self, b: Bench) -> None:
        self.actions += 1
        frame = self._request(b)
        dice = self.chance.randrange(20)
        if dice < 8:
            self.disturb(b, mutate(self.chance, frame))
        elif dice < 9:
            self.kept.append(frame)  # comes late, out of order
        elif dice < 11 and self.kept:
            b.hal.panel.feed(frame)
            b.hal.panel.feed(self.kept.pop(self.chance.randrange(len(self.kept))))
        elif dice < 13:
            b.hal.panel.feed(frame + frame)
        elif dice < 14:
            self.disturb(b, self.chance.randbytes(self.chance.randint(1, 2_000)))
        elif dice < 15:
            self.hsu(b)
        elif dice < 16:
            b.seq = self.chance.randrange(256)  # another host, or the same one started anew
            b.hal.panel.feed(b.frame(w.HELLO, b.seq, (w.T_HOST, self.chance.randrange(9))))
        elif dice < 17:
            self.lift_or_lay()
        elif dice < 18:
            self.sale(b)
        else:
            b.hal.panel.feed(frame)
        pause = 6_000 if self.chance.randrange(200) == 0 else self.chance.choice((1, 30, 300))
        await b.hal.run_for(pause)
        b.collect()
        self.check(b)

    def lift_or_lay(self) -> None:
        self.card.lies = not self.card.lies
        self.told = False

    def sale(self, b: Bench) -> None:
        """One good arming in the middle of the storm."""
        self.session += 1
        self.armed.add(self.session)
        for kind in (w.NFC_MODE, w.ARM):
            b.seq = (b.seq + 1) & 0xFF
            sale = [(w.T_MODE, w.AUTO), (w.T_SESSION, self.session), (w.T_TIMEOUT, 30_000)]
            b.hal.panel.feed(b.frame(kind, b.seq, *sale))

    def disturb(self, b: Bench, data: bytes) -> None:
        self.mutated += len(data)
        b.hal.panel.feed(data)

    def hsu(self, b: Bench) -> None:
        out = bytearray(frames.MAX_FRAME)
        head = bytes([frames.HOST, self.chance.choice((0x02, 0x10, 0x16, 0x32, 0x4A, 0x42))])
        n = frames.build(out, head, self.chance.randbytes(self.chance.randint(0, 200)))
        data = mutate(self.chance, bytes(out[:n]))
        self.mutated += len(data)
        b.hal.hsu.feed(data)
        b.hal.hsu.sent()

    def check(self, b: Bench) -> None:
        """What has to hold at any time."""
        for payload in b.take(w.EV_TAP):
            self.taps += 1
            assert tlv.find_int(payload, w.T_SESSION) in self.armed
            assert not self.told or b.chip.noise, "a second TAP of one presentation"
            self.told = True
        b.events.clear()
        b.answers.clear()

    async def prove(self, b: Bench) -> None:
        """The storm is over: a sale works, and nothing broke inside."""
        b.chip.noise = 0
        self.card.lies = False
        self.kept.clear()
        b.seq = self.chance.randrange(256)
        await b.hello()
        await b.status(w.NFC_MODE, (w.T_MODE, w.AUTO))
        await b.run(3_500)
        self.check(b)
        self.session += 1
        self.armed.add(self.session)
        fed = b.hal.feeds
        assert await b.arm(self.session) == w.OK
        self.card.lies = True
        self.told = False
        await b.run(1_500)
        taps = b.take(w.EV_TAP)
        assert [tlv.find_int(tap, w.T_SESSION) for tap in taps] == [self.session]
        assert b.hal.feeds > fed
        assert b.stat("task_faults") == 0
        self.proofs += 1
        self.told = True
        b.chip.noise = self.chance.choice((0, 0, 20, 200))

    async def story(self, b: Bench) -> None:
        b.chip.cards = [self.card]
        while self.mutated < self.total:
            for _ in range(STORM):
                await self.action(b)
            await self.prove(b)


def run(seed: int, total: int) -> str:
    """The figures of one run. Raises AssertionError where the reader broke a promise."""
    storm = Storm(seed, total)
    bench = play(storm.story, chip=NoisyChip(storm.chance))
    return (
        f"seed {seed}: {storm.mutated} mutated bytes in {storm.actions} actions, "
        f"{storm.proofs} proofs, {storm.taps} taps in the storm, {bench.stat('broken')} broken "
        f"frames dropped, {bench.stat('stale')} stale, {bench.stat('repeated')} repeated, "
        f"{bench.stat('chip_faults')} chip faults survived, 0 task faults"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(run(options.seed, options.bytes))


if __name__ == "__main__":
    main()
