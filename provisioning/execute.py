"""The hand that writes: authentications counted, every answer checked, key 0 last.

| what happens                 | what follows                                                     |
|------------------------------|------------------------------------------------------------------|
| 91AD at an authentication    | again at once, five times at most; then DELAYED                  |
| 91AE at an authentication    | KEY_REFUSED: the versions promised this key; nothing more is tried|
| 919D at an authentication    | LRP or BLOCKED                                                   |
| another UID inside a session | SWAPPED, before anything is written                              |
| 911E at a key                | the key may be new already: one more session, tried as such      |
| no answer                    | the next tap reads the versions and goes on                      |
"""

from __future__ import annotations

from collections.abc import Callable

from host.ntag424.card import Card
from host.ntag424.commands import one_frame
from host.ntag424.errors import (
    AuthenticationDelay,
    AuthenticationError,
    CardBlocked,
    LrpCard,
    StatusError,
)
from host.ntag424.files import NDEF_SIZE, CommMode, FileInfo, FileNo, FileSettings, Right
from host.ntag424.status import Status
from host.ntag424.sun import PiccData
from host.ntag424.values import Key, Uid
from provisioning.plan import Plan, Step, Use
from provisioning.seen import KEY_NUMBERS, Depth, Seen, mirror, read_file
from provisioning.states import Held
from provisioning.trouble import Stop, TroubleCode

MAX_SESSIONS = 2
"""Authentications with a key, per tap (THREATS 25)."""
_DELAY_RETRIES = 5


class Hand:
    """One tap's writing. Raises `Stop`, `CardError` and the link's errors."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.sessions = 0
        self.unproved = 0
        """Authentications begun since the last that succeeded: what the card counts against us."""
        self.proved = False
        """Whether any succeeded on this tap."""
        self.wrote = False
        self._proved_new = False

    def open(self, key: Key) -> None:
        """A session with key 0. Raises `Stop` when this tap has had its two."""
        if self.sessions == MAX_SESSIONS:
            raise Stop(TroubleCode.ONCE_MORE, "two sessions were needed already")
        self.sessions += 1
        self.unproved += 1
        for _ in range(1 + _DELAY_RETRIES):
            try:
                self._card.authenticate(0, key)
            except AuthenticationDelay:
                continue
            except AuthenticationError as error:
                raise Stop(TroubleCode.KEY_REFUSED, str(error)) from error
            except LrpCard as error:
                raise Stop(TroubleCode.LRP, str(error)) from error
            except CardBlocked as error:
                raise Stop(TroubleCode.BLOCKED, str(error)) from error
            self.unproved, self.proved = 0, True
            return
        raise Stop(TroubleCode.DELAYED)

    def confirm(self, uid: Uid) -> None:
        """The card in the session must be the one that was looked at (THREATS 23)."""
        if self._card.get_card_uid() != uid:
            raise Stop(TroubleCode.SWAPPED)

    def write(
        self,
        plan: Plan,
        steps: tuple[Step, ...],
        seen: Seen,
        held: Held,
        before: Callable[[Step], None],
    ) -> None:
        """Do the steps in their order; `before` is told of each."""
        settings = seen.file.settings
        for step in steps:
            before(step)
            self.wrote = True
            if self._card.authenticated is None:  # key 0 was changed in the step before
                self.open(plan.new.keys.k0)
                self._proved_new = True
            if step is Step.NDEF:
                self._write_file(plan.content(seen), settings)
            elif step is Step.SETTINGS:
                self._change_settings(settings, plan.target.settings)
                settings = plan.target.settings
            else:
                self._change_key(step.key_no or 0, plan, held)

    def _write_file(self, content: bytes, settings: FileSettings) -> None:
        rights = settings.rights
        ours = Right.KEY_0 in (rights.write, rights.read_write)
        mode = settings.mode if ours else CommMode.PLAIN
        room = one_frame(mode)
        if len(content) <= room:
            self._card.write_data(FileNo.NDEF, content, 0, mode)
            return
        # Not one frame, so it can be torn: the length says "empty" until the rest is there.
        self._card.write_data(FileNo.NDEF, bytes(2), 0, mode)
        for at in range(2, len(content), room):
            self._card.write_data(FileNo.NDEF, content[at : at + room], at, mode)
        if any(content[:2]):
            self._card.write_data(FileNo.NDEF, content[:2], 0, mode)

    def _change_settings(self, now: FileSettings, then: FileSettings) -> None:
        right = now.rights.change
        if right not in (Right.KEY_0, Right.FREE):
            raise Stop(TroubleCode.LOCKED, f"change right is {right.name}")
        mode = CommMode.FULL if right is Right.KEY_0 else CommMode.PLAIN
        self._card.change_file_settings(FileNo.NDEF, then, mode)

    def _change_key(self, number: int, plan: Plan, held: Held) -> None:
        new = plan.new.keys[number]
        try:
            self._card.change_key(number, new, plan.marker, held[number].keys[number])
        except StatusError as error:
            if number == 0 or error.status != Status.INTEGRITY_ERROR:
                raise
            # Nothing was changed, but the session is gone. Only a version byte that lies explains
            # it: this key is the new one already.
            self.open(held[0].keys.k0)
            self._card.change_key(number, new, plan.marker, new)

    def verify(self, plan: Plan, depth: Depth) -> PiccData | None:
        """Look at the finished card as a stranger does, then prove key 0; returns its tap.

        FAST leaves out what the card has already confirmed with a MAC, or with 9100 for key 0.
        """
        if self._card.authenticated is not None:
            self._card.select_application()  # inside a session nothing is mirrored
        tap = check_file(self._card, plan)
        if depth is Depth.FULL:
            self._card.look_ahead(keys=KEY_NUMBERS[1:])
            for number in KEY_NUMBERS[1:]:
                if self._card.get_key_version(number) != plan.marker:
                    raise Stop(TroubleCode.VERIFY_FAILED, f"version of key {number}")
            if not self._proved_new:
                self.open(plan.new.keys.k0)
        return tap


def check_file(card: Card, plan: Plan) -> PiccData | None:
    """File 2 must sign with the new keys as this card, or be empty after a wipe."""
    content = read_file(card)
    if plan.use is Use.WIPE:
        if content != plan.target.file:
            raise Stop(TroubleCode.VERIFY_FAILED, "the file is not empty")
        return None
    file = FileInfo(plan.target.settings, NDEF_SIZE)
    tap = proved_by(Seen(plan.uid, None, (), file, content), plan)
    if tap is None:
        raise Stop(TroubleCode.VERIFY_FAILED, "p and c do not check")
    return tap


def proved_by(seen: Seen, plan: Plan) -> PiccData | None:
    """The tap in a reading, if the plan's new keys opened and signed it for the plan's card."""
    signed = mirror(seen)
    tap = signed.open(plan.new.keys.k1) if signed else None
    if signed is None or tap is None or tap.uid != plan.uid:
        return None
    return tap if signed.proves(plan.new.keys.k2, tap) else None
