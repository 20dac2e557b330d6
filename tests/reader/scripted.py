"""A PN532 and a Type 4 card in memory, small enough for MicroPython; faults on demand.

The chip follows the user manual's frames, the card ISO 14443-4 §7.5: block numbers, R(NAK) and
R(ACK) rules, chaining both ways, waiting time. `hardware/twin` holds the full card; this one only
has to disturb the firmware.
"""

from reader import pn532_frames as frames

ATS = b"\x06\x77\x77\x71\x02\x80"
URL = b"lnurlw://pay.example/ln?p=" + b"0" * 32 + b"&c=" + b"1" * 16


FIXED = {
    0x02: b"\x32\x01\x06\x07",
    0x08: b"",
    0x10: b"",
    0x12: b"",
    0x14: b"",
    0x16: b"\x00",
    0x32: b"",
}


def ndef_file(url: bytes = URL) -> bytes:
    body = b"\xd1\x01" + bytes([len(url) + 1]) + b"U\x00" + url
    return (len(body).to_bytes(2, "big") + body + bytes(256))[:256]


class ScriptedCard:
    """A card with one file. `native` False makes it an ordinary Type 4 tag."""

    def __init__(self, uid: bytes = bytes.fromhex("04112233445566"), native: bool = True) -> None:
        self.uid = uid
        self.sak = 0x20
        self.native = native
        self.file = ndef_file()
        self.frame = 128  # as in the ATS
        self.apdus = []
        self.wtx = 0  # waiting time requests before each answer
        self.drop = []  # numbers of blocks (from now) that are lost on their way to the card
        self.deaf = []  # numbers of blocks whose answer is lost
        self.leave_after = -1  # this many APDUs, then it is gone
        self.lies = True
        self.power_off()

    def power_off(self) -> None:
        self._active = False
        self._number = 1
        self._command = b""
        self._answer = b""
        self._last = b""
        self._waits = 0
        self._selected = b""
        self._blocks = 0

    def block(self, block: bytes):
        """The card's block, or None when it stays silent."""
        if not self.lies:
            return None
        if block[:1] == b"\xe0":
            self._active = True
            self._number = 1
            return ATS
        if not self._active:
            return None
        nth = self._blocks
        self._blocks += 1
        if nth in self.drop:
            return None
        answer = self._serve(block)
        return None if nth in self.deaf else answer

    def _serve(self, block: bytes):
        pcb = block[0]
        if pcb & 0xE2 == 0x02:
            return self._information(pcb, block[1:])
        if pcb == 0xF2:
            return self._wait_or_send()
        return self._acknowledgement(pcb) if pcb & 0xE6 == 0xA2 else None

    def _information(self, pcb: int, inf: bytes) -> bytes:
        self._number ^= 1  # rule D: every I-block toggles
        self._command += inf
        if pcb & 0x10:
            return self._say(bytes([0xA2 | self._number]))
        command, self._command = self._command, b""
        self._answer = self._apdu(command)
        self._waits = self.wtx
        return self._wait_or_send()

    def _acknowledgement(self, pcb: int) -> bytes:
        if pcb & 1 == self._number:
            return self._last  # rule 11
        if pcb & 0x10:
            return bytes([0xA2 | self._number])  # rule 12
        self._number ^= 1
        return self._wait_or_send()

    def _wait_or_send(self) -> bytes:
        if self._waits:
            self._waits -= 1
            return self._say(b"\xf2\x02")
        part, self._answer = self._answer[: self.frame - 3], self._answer[self.frame - 3 :]
        return self._say(bytes([0x02 | (0x10 if self._answer else 0) | self._number]) + part)

    def _say(self, block: bytes) -> bytes:
        self._last = block
        return block

    def _apdu(self, apdu: bytes) -> bytes:
        self.apdus.append(apdu)
        if 0 <= self.leave_after <= len(self.apdus):
            self.lies = False
        if apdu[:4] == b"\x00\xa4\x04\x00":
            self._selected = b"app"
            return b"\x90\x00"
        if apdu[:2] == b"\x90\xad":
            return self.file + b"\x91\x00" if self.native and self._selected else b"\x6d\x00"
        if apdu[:7] == b"\x00\xa4\x00\x0c\x02\xe1\x04":
            self._selected = b"file"
            return b"\x90\x00"
        if apdu[:2] == b"\x00\xb0":
            return self.file + b"\x90\x00" if self._selected == b"file" else b"\x69\x85"
        if apdu[:1] == b"\x80":  # an echo, for long commands
            return apdu[5:] + b"\x90\x00"
        return b"\x6d\x00"


class ScriptedChip:
    """The chip's side of the UART."""

    def __init__(self) -> None:
        self._parser = frames.Parser()
        self.cards = []
        self.dead = False
        self.silent_on = ()  # command codes that are acknowledged and never answered
        self.hang_up = 0  # this many commands are lost altogether
        self.field = False
        self.commands = []
        self._awake = None
        self._out = bytearray(frames.MAX_FRAME)

    def take(self, data: bytes) -> bytes:
        answer = b""
        if self.dead:
            return answer
        for byte in data:
            if self._parser.take(byte) == frames.GOT_FRAME:
                answer += self._command(bytes(self._parser.body))
        return answer

    def _command(self, body: bytes) -> bytes:
        self.commands.append(body[1])
        if len(self.commands) > 100:
            self.commands = self.commands[-50:]
        if self.hang_up:
            self.hang_up -= 1
            return b""
        if body[1] in self.silent_on:
            return frames.ACK
        reply = self._run(body[1], body[2:])
        if reply is None:
            return frames.ACK + frames.SYNTAX_ERROR
        n = frames.build(self._out, bytes([0xD5, body[1] + 1]), reply)
        return frames.ACK + bytes(self._out[:n])

    def _run(self, code: int, data: bytes):
        if code == 0x32 and data[0] == 1 and not data[1] & 1:
            self._field_off()
        if code == 0x4A:
            return self._list(data[0])
        if code == 0x54:
            return self._select()
        if code == 0x42:
            return self._thru(data)
        if code == 0x06:
            return bytes(len(data) // 2)
        return data if code == 0x00 else FIXED.get(code)

    def _field_off(self) -> None:
        self.field = False
        for card in self.cards:
            card.power_off()

    def _there(self) -> list:
        return [card for card in self.cards if card.lies]

    def _list(self, most: int) -> bytes:
        self.field = True
        found = self._there()[:most]
        # As long as it looks for more, the chip sends each card it found to sleep.
        self._awake = found[-1] if found and len(found) == most else None
        reply = bytes([len(found)])
        for number, card in enumerate(found, 1):
            card.power_off()
            reply += bytes([number, 0x03, 0x44, card.sak, len(card.uid)]) + card.uid
        return reply

    def _select(self) -> bytes:
        there = self._there()
        self._awake = there[0] if there else None
        return b"\x00" if there else b"\x01"

    def _thru(self, block: bytes) -> bytes:
        answer = self._awake.block(block) if self._awake else None
        return b"\x01" if answer is None else b"\x00" + answer
