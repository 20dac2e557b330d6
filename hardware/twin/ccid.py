"""A bought CCID reader on a pseudo-terminal, driven by Debian's real libccid (`libccidtwin`).

pcscd takes it for a reader on a serial port. It has the bench's first card in its slot, and takes
the escape commands of the model that it plays.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable

from hardware.twin.acs import Manners
from hardware.twin.apdu import CardLost
from hardware.twin.bench import Bench
from hardware.twin.card import TwinCard
from hardware.twin.ccid_frames import (
    FAILED,
    ICC_MUTE,
    NOT_SUPPORTED,
    From,
    Icc,
    Message,
    To,
    Unwrapper,
    wrap,
)
from hardware.twin.tpdu1 import BlockCard
from hardware.twin.vpcd import ATR, answer

_FIRMWARE, _NOTIFY = b"\x02", b"\x01\x01\x01"
"""libccid's own escapes: who are you, and tell of cards only when asked."""
_PPS = 0xFF
_T1_PARAMETERS = bytes.fromhex("11100043FE0000")


class CcidReader:
    """One slot: a CCID message in, its answer out."""

    def __init__(self, bench: Bench, manners: Manners) -> None:
        self._bench = bench
        self._manners = manners
        self._card: TwinCard | None = None  # the one that is powered
        self._blocks: BlockCard | None = None

    def answer(self, asked: Message) -> Message:
        """Carry out one message."""
        commands: dict[int, Callable[[Message], Message]] = {
            To.POWER_ON: self._power_on,
            To.POWER_OFF: self._power_off,
            To.SLOT_STATUS: lambda asked: self._reply(asked, From.SLOT_STATUS),
            To.GET_PARAMETERS: self._parameters,
            To.SET_PARAMETERS: self._parameters,
            To.RESET_PARAMETERS: self._parameters,
            To.TRANSFER: self._transfer,
            To.ESCAPE: self._escape,
        }
        obey = commands.get(asked.kind)
        return obey(asked) if obey else self._refuse(asked, From.SLOT_STATUS, NOT_SUPPORTED)

    def _there(self) -> TwinCard | None:
        return next(iter(self._bench.field()), None)

    def _status(self) -> Icc:
        there = self._there()
        if there is None:
            return Icc.ABSENT
        return Icc.ACTIVE if there is self._card else Icc.INACTIVE

    def _power_on(self, asked: Message) -> Message:
        self._lose_power()
        card = self._there()
        if card is None:
            return self._refuse(asked, From.DATA, ICC_MUTE)
        card.power_on()
        self._card, self._blocks = card, BlockCard(lambda apdu: answer(card, apdu))
        return self._reply(asked, From.DATA, ATR)

    def _power_off(self, asked: Message) -> Message:
        self._lose_power()
        return self._reply(asked, From.SLOT_STATUS)

    def _parameters(self, asked: Message) -> Message:
        return self._reply(asked, From.PARAMETERS, asked.data or _T1_PARAMETERS, own=1)

    def _lose_power(self) -> None:
        if self._card is not None:
            self._card.power_off()
        self._card = self._blocks = None

    def _transfer(self, asked: Message) -> Message:
        card, blocks = self._card, self._blocks
        if card is None or blocks is None or card is not self._there():
            return self._refuse(asked, From.DATA, ICC_MUTE)
        if asked.data[:1] == bytes((_PPS,)):
            return self._reply(asked, From.DATA, asked.data)  # any speed is as good to us
        try:
            return self._reply(asked, From.DATA, blocks.exchange(asked.data))
        except CardLost:
            self._bench.lost(card)
            return self._refuse(asked, From.DATA, ICC_MUTE)

    def _escape(self, asked: Message) -> Message:
        if asked.data == _FIRMWARE:
            return self._reply(asked, From.ESCAPE, b"Taptill twin")
        if asked.data == _NOTIFY:
            return self._reply(asked, From.ESCAPE)
        told = self._manners.escape(asked.data)
        if told is None:
            return self._refuse(asked, From.ESCAPE, NOT_SUPPORTED)
        return self._reply(asked, From.ESCAPE, told)

    def _reply(self, asked: Message, kind: From, data: bytes = b"", own: int = 0) -> Message:
        return Message(kind, asked.slot, asked.sequence, bytes((self._status(), 0, own)), data)

    def _refuse(self, asked: Message, kind: From, error: int) -> Message:
        status = bytes((self._status() | FAILED, error, 0))
        return Message(kind, asked.slot, asked.sequence, status)


class CcidPty:
    """The reader's end of a serial line whose other end is `device`, for pcscd to open."""

    def __init__(self, bench: Bench, manners: Manners) -> None:
        self._reader = CcidReader(bench, manners)
        self._line, self._host_end = os.openpty()
        tty.setraw(self._host_end)
        self.device = os.ttyname(self._host_end)
        self._wakened, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="ccid", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        if self._line < 0:
            return
        os.write(self._waker, b"\0")
        self._thread.join()
        for descriptor in (self._line, self._host_end, self._wakened, self._waker):
            os.close(descriptor)
        self._line = -1

    def _run(self) -> None:
        unwrapper = Unwrapper()
        while True:
            ready, _, _ = select.select([self._line, self._wakened], [], [])
            if self._wakened in ready:
                return
            for message in unwrapper.feed(os.read(self._line, 4096)):
                answered = self._reader.answer(Message.parse(message))
                # A GemPC Twin sends back what it heard, then its answer.
                self._send(wrap(message) + wrap(answered.build()))

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._line, data) :]
