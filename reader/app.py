"""The tasks of the firmware, and the guard that feeds the watchdog only while all of them move."""

import asyncio

from reader import lights, screen, tones
from reader import words as w
from reader.nfc import Nfc
from reader.service import Service

LIGHT_MS = 20
GUARD_MS = 500


class App:
    """One reader on one hal."""

    def __init__(self, hal) -> None:
        self.hal = hal
        self.core = Service(hal).core
        self.nfc = Nfc(self.core)
        self._chunk = bytearray(256)
        self._pixels = bytearray(3 * lights.COUNT)
        self._shown = bytes(3 * lights.COUNT)
        self._drawn = None
        self._pitch = 0
        self.beats = [0, 0, 0]
        self.stopped = False
        self.on_settled = None
        self._settled = False

    async def run(self) -> None:
        """Until `stopped`, which only tests and the unix port set."""
        await asyncio.gather(
            self._forever(0, self.nfc.step),
            self._forever(1, self.usb_step),
            self._forever(2, self.light_step),
            self._forever(-1, self.guard_step),
        )

    async def _forever(self, task: int, step) -> None:
        """The one broad except of the firmware: a step that fails is counted and told."""
        while not self.stopped:
            try:
                await step()
                if task >= 0:
                    self.beats[task] += 1
            except Exception:  # noqa: BLE001
                self.core.stats.add("task_faults")
                self.core.raise_fault(w.FAULT_TASK, task)
                await self.hal.sleep(50)

    # -- USB -----------------------------------------------------------------------------------

    async def usb_step(self) -> None:
        """Take in what both hosts sent, send what is due."""
        core, hal, chunk = self.core, self.hal, self._chunk
        n = hal.panel.readinto(chunk)
        if n:
            core.panel.feed(chunk, n)
        n = hal.hsu.readinto(chunk)
        if n:
            core.hsu.feed(chunk, n)
        core.tick()
        core.panel.outbox.flush(hal.panel)
        core.hsu.outbox.flush(hal.hsu)
        if core.reboot >= 0 and core.panel.outbox.empty():
            await hal.sleep(50)  # the bytes are in the USB buffer, not yet on the bus
            hal.reboot(core.reboot)
            core.reboot = -1
        await hal.wait(20)

    # -- lights --------------------------------------------------------------------------------

    async def light_step(self) -> None:
        """Lights, tone and display follow the face; the hal is told changes only."""
        core, hal = self.core, self.hal
        core.look_at_buttons()
        face = core.face
        now = hal.now()
        face.tick(now)
        since = now - face.since
        if face.lights:
            self._pixels[:] = face.lights
        else:
            lights.paint(self._pixels, face.look, since, core.config.get("brightness"))
        if self._pixels != self._shown:
            self._shown = bytes(self._pixels)
            hal.lights(self._shown)
        self._sound(face, now)
        self._draw(face)
        await hal.sleep(LIGHT_MS)

    def _sound(self, face, now: int) -> None:
        if face.melody:
            pitch = tones.pitch(face.melody, now - face.melody_since)
        else:
            pitch = tones.pitch(tones.MELODIES.get(face.look, ()), now - face.since)
        if pitch != self._pitch:
            self._pitch = pitch
            self.hal.tone(pitch, self.core.config.get("volume"))

    def _draw(self, face) -> None:
        wanted = (face.look, face.amount, face.currency, face.lines)
        if wanted != self._drawn:
            self._drawn = wanted
            self.hal.draw(screen.picture(*wanted))

    # -- the guard -----------------------------------------------------------------------------

    async def guard_step(self) -> None:
        """Feed the watchdog when the NFC task, the USB task and the light tick all moved on."""
        before = list(self.beats)
        faults = self.core.stats.get("task_faults")
        turns = self.nfc.chip.turns
        await self.hal.sleep(GUARD_MS)
        nfc_moved = self.beats[0] != before[0] or self.nfc.chip.turns != turns
        if nfc_moved and self.beats[1] != before[1] and self.beats[2] != before[2]:
            self.core.stats.add("feeds")
            self.hal.feed()
            if self.core.stats.get("task_faults") == faults:
                self.core.clear_fault(w.FAULT_TASK)
            if not self._settled:
                self._settled = True
                if self.on_settled is not None:
                    self.on_settled()  # an update has proved itself
