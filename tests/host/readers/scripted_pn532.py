"""A PN532 on a pty that keeps the commands it was given, for tests that count or disturb them.

The full model is `hardware.twin`; this one knows only what `host.readers` and nfcpy ask of it.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self

ACK = bytes.fromhex("0000FF00FF00")
ATS = bytes.fromhex("067777710280")
LIST, THRU, RF, GPIO = 0x4A, 0x42, 0x32, 0x0E
_LARGEST_ANSWER = 253  # FSD 256 less PCB and CRC
_FIXED = {0x02: "32010607", 0x14: "", 0x10: "", 0x12: "", RF: "", 0x08: "", GPIO: "", 0x16: "00"}
TIMEOUT = b"\x01"


class ScriptedCard:
    """A Type A card: its UID, SEL_RES, and what it answers to an APDU."""

    def __init__(
        self, uid: str, answer: Callable[[bytes], bytes], *, sel_res: int = 0x20, ats: bytes = ATS
    ) -> None:
        self.uid = bytes.fromhex(uid)
        self.sel_res = sel_res
        self._answer = answer
        self._ats = ats
        self._left = b""

    def frame(self, block: bytes) -> bytes | None:
        """The card's answer to one ISO-DEP block; None when it stays silent."""
        if block[0] == 0xE0:
            return self._ats or None
        if block[0] & 0xF6 == 0xB2:  # R(NAK): still there?
            return bytes((0xA2 | block[0] & 1,))
        if block[0] & 0xE2 == 0x02:
            self._left = self._answer(block[1:])
        more = len(self._left) > _LARGEST_ANSWER
        part, self._left = self._left[:_LARGEST_ANSWER], self._left[_LARGEST_ANSWER:]
        return bytes((0x02 | (0x10 if more else 0) | block[0] & 1,)) + part


class ScriptedPn532:
    """The chip, answering in a thread of its own; `path` is its serial port."""

    def __init__(self) -> None:
        self.cards: list[ScriptedCard] = []
        self.commands: list[bytes] = []
        self.deaf_until_slowed = False
        """As after a crash: only SetSerialBaudrate is understood."""
        self.silent = False
        self.breaks_off = False
        """Sends the beginning of a frame, and no more."""
        self.late = 0
        """For so many commands, the answer comes only when the host speaks again."""
        self._held = b""
        self._active: ScriptedCard | None = None
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def count(self, code: int) -> int:
        """How often the command `code` was given."""
        return sum(command[0] == code for command in self.commands)

    def unplug(self) -> None:
        """Pull the plug: the port hangs up."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        if self._master >= 0:
            os.close(self._slave)
            os.close(self._master)
            self._master = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unplug()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        received = b""
        while True:
            ready, _, _ = select.select([self._master, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            received += os.read(self._master, 4096)
            if self._held:
                os.write(self._master, self._held)
                self._held = b""
            while taken := self._take(received):
                command, received = taken
                self._obey(command)

    def _take(self, received: bytes) -> tuple[bytes, bytes] | None:
        start = received.find(b"\x00\x00\xff")
        while start >= 0 and received[start : start + 6] == ACK:
            start = received.find(b"\x00\x00\xff", start + 6)
        head = received[start + 3 : start + 8]
        if start < 0 or len(head) < 5:
            return None
        extended = head[:2] == b"\xff\xff"
        length = int.from_bytes(head[2:4], "big") if extended else head[0]
        data = start + (8 if extended else 5)
        end = data + length + 2
        return (
            (received[data + 1 : data + length], received[end:]) if len(received) >= end else None
        )

    def _obey(self, command: bytes) -> None:
        if self.silent or (self.deaf_until_slowed and command[0] != 0x10):
            return
        self.deaf_until_slowed = False
        self.commands.append(command)
        if self.breaks_off:
            os.write(self._master, b"\x00\x00\xff")
            return
        answer = bytes((0xD5, command[0] + 1)) + self._answer(command)
        length = len(answer).to_bytes(2, "big")
        head = length[1:] if len(answer) < 255 else b"\xff\xff" + length
        head += bytes((-sum(length) & 0xFF,))
        frame = b"\x00\x00\xff" + head + answer + bytes((-sum(answer) & 0xFF, 0))
        if self.late:
            self.late -= 1
            self._held = ACK + frame
            return
        os.write(self._master, ACK + frame)

    def _answer(self, command: bytes) -> bytes:
        if command[0] == RF and command[1:] == b"\x01\x02":
            self._active = None
        if command[0] == LIST:
            return self._list(command[1])
        if command[0] == THRU:
            silent = self._active not in self.cards
            answer = None if silent or self._active is None else self._active.frame(command[1:])
            return TIMEOUT if answer is None else b"\x00" + answer
        if command[0] == 0x00:
            return command[1:]
        return bytes.fromhex(_FIXED[command[0]])

    def _list(self, most: int) -> bytes:
        """A card that was selected before does not answer again while it has power."""
        found = [card for card in self.cards if card is not self._active][:most]
        if found:
            self._active = found[0]
        answer = bytes((len(found),))
        for number, card in enumerate(found, 1):
            answer += bytes((number, 0x03, 0x44, card.sel_res, len(card.uid))) + card.uid
        return answer
