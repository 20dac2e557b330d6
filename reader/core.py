"""What the tasks share: the session, the owner of the chip, the face, and the events they send."""

from reader import tlv
from reader import words as w
from reader.buttons import Buttons, Tips
from reader.config import Config
from reader.face import Face
from reader.hsu import Hsu
from reader.owner import Owner
from reader.panel import Panel
from reader.session import Session
from reader.stats import Log, Stats


class Job:
    """A request that needs the chip; the NFC task runs it and answers."""

    def __init__(self, kind: int, payload: bytes) -> None:
        self.kind = kind
        self.payload = payload


class Core:
    """One reader. Every change goes through here, so that face, session and events agree."""

    def __init__(self, hal, handle) -> None:
        self.hal = hal
        self.stats = Stats()
        self.log = Log()
        self.config = Config(hal)
        self.session = Session()
        self.owner = Owner()
        self.face = Face()
        self.buttons = Buttons()
        self.tips = Tips()
        self.hsu = Hsu(self.stats)
        self.panel = Panel(hal, self.stats, handle, self.host_silent)
        self.job = None
        self.card_lies = False
        self.fault = 0
        self.chip_ready = False
        self.ready_due = False
        self.safe = hal.boot_reason() == w.BOOT_SAFE
        self.reboot = -1
        self.clock_offset = 0
        self.log_follow = False
        self.face.show(w.LOOK_SAFE if self.safe else w.LOOK_IDLE, hal.now())

    # -- the face ------------------------------------------------------------------------------

    def show(self, look: int, lines: tuple = ("", "")) -> None:
        self.face.show(look, self.hal.now(), lines)

    def rest(self) -> None:
        """What is shown while nothing happens."""
        self.show(w.LOOK_SAFE if self.safe else w.LOOK_FAULT if self.fault else w.LOOK_IDLE)

    # -- the session ---------------------------------------------------------------------------

    def end_session(self) -> None:
        """Disarm: no TAP of this session is sent any more."""
        self.session.end()
        self.tips.open = False
        self.panel.forget_events(w.EV_TAP)

    def host_silent(self) -> None:
        """Nothing heard for 5 s: what was armed is not any more."""
        self.end_session()
        self.rest()

    def card_gone(self, tapped: int) -> None:
        """The card left; a session that wants one more tap is armed again.

        `tapped` is the session that got the card's TAP, or 0.
        """
        self.card_lies = False
        if tapped:
            self.stats.add("removed")
            event = self.panel.event()
            event.put_int(w.T_SESSION, tapped, 4)
            self.panel.send_event(w.EV_REMOVED)
        if self.session.removed(self.hal.now()) and not self.session.flags & w.ARM_QUIET:
            self.show(w.LOOK_ARMED)

    def tap_failed(self, reason: int) -> None:
        """A card lies there that cannot be read: once more, after it is gone."""
        self.stats.add("tap_errors")
        event = self.panel.event()
        event.put_int(w.T_SESSION, self.session.id, 4)
        event.put_int(w.T_REASON, reason)
        event.put_int(w.T_ATTEMPT, min(self.session.attempt, 255))
        self.panel.send_event(w.EV_TAP_ERROR)
        self.session.failed()
        self.show(w.LOOK_RETRY)

    def tick(self) -> None:
        """Ends what has run out of time. Called by the USB task."""
        if self.session.expired(self.hal.now()):
            self.end_session()
            self.rest()
        if self.ready_due and self.panel.live and self.chip_ready and not self.fault:
            self.ready_due = False
            self.panel.event()
            self.panel.send_event(w.EV_READY)
        self.panel.tick()

    # -- faults --------------------------------------------------------------------------------

    def raise_fault(self, code: int, value: int = 0) -> None:
        """Tell the host and the person in front of the reader; once for each fault."""
        self.note(code, value)
        if self.fault == code:
            return
        self.fault = code
        event = self.panel.event()
        event.put_int(w.T_CODE, code)
        self.panel.send_event(w.EV_FAULT)
        if not self.session.running():
            self.rest()

    def note(self, code: int, value: int) -> None:
        """An entry in the log, and an event where the host follows it."""
        self.log.note(self.hal.now(), code, value)
        if self.log_follow:
            event = self.panel.event()
            event.put_text(w.T_TEXT, self.log.last(self.clock_offset))
            self.panel.send_event(w.EV_LOG)

    def clear_fault(self, code: int) -> None:
        """What this fault was about works again."""
        if self.fault == code:
            self.fault = 0
            self.ready_due = True
            if not self.session.running():
                self.rest()

    def owner_changed(self, before: int) -> None:
        if self.owner.current != before:
            event = self.panel.event()
            event.put_int(w.T_OWNER, self.owner.current)
            self.panel.send_event(w.EV_OWNER)

    # -- buttons -------------------------------------------------------------------------------

    def look_at_buttons(self) -> None:
        """Presses become events; while a session is armed they may choose a tip first."""
        button, how = self.buttons.look(self.hal.buttons(), self.hal.now())
        if not button:
            return
        if self.config.get("tips") and self.session.wants_card() and self._tip(button, how):
            return
        event = self.panel.event()
        event.put_int(w.T_BUTTON, button)
        event.put_int(w.T_HOW, how)
        self.panel.send_event(w.EV_BUTTON)

    def _tip(self, button: int, how: int) -> bool:
        was_open = self.tips.open
        percent = self.tips.press(button, how)
        if self.tips.open:
            self.show(w.LOOK_TIP, ("", f"Tip {self.tips.percent()} %"))
        elif was_open:
            self.show(w.LOOK_ARMED)
        if percent >= 0:
            event = self.panel.event()
            event.put_int(w.T_SESSION, self.session.id, 4)
            event.put_int(w.T_TIP, percent)
            self.panel.send_event(w.EV_TIP)
        return was_open or self.tips.open


def text_pair(payload) -> tuple:
    """The two lines of a payload."""
    return tlv.find_text(payload, w.T_LINE1), tlv.find_text(payload, w.T_LINE2)
