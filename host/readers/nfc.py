"""Readers behind nfcpy: a PN532 on any serial path, or a USB reader that nfcpy knows.

nfcpy's ISO-DEP carries the APDUs. Its NDEF detection (7 APDUs, 28 chip commands) is not used: a
card is sensed, activated with one RATS, and left to whoever reads it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import nfc.clf
import nfc.tag
import nfc.tag.tt4

from host.readers.base import (
    Can,
    CardGone,
    CardLink,
    Reader,
    ReaderGone,
    ReaderInfo,
    RefusedLink,
    SeveralCards,
    Show,
)
from host.readers.gpio import LampThread
from host.readers.lock import OwnerLock
from host.readers.nfc_field import Field, Target
from host.readers.nfc_open import open_field

_POLL_S = 0.06  # one chip command a look; half of it is in every tap
_RETRIES = 2  # of one frame: a card that is taken away is given up after about 150 ms
_FAILED_LOOKS = 16  # about a second: a card still on its way answers the first call, not the next
_RATS_S = 0.03
_CARD_ERRORS = (nfc.clf.CommunicationError, nfc.tag.TagCommandError)


def open_nfc(where: str, *, gpio_lights: bool = False, run_dir: Path | None = None) -> Reader:
    """Own the reader at `where`: a serial path, `usb`, or `usb:VENDOR:PRODUCT` (hexadecimal).

    With `gpio_lights` the pins of its PN532 drive lamps (`host.readers.gpio`). Raises `ReaderGone`
    with words a person can act on, `ReaderTaken` when it has an owner.
    """
    lock = OwnerLock.take(where, run_dir)
    try:
        field = open_field(where)
    except BaseException:
        lock.release()
        raise
    return NfcReader(where, field, lock, gpio_lights=gpio_lights)


class NfcReader(Reader):
    """One reader that nfcpy drives, polled by whoever waits for a card."""

    def __init__(self, where: str, field: Field, lock: OwnerLock, *, gpio_lights: bool) -> None:
        self._lamps = LampThread(field.set_lamps) if gpio_lights and field.set_lamps else None
        can = frozenset({Can.LIGHTS, Can.TONES} if self._lamps else ())
        self.info = ReaderInfo(where, "nfc", can=can)
        self._field = field
        self._lock = lock
        self._closing = threading.Event()
        self._lies = False  # whether the presentation last returned is still there
        self._uid: bytes | None = None  # whose it was; None where it was several cards'
        self._link: _NfcLink | None = None
        self._failed_looks = 0

    def wait_card(self, timeout_ms: int) -> CardLink | None:
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            if not self._still_lies() and (link := self._look()):
                return link
            if not self._pause(deadline):
                return None

    def wait_gone(self, timeout_ms: int) -> bool:
        deadline = time.monotonic() + timeout_ms / 1000
        while self._still_lies():
            if not self._pause(deadline):
                return False
        return True

    def show(self, what: Show) -> None:
        if self._lamps:
            self._lamps.show(what.look)

    def close(self) -> None:
        if not self._closing.is_set():
            self._closing.set()
            if self._lamps:
                self._lamps.close()
            self._field.close()
            self._lock.release()

    def _look(self) -> CardLink | None:
        try:
            target = self._field.sense()
        except SeveralCards:
            self._lies, self._uid = True, None
            raise
        if target is None:
            self._failed_looks = 0
            return None
        link = self._activate(target)
        if link is not None:
            self._failed_looks = 0
            self._lies, self._uid = True, target.uid
        return link

    def _activate(self, target: Target) -> CardLink | None:
        """A link to the card just selected; None when it may only need to come closer."""
        if not target.takes_apdus:
            return RefusedLink("this is not a Type 4 card", target.seen_ns, target.uid)
        try:
            self._link = _NfcLink(self._field, target)
        except _CARD_ERRORS:
            self._failed_looks += 1
            if self._failed_looks < _FAILED_LOOKS:
                return None
            return RefusedLink("the card does not answer; lay it flat", target.seen_ns, target.uid)
        return self._link

    def _still_lies(self) -> bool:
        if not self._lies:
            return False
        if self._link and self._link.answers():
            return True
        self._link = None
        try:
            target = self._field.sense()
        except SeveralCards:
            return True
        # Of several cards one may stay: that is a presentation of its own.
        self._lies = target is not None and target.uid == self._uid
        return self._lies

    def _pause(self, deadline: float) -> bool:
        """Wait until the next look is due; False when `deadline` has come."""
        left = deadline - time.monotonic()
        if self._closing.wait(max(0.0, min(_POLL_S, left))):
            raise ReaderGone("the reader was closed")
        return left > 0


class _NfcLink(CardLink):
    """A card activated for ISO-DEP (ISO/IEC 14443-4)."""

    def __init__(self, field: Field, target: Target) -> None:
        self._uid = target.uid
        self.seen_ns = target.seen_ns
        self._dep: Any = _activate_iso_dep(field)
        self._over = False

    @property
    def uid(self) -> bytes | None:
        return self._uid

    def transceive(self, apdu: bytes) -> bytes:
        if self._over:
            raise CardGone("the exchange with this card is over")
        try:
            answer = self._dep.exchange(apdu)
        except _CARD_ERRORS as error:
            self._over = True
            raise CardGone("the card was taken away") from error
        return bytes(answer)

    def answers(self) -> bool:
        """Whether the card is still there; it costs one frame and changes nothing on the card."""
        if self._over:
            return False
        try:
            self._dep.exchange(None)
        except _CARD_ERRORS:
            self._over = True
        return not self._over


def _activate_iso_dep(field: Field) -> Any:
    """Send RATS and hand the card to nfcpy's ISO-DEP. Raises nfcpy's `CommunicationError`."""
    frame_size = 0x80 if field.largest_received >= 256 else 0x70  # FSDI: 256 or 128 bytes
    ats = bytes(field.exchange(bytes((0xE0, frame_size)), _RATS_S))
    largest, wait_s = parse_ats(ats)
    dep = nfc.tag.tt4.IsoDepInitiator(field, min(largest, field.largest_sent), wait_s)
    dep.n_retry_ack = dep.n_retry_nak = _RETRIES
    return dep


def parse_ats(ats: bytes) -> tuple[int, float]:
    """The largest frame a card takes (bytes) and how long it may think (seconds).

    ISO/IEC 14443-4 §5.2: any of the interface bytes may be absent; nfcpy takes all for granted.
    """
    if not ats or ats[0] != len(ats):
        raise nfc.clf.ProtocolError("ATS length")
    size_index, wait_index = 2, 4  # what holds where the card leaves them out
    if len(ats) > 1:
        size_index = ats[1] & 0x0F
        tb = 3 if ats[1] & 0x10 else 2  # after TA, where there is one
        if ats[1] & 0x20 and len(ats) > tb:
            wait_index = ats[tb] >> 4
    sizes = (16, 24, 32, 40, 48, 64, 96, 128, 256)
    largest = sizes[min(size_index, 8)]
    return largest, 4096 / 13.56e6 * 2 ** (wait_index if wait_index < 15 else 4)
