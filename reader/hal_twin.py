"""The hardware in memory, with a clock that moves only when every task waits.

It is what a test sees of a reader: bytes on both USB interfaces, lights, tones, pictures, buttons.
`chip` is anything with `take(data)` that appends to `self.out` (a scripted PN532).
"""

import asyncio

from reader import words as w


class Pipe:
    """One direction of a stream, or what a stream end has received."""

    def __init__(self, twin) -> None:
        self._twin = twin
        self.data = bytearray()

    def put(self, data) -> None:
        self.data.extend(data)
        self._twin.activity += 1

    def take(self) -> bytes:
        """Everything that came in so far."""
        taken = bytes(self.data)
        self.data = bytearray()
        return taken

    def readinto(self, buf) -> int:
        n = min(len(buf), len(self.data))
        if n:
            buf[:n] = self.data[:n]
            self.data = self.data[n:]
        return n


class Stream:
    """The firmware's end of one USB interface; `sent` and `feed` are the host's."""

    def __init__(self, twin) -> None:
        self._in = Pipe(twin)
        self._out = Pipe(twin)
        self.stalled = False

    def readinto(self, buf) -> int:
        return self._in.readinto(buf)

    def write(self, data) -> int:
        if self.stalled:
            return 0
        self._out.put(data)
        return len(data)

    def feed(self, data) -> None:
        self._in.put(data)

    def sent(self) -> bytes:
        return self._out.take()


class ChipLine:
    """The UART to a chip in memory: what is written is answered at once."""

    def __init__(self, twin, chip) -> None:
        self._in = Pipe(twin)
        self._chip = chip

    def readinto(self, buf) -> int:
        return self._in.readinto(buf)

    def write(self, data) -> int:
        answer = self._chip.take(bytes(data))
        if answer:
            self._in.put(answer)
        return len(data)


class Twin:
    """One reader's hardware."""

    def __init__(self, chip, boot: int = w.BOOT_POWER, kept: str = "") -> None:
        self.time = 0
        self.activity = 0
        self._wakes = []
        self.panel = Stream(self)
        self.hsu = Stream(self)
        self.chip = ChipLine(self, chip)
        self.kept = kept
        self.boot = boot
        self.pressed = 0
        self.row = b""
        self.picture = ()
        self.tones = []
        self.feeds = 0
        self.rebooted = -1

    # -- time ----------------------------------------------------------------------------------

    def now(self) -> int:
        return self.time

    async def sleep(self, ms: int) -> None:
        """Wait `ms` of the twin's time."""
        await self._until(self.time + max(ms, 1), False)

    async def wait(self, ms: int) -> None:
        """Wait at most `ms`, less when bytes move."""
        await self._until(self.time + max(ms, 1), True)

    async def _until(self, wake: int, early: bool) -> None:
        seen = self.activity
        self._wakes.append(wake)
        while self.time < wake and not (early and self.activity != seen):
            await asyncio.sleep(0)
        self._wakes.remove(wake)

    async def run_for(self, ms: int) -> None:
        """Let `ms` pass: the clock jumps to the next wake-up whenever nothing moves."""
        end = self.time + ms
        while True:
            seen = -1
            while seen != self.activity:
                seen = self.activity
                for _ in range(3):
                    await asyncio.sleep(0)
            if self.time >= end:
                return
            self.time = min([end] + [wake for wake in self._wakes if wake > self.time])

    # -- the rest ------------------------------------------------------------------------------

    def chip_reset(self, held: bool) -> None:
        pass

    def lights(self, pixels: bytes) -> None:
        self.row = pixels

    def tone(self, hertz: int, volume: int) -> None:
        self.tones.append((self.time, hertz, volume))
        del self.tones[:-20]

    def draw(self, picture: tuple) -> None:
        self.picture = picture

    def buttons(self) -> int:
        return self.pressed

    def feed(self) -> None:
        self.feeds += 1

    def reboot(self, kind: int) -> None:
        self.rebooted = kind

    def boot_reason(self) -> int:
        return self.boot

    def serial_number(self) -> str:
        return "TT-0000TWIN"

    def board(self) -> str:
        return "twin"

    def can(self) -> int:
        return w.CAN_LIGHTS | w.CAN_TONES | w.CAN_DISPLAY | w.CAN_BUTTONS

    def free_memory(self) -> int:
        return 100_000

    def load(self) -> str:
        return self.kept

    def save(self, text: str) -> None:
        self.kept = text
