"""The PN532 on a serial line: commands, their answers, the card in its field.

A command is written once, acknowledged by the chip within 15 ms, and answered later. `begin`,
`poll` and `abort` never wait, so that the HSU face can watch its host meanwhile; `command` is the
form for everyone else. Never run against a real PN532 yet: only against twins of it.
"""

from reader import pn532_frames as frames
from reader.errors import CardLost, ChipFault, Garbled, TapFailed
from reader.words import NOT_TYPE_4, TWO_CARDS

DIAGNOSE = 0x00
GET_FIRMWARE_VERSION = 0x02
SET_SERIAL_BAUDRATE = 0x10
SET_PARAMETERS = 0x12
SAM_CONFIGURATION = 0x14
POWER_DOWN = 0x16
RF_CONFIGURATION = 0x32
IN_COMMUNICATE_THRU = 0x42
IN_LIST_PASSIVE_TARGET = 0x4A
IN_SELECT = 0x54

# A chip asleep wakes at the first edges but loses them (user manual §7.2.11, HSU wake up).
WAKE = b"\x55\x55" + bytes(14)
ACK_MS = 250  # the manual says 15
ANSWER_MS = 500


class Found:
    """A card after anticollision."""

    def __init__(self, uid: bytes, sak: int) -> None:
        self.uid = uid
        self.sak = sak


class Pn532:
    """One chip on `hal.chip`. Used by one task only: the NFC task."""

    def __init__(self, hal, stats) -> None:
        self._hal = hal
        self._patience = getattr(hal, "patience", 1)
        self._stats = stats
        self._parser = frames.Parser()
        self._out = bytearray(frames.MAX_FRAME)
        self._out_view = memoryview(self._out)
        self._in = bytearray(64)
        self._at = 0
        self._end = 0
        self._head = bytearray(2)
        self._deadline = 0
        self._acked = True
        self._timeout_code = -1
        self.turns = 0
        self.version = b""
        self.field = False

    # -- raw exchange --------------------------------------------------------------------------

    def begin(self, head, tail=b"") -> None:
        """Send the command whose body is `head + tail` (D4, code, parameters)."""
        n = frames.build(self._out, head, tail)
        self._parser.reset()
        self._drain()
        self._acked = False
        self._deadline = self._hal.now() + ACK_MS * self._patience
        self._stats.add("chip_commands")
        self._write(self._out_view[:n])

    def poll(self):
        """None while the chip works; then the answer's body (D5, code + 1, ..).

        Raises ChipFault when it was not acknowledged in time or answered with an error frame.
        """
        while True:
            if self._at == self._end:
                self._at = 0
                self._end = self._hal.chip.readinto(self._in)
                if not self._end:
                    break
            self._at += 1
            got = self._parser.take(self._in[self._at - 1])
            if got == frames.GOT_ACK:
                self._acked = True
            elif got == frames.GOT_FRAME and self._acked:
                return self._parser.body
            elif got in (frames.GOT_ERROR, frames.GOT_NACK):
                raise ChipFault("the chip refused the frame")
        if not self._acked and self._hal.now() > self._deadline:
            self._stats.add("chip_timeouts")
            raise ChipFault("no acknowledgement")
        return None

    async def turn(self) -> None:
        """Let the others run while the chip works; `turns` shows the guard that we still wait."""
        self.turns += 1
        await self._hal.wait(10)

    def abort(self) -> None:
        """Make the chip forget the command it works on."""
        self._write(frames.ACK)
        self._parser.reset()
        self._acked = True

    def _write(self, data) -> None:
        """The UART's buffer takes a whole frame; what it does not take is lost and times out."""
        self._hal.chip.write(data)

    def _drain(self) -> None:
        self._at = self._end = 0
        while self._hal.chip.readinto(self._in):
            pass

    async def command(self, code: int, tail=b"", timeout_ms: int = ANSWER_MS) -> memoryview:
        """One command; returns what follows D5, code + 1. Raises ChipFault."""
        self._head[0] = frames.HOST
        self._head[1] = code
        self.begin(self._head, tail)
        deadline = self._hal.now() + timeout_ms * self._patience
        body = self.poll()
        while body is None:
            if self._hal.now() > deadline:
                self.abort()
                self._stats.add("chip_timeouts")
                raise ChipFault("no answer")
            await self.turn()
            body = self.poll()
        if len(body) < 2 or body[0] != frames.CHIP or body[1] != code + 1:
            raise ChipFault("an answer to something else")
        return body[2:]

    # -- the chip ------------------------------------------------------------------------------

    async def setup(self) -> None:
        """Reset the chip and configure it as this firmware uses it. Raises ChipFault."""
        hal = self._hal
        hal.chip_reset(True)
        await hal.sleep(2)
        hal.chip_reset(False)
        await hal.sleep(10)
        self._write(WAKE)
        self._timeout_code = -1
        await self.command(SAM_CONFIGURATION, b"\x01\x00\x01")
        self.version = bytes(await self.command(GET_FIRMWARE_VERSION))
        await self.configure()

    async def configure(self) -> None:
        """Undo whatever another owner of the chip set; the field is off afterwards."""
        self._timeout_code = -1
        await self.command(SET_PARAMETERS, b"\x00")  # RATS is ours: we want the ATS as it comes
        await self.command(RF_CONFIGURATION, b"\x05\x01\x00\x01")  # look once, then say "none"
        await self.field_off()

    async def field_off(self) -> None:
        """Take the field away: every card in it loses its state."""
        await self.command(RF_CONFIGURATION, b"\x01\x00")
        self.field = False

    async def find(self):
        """The one Type 4 card in the field, or None.

        Raises TapFailed for two cards and for a card that is not Type 4.
        """
        self.field = True
        answer = await self.command(IN_LIST_PASSIVE_TARGET, b"\x02\x00")
        if not answer or answer[0] == 0:
            return None
        if answer[0] > 1:
            raise TapFailed(TWO_CARDS)
        if len(answer) < 6 or len(answer) < 6 + answer[5]:
            raise ChipFault("a short target")
        found = Found(bytes(answer[6 : 6 + answer[5]]), answer[4])
        if not found.sak & 0x20:
            raise TapFailed(NOT_TYPE_4)
        # Looking for a second card sent this one to sleep: wake it up by its UID.
        status = await self.command(IN_SELECT, b"\x01")
        return found if status and not status[0] & 0x3F else None

    async def thru(self, block, timeout_ms: int) -> memoryview:
        """One block to the card and its answer, CRC made and checked by the chip.

        Raises CardLost when nothing came within `timeout_ms`, Garbled when it was disturbed.
        """
        code = timeout_code(timeout_ms * 1000)
        # Up to twice as long is as good: a card's own time is near that for RATS, so that a tap
        # needs no command for it.
        if not code <= self._timeout_code <= code + 1:
            await self.command(RF_CONFIGURATION, bytes((2, 0, 0x0B, code)))
            self._timeout_code = code
        answer = await self.command(
            IN_COMMUNICATE_THRU, block, ANSWER_MS + (100 << (code - 1)) // 1000
        )
        if not answer:
            raise ChipFault("an answer without status")
        status = answer[0] & 0x3F
        if status == 1:
            raise CardLost("no answer")
        if status or len(answer) < 2:
            self._stats.add("rf_errors")
            raise Garbled(status)
        return answer[1:]


def timeout_code(us: int) -> int:
    """The chip's number for at least `us` microseconds: 100 µs * 2^(n-1), n from 1 to 16."""
    code = 1
    while code < 16 and 100 << (code - 1) < us:
        code += 1
    return code
