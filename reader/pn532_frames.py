"""Frames of the PN532 on a serial line (PN532 user manual §6.2.1), read from either side. Pure.

Information frame `00 00 FF LEN LCS TFI .. DCS 00`, extended `00 00 FF FF FF LENhi LENlo LCS ..`,
ACK `00 00 FF 00 FF 00`, NACK `00 00 FF FF 00 00`, error `00 00 FF 01 FF 7F 81 00`.
"""

HOST = 0xD4
CHIP = 0xD5
ACK = b"\x00\x00\xff\x00\xff\x00"
NACK = b"\x00\x00\xff\xff\x00\x00"
SYNTAX_ERROR = b"\x00\x00\xff\x01\xff\x7f\x81\x00"
MAX_BODY = 265  # TFI, code and what belongs to them
MAX_FRAME = MAX_BODY + 10

NOTHING = 0
GOT_ACK = 1
GOT_NACK = 2
GOT_FRAME = 3
GOT_ERROR = 4

_SEEK, _LEN, _LCS, _EXT_HI, _EXT_LO, _EXT_LCS, _BODY, _DCS = range(8)


def build(out, head, tail) -> int:
    """Write the frame whose body is `head + tail` into `out`; returns its length."""
    n = len(head) + len(tail)
    if n > MAX_BODY:
        raise ValueError("body too long")
    out[0] = 0
    out[1] = 0
    out[2] = 0xFF
    if n < 256:
        out[3] = n
        out[4] = -n & 0xFF
        at = 5
    else:
        out[3] = 0xFF
        out[4] = 0xFF
        out[5] = n >> 8
        out[6] = n & 0xFF
        out[7] = -(out[5] + out[6]) & 0xFF
        at = 8
    out[at : at + len(head)] = head
    out[at + len(head) : at + n] = tail
    total = 0
    for i in range(at, at + n):
        total += out[i]
    out[at + n] = -total & 0xFF
    out[at + n + 1] = 0
    return at + n + 2


class Parser:
    """Finds frames in a stream of bytes; anything that does not add up is skipped and counted."""

    def __init__(self) -> None:
        self._buf = bytearray(MAX_BODY)
        self._view = memoryview(self._buf)
        self.broken = 0
        self.body = self._view[0:0]
        self.reset()

    def reset(self) -> None:
        """Forget a half received frame."""
        self._state = _SEEK
        self._last = 0xFF
        self._need = 0
        self._n = 0

    def take(self, byte: int) -> int:
        """One byte more. GOT_FRAME: `body` is valid until the next frame starts to arrive."""
        state = self._state
        if state == _SEEK:
            if byte == 0xFF and self._last == 0:
                self._state = _LEN
            self._last = byte
            return NOTHING
        if state == _BODY:
            self._buf[self._n] = byte
            self._n += 1
            if self._n == self._need:
                self._state = _DCS
            return NOTHING
        if state == _DCS:
            return self._finish(byte)
        return self._length(state, byte)

    def _length(self, state: int, byte: int) -> int:
        if state == _LEN:
            self._need = byte
            self._state = _LCS
        elif state == _LCS:
            if self._need == 0 and byte == 0xFF:
                self.reset()
                return GOT_ACK
            if self._need == 0xFF and byte == 0:
                self.reset()
                return GOT_NACK
            if self._need == 0xFF and byte == 0xFF:
                self._state = _EXT_HI
            else:
                self._start(self._need, (self._need + byte) & 0xFF == 0)
        elif state == _EXT_HI:
            self._need = byte << 8
            self._state = _EXT_LO
        elif state == _EXT_LO:
            self._need |= byte
            self._state = _EXT_LCS
        else:
            self._start(self._need, ((self._need >> 8) + (self._need & 0xFF) + byte) & 0xFF == 0)
        return NOTHING

    def _start(self, need: int, sums_up: bool) -> None:
        if not sums_up or not 0 < need <= MAX_BODY:
            self.broken += 1
            self.reset()
            return
        self._n = 0
        self._state = _BODY

    def _finish(self, dcs: int) -> int:
        n = self._n
        total = dcs
        for i in range(n):
            total += self._buf[i]
        self.reset()
        if total & 0xFF:
            self.broken += 1
            return NOTHING
        self.body = self._view[:n]
        return GOT_ERROR if n == 1 and self._buf[0] == 0x7F else GOT_FRAME
