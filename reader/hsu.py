"""The HSU face: a serial port that looks like a PN532, so that nfcpy and libnfc drive it unchanged.

Every good frame is acknowledged at once; the NFC task runs the command when the chip is free for
it. SetSerialBaudrate and PowerDown are answered here: over USB there is no baud rate to lose and
nothing to wake, which ends the "wedged after a crash" failures. Nothing unsolicited is ever sent.
"""

from reader import pn532_frames as frames
from reader.outbox import Outbox
from reader.pn532 import POWER_DOWN, SET_SERIAL_BAUDRATE


class Hsu:
    """Frames in, answers out. `pending` is the command to run; `turn` counts what ends it."""

    def __init__(self, stats) -> None:
        self._stats = stats
        self._parser = frames.Parser()
        self._out = bytearray(frames.MAX_FRAME)
        self._out_view = memoryview(self._out)
        self._body = bytearray(frames.MAX_BODY)
        self._body_view = memoryview(self._body)
        self.outbox = Outbox(2 * frames.MAX_FRAME)
        self.pending = None
        self.turn = 0

    def feed(self, data, n: int) -> None:
        """Bytes from the host. A new command or an ACK ends the one that runs."""
        for i in range(n):
            got = self._parser.take(data[i])
            if got == frames.GOT_ACK:
                self.turn += 1
                self.pending = None
            elif got == frames.GOT_FRAME:
                self._command(self._parser.body)

    def _command(self, body) -> None:
        if len(body) < 2 or body[0] != frames.HOST:
            return
        self.turn += 1
        self._stats.add("hsu_commands")
        self._body[: len(body)] = body
        self.pending = self._body_view[: len(body)]
        self.outbox.put(frames.ACK)

    def own_answer(self) -> bytes:
        """The answer to a command that the chip must not see, or b""."""
        code = self.pending[1]
        if code == SET_SERIAL_BAUDRATE:
            return bytes((frames.CHIP, code + 1))
        if code == POWER_DOWN:
            return bytes((frames.CHIP, code + 1, 0))
        return b""

    def answer(self, body) -> None:
        """The chip's answer goes out; the command is done."""
        self.pending = None
        n = frames.build(self._out, body, b"")
        self.outbox.put(self._out_view[:n])

    def refuse(self) -> None:
        """An error frame: the chip is another owner's, or is out of order."""
        self._stats.add("hsu_refused")
        self.pending = None
        self.outbox.put(frames.SYNTAX_ERROR)
