"""The panel's frames: `00 | COBS(type, seq, payload, crc16) | 00`. Pure; buffers are made once.

The CRC is CRC-16/CCITT-FALSE over type, seq and payload, sent little-endian. A zero byte never
occurs inside a frame, so a receiver finds the next frame after any disturbance.
"""

from array import array

try:
    import micropython
except ImportError:
    from reader import compat as micropython

MAX_PAYLOAD = 512
MAX_BODY = 2 + MAX_PAYLOAD + 2
MAX_CODED = MAX_BODY + MAX_BODY // 254 + 1
MAX_FRAME = MAX_CODED + 2


def _crc_table() -> array:
    table = array("H", [0] * 256)
    for index in range(256):
        crc = index << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        table[index] = crc & 0xFFFF
    return table


_TABLE = _crc_table()  # MicroPython has no binascii.crc_hqx


@micropython.native
def crc16(data, n: int) -> int:
    """CRC-16/CCITT-FALSE of the first `n` bytes."""
    table = _TABLE
    crc = 0xFFFF
    for i in range(n):
        crc = ((crc << 8) & 0xFFFF) ^ table[(crc >> 8) ^ data[i]]
    return crc


@micropython.native
def cobs_encode(data, n: int, out, at: int) -> int:
    """Encode `data[:n]` into `out` from `at` on; returns the index after the last byte."""
    code_at = at
    code = 1
    at += 1
    for i in range(n):
        byte = data[i]
        if byte:
            out[at] = byte
            at += 1
            code += 1
        if not byte or (code == 0xFF and i + 1 < n):
            out[code_at] = code
            code_at = at
            code = 1
            at += 1
    out[code_at] = code
    return at


@micropython.native
def cobs_decode(buf, n: int) -> int:
    """Decode `buf[:n]` in place; returns the decoded length, or -1 where it is not COBS."""
    source = 0
    target = 0
    while source < n:
        code = buf[source]
        if code == 0 or source + code > n:
            return -1
        for i in range(1, code):
            buf[target] = buf[source + i]
            target += 1
        source += code
        if code < 0xFF and source < n:
            buf[target] = 0
            target += 1
    return target


class Encoder:
    """Makes frames in one buffer; a frame is valid until the next one is made."""

    def __init__(self) -> None:
        self._body = bytearray(MAX_BODY)
        self._out = bytearray(MAX_FRAME)
        self._view = memoryview(self._out)

    def encode(self, kind: int, seq: int, payload) -> memoryview:
        """One whole frame. Raises ValueError when the payload is longer than 512 bytes."""
        n = len(payload)
        if n > MAX_PAYLOAD:
            raise ValueError("payload too long")
        body = self._body
        body[0] = kind
        body[1] = seq
        body[2 : 2 + n] = payload
        crc = crc16(body, 2 + n)
        body[2 + n] = crc & 0xFF
        body[3 + n] = crc >> 8
        end = cobs_encode(body, 4 + n, self._out, 1)
        self._out[0] = 0
        self._out[end] = 0
        return self._view[: end + 1]


class Decoder:
    """Finds frames in a stream of bytes; whatever is broken is dropped and counted."""

    def __init__(self) -> None:
        self._buf = bytearray(MAX_CODED)
        self._view = memoryview(self._buf)
        self._n = 0
        self._overlong = False
        self.broken = 0
        self.ready = False
        self.kind = 0
        self.seq = 0
        self.crc = 0
        self.payload = self._view[0:0]

    def take(self, data, at: int, end: int) -> int:
        """Eat `data[at:end]` up to the end of one frame; returns where it stopped.

        When `ready` is True after it, `kind`, `seq`, `crc` and `payload` hold that frame until
        the next call.
        """
        self.ready = False
        buf = self._buf
        n = self._n
        while at < end:
            byte = data[at]
            at += 1
            if byte:
                if n < MAX_CODED:
                    buf[n] = byte
                    n += 1
                else:
                    self._overlong = True
            elif n:
                self._n = n
                self._finish()
                return at
        self._n = n
        return at

    def _finish(self) -> None:
        n = -1 if self._overlong else cobs_decode(self._buf, self._n)
        self._n = 0
        self._overlong = False
        if n < 4:
            self.broken += 1
            return
        crc = self._buf[n - 2] | self._buf[n - 1] << 8
        if crc16(self._buf, n - 2) != crc:
            self.broken += 1
            return
        self.kind = self._buf[0]
        self.seq = self._buf[1]
        self.crc = crc
        self.payload = self._view[2 : n - 2]
        self.ready = True
