"""What each request of the panel does."""

from reader import VERSION, tlv, tones
from reader import words as w
from reader.config import LIMITS
from reader.core import Core, Job, text_pair
from reader.face import HOST_MS
from reader.lights import COUNT
from reader.panel import LATER

RESULT_LOOKS = {w.APPROVED: w.LOOK_APPROVED, w.DECLINED: w.LOOK_DECLINED, w.ERROR: w.LOOK_ERROR}


class Service:
    """Handlers by type; each gets the payload and an empty answer, and returns a status."""

    def __init__(self, hal) -> None:
        self.core = Core(hal, self.handle)
        self._handlers = {
            w.HELLO: self.hello,
            w.PING: self.ping,
            w.ARM: self.arm,
            w.DISARM: self.disarm,
            w.RESULT: self.result,
            w.UI: self.ui,
            w.LED: self.led,
            w.TONE: self.tone,
            w.NFC_MODE: self.nfc_mode,
            w.APDU: self.chip_job,
            w.FIELD_RESET: self.chip_job,
            w.SELFTEST: self.chip_job,
            w.STATS: self.stats,
            w.CONFIG: self.config,
            w.LOG: self.log,
            w.REBOOT: self.reboot,
            w.TIME: self.time,
        }

    def handle(self, kind: int, payload, answer) -> int:
        handler = self._handlers.get(kind)
        if handler is None:
            return w.UNKNOWN
        if kind in (w.APDU, w.FIELD_RESET, w.SELFTEST):
            return handler(kind, payload)
        return handler(payload, answer)

    def hello(self, payload, answer) -> int:
        """A host starts: whatever another one had armed is over."""
        core = self.core
        core.end_session()
        if core.owner.mode != w.AUTO:
            core.owner.choose(w.AUTO)
        core.ready_due = True
        core.log_follow = False
        core.rest()
        answer.put_int(w.T_PROTOCOL, w.PROTOCOL)
        answer.put_text(w.T_SERIAL, core.hal.serial_number())
        answer.put_text(w.T_FIRMWARE, VERSION)
        answer.put_text(w.T_BOARD, core.hal.board())
        answer.put_int(w.T_BOOT, core.hal.boot_reason())
        answer.put_int(w.T_CAN, core.hal.can())
        return self.ping(payload, answer)

    def ping(self, payload, answer) -> int:
        core = self.core
        state = w.IS_ARMED if core.session.running() else 0
        state |= w.IS_CARD if core.card_lies else 0
        state |= w.IS_SAFE if core.safe else 0
        state |= w.IS_FAULT if core.fault else 0
        answer.put_int(w.T_STATE, state)
        answer.put_int(w.T_OWNER, core.owner.current)
        return w.OK

    def arm(self, payload, answer) -> int:
        core = self.core
        if core.safe:
            return w.SAFE_MODE
        session = tlv.find_int(payload, w.T_SESSION)
        timeout = tlv.find_int(payload, w.T_TIMEOUT)
        if not session or not timeout:
            return w.BAD_REQUEST
        before = core.owner.current
        if not core.owner.claim_tap(core.hal.now()):
            return w.OWNED
        core.owner_changed(before)
        core.panel.forget_events()
        flags = tlv.find_int(payload, w.T_FLAGS)
        core.session.arm(core.hal.now(), session, timeout, flags)
        core.tips.open = False
        if not flags & w.ARM_QUIET:
            self._amount(payload)
            core.show(w.LOOK_ARMED, text_pair(payload))
        return w.OK

    def _amount(self, payload) -> None:
        self.core.face.amount = tlv.find_text(payload, w.T_AMOUNT)
        self.core.face.currency = tlv.find_text(payload, w.T_CURRENCY)

    def disarm(self, payload, answer) -> int:
        if self.core.session.running():
            self.core.end_session()
            self.core.rest()
        return w.OK

    def result(self, payload, answer) -> int:
        core = self.core
        outcome = tlv.find_int(payload, w.T_OUTCOME)
        session = tlv.find_int(payload, w.T_SESSION)
        if not core.session.running() or session != core.session.id:
            return w.STALE
        core.panel.forget_events(w.EV_TAP)  # a result is as good as an acknowledgement
        if outcome == w.RETRY:
            core.session.again(core.hal.now(), core.card_lies)
            core.show(w.LOOK_RETRY if core.card_lies else w.LOOK_ARMED, text_pair(payload))
            return w.OK
        if outcome not in RESULT_LOOKS:
            return w.BAD_REQUEST
        core.end_session()
        core.show(RESULT_LOOKS[outcome], text_pair(payload))
        return w.OK

    def ui(self, payload, answer) -> int:
        """Show a look with an amount and two lines; it changes nothing of the session."""
        look = tlv.find_int(payload, w.T_LOOK, w.LOOK_IDLE)
        if look > w.LOOK_SAFE:
            return w.BAD_REQUEST
        self._amount(payload)
        self.core.show(look, text_pair(payload))
        return w.OK

    def led(self, payload, answer) -> int:
        lights = tlv.find(payload, w.T_LIGHTS)
        if lights is None or len(lights) not in (0, 3 * COUNT):
            return w.BAD_REQUEST
        self.core.face.lights = bytes(lights)
        self.core.face.lights_until = self.core.hal.now() + HOST_MS
        return w.OK

    def tone(self, payload, answer) -> int:
        self.core.face.melody = tones.parse(tlv.find(payload, w.T_TONE) or b"")
        self.core.face.melody_since = self.core.hal.now()
        return w.OK

    def nfc_mode(self, payload, answer) -> int:
        core = self.core
        mode = tlv.find_int(payload, w.T_MODE, 255)
        if mode > w.OFF:
            return w.BAD_REQUEST
        if mode != w.AUTO and core.session.running():
            core.end_session()
            core.rest()
        before = core.owner.current
        core.owner.choose(mode)
        core.owner_changed(before)
        return w.OK

    def chip_job(self, kind: int, payload) -> int:
        core = self.core
        if core.safe:
            return w.SAFE_MODE
        if core.job is not None:
            return w.BUSY
        if core.owner.current in (w.BY_HSU, w.OFF):
            return w.OWNED
        core.job = Job(kind, bytes(payload))
        return LATER

    def stats(self, payload, answer) -> int:
        answer.put(w.T_COUNTERS, self.core.stats.packed())
        answer.put_int(w.T_VALUE, self.core.hal.free_memory(), 4)
        return w.OK

    def config(self, payload, answer) -> int:
        """Set one value, if there is one; all values in the order of their names."""
        name = tlv.find_text(payload, w.T_NAME)
        changed = not name or self.core.config.change(name, tlv.find_int(payload, w.T_VALUE))
        for key in sorted(LIMITS):
            answer.put_text(w.T_NAME, key)
            answer.put_int(w.T_VALUE, self.core.config.get(key), 4)
        return w.OK if changed else w.BAD_REQUEST

    def log(self, payload, answer) -> int:
        self.core.log_follow = bool(tlv.find_int(payload, w.T_FLAGS) & w.LOG_FOLLOW)
        for line in self.core.log.lines(self.core.clock_offset):
            answer.put_text(w.T_TEXT, line)
        return w.OK

    def reboot(self, payload, answer) -> int:
        kind = tlv.find_int(payload, w.T_KIND)
        if kind > w.REBOOT_SAFE:
            return w.BAD_REQUEST
        self.core.end_session()
        self.core.reboot = kind  # the USB task does it once the answer is on its way
        return w.OK

    def time(self, payload, answer) -> int:
        self.core.clock_offset = tlv.find_int(payload, w.T_TIME) - self.core.hal.now()
        return w.OK
