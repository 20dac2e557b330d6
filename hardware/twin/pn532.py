"""A PN532 with cards in its field: the chip nfcpy and libnfc believe they talk to (UM0701-02 §7).

Pure: bytes of the serial line in, bytes out. What waits for a card (`waiting`) is looked at again
when the bench changes (`look`). Three spare ports drive the lights of the till.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hardware.twin.bench import Bench, Lights
from hardware.twin.isodep import ReaderSide
from hardware.twin.pn532_frames import (
    ACK,
    SYNTAX_ERROR,
    Ack,
    FrameReader,
    Nack,
    Order,
    answer_frame,
)
from hardware.twin.typea import REQA, SAK, WUPA, RfCard, crc_a

FIRST_BAUD = 115_200
BAUDS = (9600, 19_200, 38_400, 57_600, FIRST_BAUD, 230_400, 460_800, 921_600, 1_288_000)

_FIRMWARE = bytes([0x32, 0x01, 0x06, 0x07])
_FIFO_DATA, _BIT_FRAMING, _TX_CONTROL = 0x6339, 0x633D, 0x6304
_AUTOMATIC_RATS = 0x10
_RATS_256 = b"\xe0\x80"
_OK, _TIMEOUT, _WRONG_PARAMETER, _WRONG_CONTEXT = b"\x00", b"\x01", b"\x10", b"\x27"
_FOREVER = 0xFF
_GENERIC_106A, _ISODEP_106A = 0x00, 0x20


class Pn532:
    """One chip on one serial line. Not for two threads at once."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._reader = FrameReader()
        self._field: list[RfCard] = []
        self._targets: list[_Target] = []
        self._powered = False
        self._parameters = _AUTOMATIC_RATS | 0x04
        self._retries = _FOREVER
        self._registers: dict[int, int] = {}
        self._ports = bytes(2)
        self._last_answer = b""
        self._next_baud: int | None = None
        self.baud = FIRST_BAUD
        self.waiting: Callable[[], bytes | None] | None = None

    def feed(self, data: bytes, baud: int | None = None) -> Iterator[bytes]:
        """What the chip sends back, each part as soon as it can: hosts wait 100 ms for its ACK.

        What arrives at another speed than its own is noise to it.
        """
        if baud in (None, self.baud, self._next_baud):
            for frame in self._reader.feed(data):
                yield from self._take(frame)

    def look(self) -> bytes:
        """What a command that waits for a card sends now that the bench has changed."""
        self._update_field()
        answer = self.waiting() if self.waiting else None
        if answer is None:
            return b""
        self.waiting, self._last_answer = None, answer
        return answer

    def _take(self, frame: Ack | Nack | Order) -> Iterator[bytes]:
        if isinstance(frame, Nack):
            yield self._last_answer
            return
        self.waiting = None  # an ACK takes a waiting command back, and so does a new command
        if isinstance(frame, Ack):
            self.baud, self._next_baud = self._next_baud or self.baud, None
            return
        yield ACK
        self._update_field()
        command = _COMMANDS.get(frame.code)
        try:
            data = command(self, frame.data) if command else None
        except IndexError:
            command = data = None
        if command and data is None:
            self.waiting = lambda: self._again(frame)
        else:
            self._last_answer = answer_frame(frame.code, data) if data is not None else SYNTAX_ERROR
            yield self._last_answer

    def _again(self, order: Order) -> bytes | None:
        data = _COMMANDS[order.code](self, order.data)
        return None if data is None else answer_frame(order.code, data)

    # --- the field -----------------------------------------------------------------------------

    def _update_field(self) -> None:
        """Let in what was laid on the reader, let go what was lifted or torn away."""
        for rf in self._field:
            if rf.lost:
                self._bench.lost(rf.card)
        lying = self._bench.field()
        known = [rf for rf in self._field if rf.card in lying]
        new = [RfCard(card) for card in lying if all(rf.card is not card for rf in known)]
        for rf in new:
            rf.reset(powered=self._powered)
        self._field = known + new

    def _switch(self, powered: bool) -> None:
        if powered == self._powered:
            return
        self._powered = powered
        self._targets = []
        for rf in self._field:
            rf.reset(powered=powered)

    def _list_passive(self, data: bytes) -> bytes | None:
        most, modulation = data[0], data[1]
        if most not in (1, 2):
            return _WRONG_PARAMETER
        self._switch(True)
        self._targets = []
        if modulation == 0:
            self._search(most, data[2:])
        if not self._targets:
            self._registers[_FIFO_DATA] = REQA  # nobody answered: it is still there
            return None if self._retries == _FOREVER else b"\x00"
        self._registers[_FIFO_DATA] = 0
        described = [bytes([n]) + t.describe() for n, t in enumerate(self._targets, 1)]
        return bytes([len(described)]) + b"".join(described)

    def _search(self, most: int, wanted: bytes) -> None:
        for rf in self._field:
            rf.drop()
        for rf in self._field:
            if not wanted.replace(b"\x88", b"", 1) or rf.identity in (wanted, wanted[1:]):
                target = _Target(rf)
                if len(self._targets) < most and target.activate(REQA, self._rats):
                    self._targets.append(target)
        if most > len(self._targets):
            for target in self._targets:  # looking for another card sent this one to sleep
                target.sleep()

    @property
    def _rats(self) -> bool:
        return bool(self._parameters & _AUTOMATIC_RATS)

    def _target(self, number: int) -> _Target | None:
        return self._targets[number - 1] if 1 <= number <= len(self._targets) else None

    def _auto_poll(self, data: bytes) -> bytes | None:
        forever, kinds = data[0] == _FOREVER, data[2:]
        self._switch(True)
        self._targets = []
        wanted = [kind for kind in kinds if kind in (_GENERIC_106A, 0x10, _ISODEP_106A)]
        if wanted:
            self._search(1, b"")
        if not self._targets:
            return None if forever else b"\x00"
        described = b"\x01" + self._targets[0].describe()
        return bytes([1, wanted[0], len(described)]) + described

    # --- talking to a card ---------------------------------------------------------------------

    def _communicate_thru(self, data: bytes) -> bytes:
        awake = [target.rf for target in self._targets if target.awake]
        if awake:
            answer = awake[-1].receive(data)
        else:
            answer = self._raw(self._field[0], data) if self._field else None
        return _TIMEOUT if answer is None else _OK + answer

    def _raw(self, rf: RfCard, data: bytes) -> bytes | None:
        """A frame of a host that does anticollision, and perhaps CRC, by itself."""
        if self._registers.get(_BIT_FRAMING, 0) & 7 == 7 and len(data) == 1:
            return rf.wake(data[0])
        has_crc = len(data) > 2 and data[-2:] == crc_a(data[:-2])
        answer = rf.receive(data[:-2] if has_crc else data)
        return answer + crc_a(answer) if answer and has_crc else answer

    def _data_exchange(self, data: bytes) -> bytes:
        target = self._target(data[0] & 0x0F)
        if target is None:
            return _WRONG_CONTEXT
        if data[0] & 0x40:
            target.held += data[1:]
            return _OK
        held, target.held = target.held, b""
        answer = target.exchange(held + data[1:], self._rats)
        return _TIMEOUT if answer is None else _OK + answer

    def _select(self, data: bytes) -> bytes:
        target = self._target(data[0])
        if target is None:
            return _WRONG_CONTEXT
        return _OK if target.awake or target.activate(WUPA, self._rats) else _TIMEOUT

    def _deselect(self, data: bytes) -> bytes:
        for number, target in enumerate(self._targets, 1):
            if data[0] in (0, number):
                target.sleep()
        return _OK

    def _release(self, data: bytes) -> bytes:
        released = [t for n, t in enumerate(self._targets, 1) if data[0] in (0, n)]
        for target in released:
            target.sleep()
        self._targets = [target for target in self._targets if target not in released]
        return _OK

    # --- the chip itself -----------------------------------------------------------------------

    def _diagnose(self, data: bytes) -> bytes:
        if data[0] == 0:
            return data
        if data[0] == 6:
            return _OK if any(t.present() for t in self._targets) else _TIMEOUT
        return _OK if data[0] in (1, 2, 4, 7) else _WRONG_PARAMETER

    def _status(self, data: bytes) -> bytes:
        targets = b"".join(bytes([n, 0, 0, 0]) for n in range(1, len(self._targets) + 1))
        return bytes([0, self._powered, len(self._targets)]) + targets + b"\x80"

    def _read_registers(self, data: bytes) -> bytes:
        self._registers[_TX_CONTROL] = 0x83 if self._powered else 0x80
        pairs = [int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data), 2)]
        return bytes(self._registers.get(address, 0) for address in pairs)

    def _write_registers(self, data: bytes) -> bytes:
        for n in range(0, len(data), 3):
            self._registers[int.from_bytes(data[n : n + 2], "big")] = data[n + 2]
        return b""

    def _read_ports(self, data: bytes) -> bytes:
        return self._ports + b"\x00"

    def _write_ports(self, data: bytes) -> bytes:
        """Bit 7 says that a port is meant at all."""
        port3, port7 = data[0], data[1]
        three = port3 & 0x3F if port3 & 0x80 else self._ports[0]
        seven = port7 & 0x06 if port7 & 0x80 else self._ports[1]
        self._ports = bytes([three, seven])
        row = bool(three & 1), bool(three & 2), bool(three & 4), bool(three & 8)
        self._bench.show(Lights(row, bool(seven & 2), bool(seven & 4), bool(three & 0x20)))
        return b""

    def _set_baud(self, data: bytes) -> bytes:
        """The new speed counts from the host's ACK on."""
        self._next_baud = BAUDS[data[0]]
        return b""

    def _set_parameters(self, data: bytes) -> bytes:
        self._parameters = data[0]
        return b""

    def _configure_rf(self, data: bytes) -> bytes:
        if data[0] == 0x01:
            self._switch(bool(data[1] & 1))
        elif data[0] == 0x05:
            self._retries = data[3]
        return b""

    def _power_down(self, data: bytes) -> bytes:
        self._switch(False)
        return _OK


class _Target:
    """A card that was found, and the chip's own ISO-DEP to it."""

    def __init__(self, rf: RfCard) -> None:
        self.rf = rf
        self.held = b""
        self.awake = False
        self._ats = b""
        self._dep: ReaderSide | None = None

    def activate(self, command: int, rats: bool) -> bool:
        self._dep = None
        self.awake = self.rf.select(command)
        if self.awake and rats:
            self._ats = self.rf.receive(_RATS_256) or b""
            self._dep = ReaderSide(self.rf.receive)
        return self.awake

    def describe(self) -> bytes:
        identity = self.rf.identity
        atqa, ats = self.rf.atqa[::-1], self._ats if self._dep else b""
        return atqa + bytes([SAK, len(identity)]) + identity + ats

    def exchange(self, data: bytes, rats: bool) -> bytes | None:
        if not self.awake and not self.activate(WUPA, rats):
            return None
        return self._dep.exchange(data) if self._dep else self.rf.receive(data)

    def present(self) -> bool:
        return bool(self._dep and self._dep.present())

    def sleep(self) -> None:
        if self._dep:
            self._dep.deselect()
        else:
            self.rf.receive(b"\x50\x00")
        self.awake = False


_COMMANDS: dict[int, Callable[[Pn532, bytes], bytes | None]] = {
    0x00: Pn532._diagnose,
    0x02: lambda chip, data: _FIRMWARE,
    0x04: Pn532._status,
    0x06: Pn532._read_registers,
    0x08: Pn532._write_registers,
    0x0C: Pn532._read_ports,
    0x0E: Pn532._write_ports,
    0x10: Pn532._set_baud,
    0x12: Pn532._set_parameters,
    0x14: lambda chip, data: b"",
    0x16: Pn532._power_down,
    0x32: Pn532._configure_rf,
    0x40: Pn532._data_exchange,
    0x42: Pn532._communicate_thru,
    0x44: Pn532._deselect,
    0x46: lambda chip, data: _TIMEOUT,
    0x4A: Pn532._list_passive,
    0x4E: lambda chip, data: _OK,
    0x52: Pn532._release,
    0x54: Pn532._select,
    0x56: lambda chip, data: _TIMEOUT,
    0x60: Pn532._auto_poll,
}
