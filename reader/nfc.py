"""The NFC task: the only one that touches the chip. One step at a time, never for long."""

from reader import tap, tlv
from reader import words as w
from reader.errors import CardLost, ChipFault, Garbled, TapFailed
from reader.isodep import RATS, IsoDep
from reader.panel import ROOM
from reader.pn532 import POWER_DOWN, Pn532
from reader.selftest import run_checks
from reader.session import READING

SAME_MS = 250  # a card that flickers for less is still the same presentation


class Nfc:
    """Looks for a card when someone wants one, reads it, keeps it, runs the host's jobs."""

    def __init__(self, core) -> None:
        self.core = core
        self.hal = core.hal
        self.chip = Pn532(core.hal, core.stats)
        self._ready = False
        self._pause = 500
        self._dirty = False
        self._link = None
        self._uid = b""
        self._tapped = 0  # the session that got this presentation's TAP
        self._missing_since = -1
        self._trouble = 0
        self._looked = 0
        self._file = bytearray(258)
        self._answer = tlv.Writer(ROOM)

    async def step(self) -> None:
        """One piece of work; faults of the chip end here."""
        core = self.core
        if core.safe:
            await self.hal.wait(50)
            return
        try:
            if core.job is not None and core.job.kind == w.SELFTEST:
                await self._run_job()  # above all when the chip is out of order
            elif self._ready:
                await self._work()
            else:
                await self._setup()
        except ChipFault:
            core.stats.add("chip_faults")
            self._ready = False
            if core.session.state == READING:  # the sale goes on once the chip is back
                core.tap_failed(w.READ_FAILED)
            self._blind()
            self._refuse_all()

    def _refuse_all(self) -> None:
        """The chip is out of order: nobody has to wait for it. The self test runs all the same."""
        core = self.core
        if core.job is not None and core.job.kind != w.SELFTEST:
            self._finish(w.FAILED)
        if core.hsu.pending is not None:
            core.hsu.refuse()

    async def _setup(self) -> None:
        self._blind()
        try:
            await self.chip.setup()
        except ChipFault:
            self.core.raise_fault(w.FAULT_CHIP)
            self._refuse_all()
            await self.hal.sleep(self._pause)
            self._pause = min(self._pause * 2, 2_000)
            return
        self._ready = True
        self.core.chip_ready = True
        self._dirty = False
        self._pause = 500
        self.core.clear_fault(w.FAULT_CHIP)

    async def _work(self) -> None:
        core = self.core
        if core.hsu.pending is not None:
            await self._serve_hsu()
            return
        owner = core.owner.current
        if owner in (w.BY_HSU, w.OFF):
            await self._stand_back(owner)
            return
        if self._dirty:
            await self.chip.configure()
            self._dirty = False
        if core.job is not None:
            await self._run_job()
        elif self._link is not None:
            await self._keep()
        elif owner == w.BY_APDU or core.session.running() or self._missing_since >= 0:
            await self._look()
        else:
            if self._trouble:
                self._trouble = 0
                core.card_gone(0)
            if self.chip.field:
                await self.chip.field_off()
            await self.hal.wait(20)

    async def _stand_back(self, owner: int) -> None:
        self._blind()
        if owner == w.OFF and self.chip.field and not self._dirty:
            await self.chip.field_off()
        if self.core.job is not None:
            self._finish(w.OWNED)
        await self.hal.wait(20)

    # -- cards ---------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Look once for a card, in the rhythm of the configuration."""
        core = self.core
        due = self._looked + core.config.get("poll_ms")
        if self.hal.now() < due:
            await self.hal.wait(min(20, due - self.hal.now()))
            return
        self._looked = self.hal.now()
        try:
            found = await self.chip.find()
        except TapFailed as error:
            if self._trouble != error.reason and core.session.wants_card():
                core.tap_failed(error.reason)
            self._trouble = error.reason
            core.card_lies = True
            return
        if found is None:
            self._nothing_there()
            return
        await self._activate(found)
        if self._link is not None:
            await self._meet()

    def _nothing_there(self) -> None:
        if self._trouble:
            self._trouble = 0
            self.core.card_gone(0)
        if self._missing_since >= 0 and self._missing_long():
            self._forget_card()

    def _missing_long(self) -> bool:
        return self.hal.now() - self._missing_since >= SAME_MS

    async def _activate(self, found) -> None:
        try:
            ats = bytes(await self.chip.thru(RATS, 100))
        except (CardLost, Garbled):
            await self.chip.field_off()
            return
        link = IsoDep(self.chip.thru, ats)
        if link.guard_ms:
            await self.hal.sleep(link.guard_ms)
        if self._missing_since >= 0 and (found.uid != self._uid or self._missing_long()):
            self._forget_card()  # another presentation: the first one is over
        if self._trouble:
            self._trouble = 0
            self.core.card_gone(0)
        self._missing_since = -1
        self._uid = found.uid
        self._link = link
        self.core.card_lies = True

    async def _meet(self) -> None:
        """A card lies there: one TAP for each presentation, and only while armed."""
        core = self.core
        if core.owner.current == w.AUTO and core.session.wants_card() and not self._tapped:
            await self._tap()

    async def _tap(self) -> None:
        core = self.core
        session = core.session.id
        seen = self.hal.now()
        waited = seen - core.session.armed_at
        detect_only = core.session.flags & w.ARM_DETECT_ONLY
        core.session.reading()
        if not detect_only:
            core.show(w.LOOK_READING)
        how, n = 0, 0
        try:
            if not detect_only:
                how, n = await tap.read_file(self._link.transceive, self._file)
        except TapFailed as error:
            if core.session.state == READING and core.session.id == session:
                core.tap_failed(error.reason)
            return
        except CardLost:
            if core.session.state == READING and core.session.id == session:
                core.tap_failed(w.REMOVED_EARLY)
            self._lose_card()
            return
        if core.session.state != READING or core.session.id != session:
            return  # disarmed or armed anew meanwhile: this tap is nobody's
        self._tapped = session
        core.stats.add("taps")
        core.session.read()
        if not detect_only:
            core.show(w.LOOK_READ)
        self._send_tap(how, n, waited, self.hal.now() - seen)

    def _send_tap(self, how: int, n: int, waited: int, took: int) -> None:
        session = self.core.session
        event = self.core.panel.event()
        event.put_int(w.T_SESSION, session.id, 4)
        event.put_int(w.T_ATTEMPT, min(session.attempt, 255))
        event.put(w.T_UID, self._uid)
        event.put(w.T_ATS, self._link.ats)
        timings = min(waited, 65535).to_bytes(2, "little") + min(took, 65535).to_bytes(2, "little")
        event.put(w.T_TIMINGS, timings)
        event.put_int(w.T_HOW, how)
        if how:
            event.put(w.T_NDEF, memoryview(self._file)[:n])
        self.core.panel.send_event(w.EV_TAP)

    async def _keep(self) -> None:
        """A card lies there: notice when it is gone, or when a sale now wants it."""
        await self._meet()
        if self._link is None:
            return
        due = self._looked + self.core.config.get("presence_ms")
        if self.hal.now() < due:
            await self.hal.wait(min(20, due - self.hal.now()))
            return
        self._looked = self.hal.now()
        if not await self._link.present():
            await self._missing()

    def _unlink(self) -> None:
        """The card has to be found anew; until then its presentation goes on for a moment."""
        if self._link is not None:
            self._link = None
            self._missing_since = self.hal.now()

    def _blind(self) -> None:
        """We cannot see the card for a while; whether it left is found out by looking again."""
        self._unlink()
        if self._missing_since >= 0:
            self._missing_since = self.hal.now()

    async def _missing(self) -> None:
        """It does not answer: perhaps it flickers, so look once more with a fresh field."""
        self._unlink()
        await self.chip.field_off()
        await self.hal.sleep(6)

    def _forget_card(self) -> None:
        """The presentation is over."""
        tapped = self._tapped
        self._tapped = 0
        self._missing_since = -1
        self._uid = b""
        self.core.card_gone(tapped)

    def _lose_card(self) -> None:
        """It left while it was read: no TAP was made, so the next look is a new presentation."""
        self._link = None
        self._forget_card()

    # -- the host's jobs -----------------------------------------------------------------------

    async def _run_job(self) -> None:
        self._answer.clear()
        kind = self.core.job.kind
        if kind == w.APDU:
            status = await self._apdus(self.core.job.payload)
        elif kind == w.FIELD_RESET:
            status = await self._field_reset()
        else:
            status = await run_checks(self.core, self.chip, self._answer)
            self._unlink()
            self._ready = False  # the tests leave the chip in no known state
        self._finish(status)

    def _finish(self, status: int) -> None:
        job = self.core.job
        self.core.job = None
        if status in (w.FAILED, w.OWNED):
            self._answer.clear()
        self.core.panel.finish(job.kind, status, self._answer)

    async def _apdus(self, payload) -> int:
        """Run the list until it ends, a status stops it, or the answer is full."""
        if self._link is None:
            return w.NO_CARD
        answer = self._answer
        answer.put(w.T_UID, self._uid)
        answer.put(w.T_ATS, self._link.ats)
        wanted = tlv.find(payload, w.T_STOP_UNLESS)
        nth = 0
        apdu = tlv.find(payload, w.T_C_APDU)
        while apdu is not None:
            # Leave room for the longest answer: an APDU that ran must never lose its answer.
            if answer.room() < 258:
                return w.MORE
            try:
                reply = await self._link.transceive(apdu)
            except CardLost:
                await self._missing()
                return w.NO_CARD
            self.core.stats.add("apdus")
            answer.put(w.T_R_APDU, reply)
            if wanted and not _among(reply, wanted):
                return w.OK
            nth += 1
            apdu = tlv.find(payload, w.T_C_APDU, nth)
        self._looked = self.hal.now()
        return w.OK

    async def _field_reset(self) -> int:
        """Cut the card's power and take it up again: the same presentation, a fresh card."""
        had = self._link is not None
        await self._missing()
        if not had:
            return w.OK
        self._looked = -100_000
        try:
            found = await self.chip.find()
        except TapFailed:
            return w.NO_CARD
        if found is not None:
            await self._activate(found)
        return w.OK if self._link is not None else w.NO_CARD

    # -- the HSU face --------------------------------------------------------------------------

    async def _serve_hsu(self) -> None:
        """Run one command of the HSU host, as long as that host wants it."""
        core, hsu = self.core, self.core.hsu
        before = core.owner.current
        if not core.owner.claim_hsu(self.hal.now(), core.session.running() or core.job is not None):
            hsu.refuse()
            return
        core.owner_changed(before)
        self._blind()
        own = hsu.own_answer()
        if own:
            if hsu.pending[1] == POWER_DOWN:
                await self.chip.field_off()
                core.owner.release_hsu()
                core.owner_changed(w.BY_HSU)
            hsu.answer(own)
            return
        self._dirty = True
        self.chip.field = True
        turn = hsu.turn
        self.chip.begin(hsu.pending)
        answer = self.chip.poll()
        while answer is None and hsu.turn == turn:
            await self.chip.turn()
            answer = self.chip.poll()
        if hsu.turn != turn:
            self.chip.abort()
        else:
            hsu.answer(answer)


def _among(reply, wanted) -> bool:
    """Is the reply's status word one of the wanted?"""
    if len(reply) < 2:
        return False
    for at in range(0, len(wanted) - 1, 2):
        if reply[-2] == wanted[at] and reply[-1] == wanted[at + 1]:
            return True
    return False
