"""ISO-DEP, the block protocol under the APDUs, from both ends (ISO/IEC 14443-4 §7).

`CardSide` is the card's; `exchange` is the reader's, for chips that do it in firmware. Blocks are
without CRC. A card that says nothing is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hardware.twin.card import TwinCard

CARD_FRAME = 128
"""FSC of the ATS: bytes of a whole frame with CRC that the card can take."""
FRAME_WAIT = 256 * 16 / 13.56e6 * 2**7
"""FWT in seconds, 38.66 ms with the CRC's share (FWI 7 of the ATS)."""

_CRC = 2
_I, _R_ACK, _R_NAK, _DESELECT, _WTX = 0x02, 0xA2, 0xB2, 0xC2, 0xF2
_MORE, _HAS_CID, _NUMBER = 0x10, 0x08, 0x01
_MOST_WAITS = 59
_FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)

Frame = Callable[[bytes], bytes | None]


def frame_size(index: int) -> int:
    """FSDI or FSCI to bytes."""
    return _FRAME_SIZES[min(index, 8)]


class CardSide:
    """The card's state since its RATS. Its block number starts at 1 and toggles before it sends."""

    def __init__(self, card: TwinCard, reader_frame: int, cid: int) -> None:
        self._card = card
        self._reader_frame = reader_frame
        self._cid = cid
        self._number = 1
        self._received = b""
        self._to_send = b""
        self._last = b""
        self._waiting: bytes | None = None
        self.deselected = False

    def receive(self, frame: bytes) -> bytes | None:
        """Answer a block. Raises `CardLost` when the card is torn away."""
        if not 1 <= len(frame) <= CARD_FRAME - _CRC:
            return None
        pcb, body, cid = frame[0], frame[1:], b""
        if pcb & _HAS_CID:
            if not body or body[0] & 0x0F != self._cid:
                return None
            cid, body = bytes([self._cid]), body[1:]
        elif self._cid:
            return None
        answer: bytes | None
        if pcb & 0xE6 == _I:
            answer = self._information(pcb, body, len(cid))
        elif pcb & 0xE6 == _R_ACK:
            answer = self._acknowledge(pcb, len(cid))
        else:
            answer = self._supervise(pcb, body, len(cid))
        if answer is None or not cid:
            return answer
        return bytes([answer[0] | _HAS_CID]) + cid + answer[1:]

    def _information(self, pcb: int, body: bytes, overhead: int) -> bytes:
        self._number ^= 1
        self._received += body
        if pcb & _MORE:
            return self._remember(bytes([_R_ACK | self._number]))
        apdu, self._received = self._received, b""
        if self._card.latency > FRAME_WAIT:
            self._waiting = apdu
            waits = min(math.ceil(self._card.latency / FRAME_WAIT), _MOST_WAITS)
            return self._remember(bytes([_WTX, waits]))
        self._to_send = self._card.transceive(apdu)
        return self._next_part(overhead)

    def _acknowledge(self, pcb: int, overhead: int) -> bytes | None:
        if pcb & _NUMBER == self._number:
            return self._last or None  # rule 11: it was not heard
        if pcb & 0xF6 == _R_NAK:
            return bytes(
                [_R_ACK | self._number]
            )  # rule 12: we have not heard it; also "are you there?"
        if not self._to_send:
            return None
        self._number ^= 1
        return self._next_part(overhead)

    def _supervise(self, pcb: int, body: bytes, overhead: int) -> bytes | None:
        if pcb & 0xF7 == _DESELECT and not body:
            self.deselected = True
            return bytes([_DESELECT])
        if pcb & 0xF7 == _WTX and self._waiting is not None:
            apdu, self._waiting = self._waiting, None
            self._to_send = self._card.transceive(apdu)
            return self._next_part(overhead)
        return None

    def _next_part(self, overhead: int) -> bytes:
        room = self._reader_frame - 1 - overhead - _CRC
        part, self._to_send = self._to_send[:room], self._to_send[room:]
        more = _MORE if self._to_send else 0
        return self._remember(bytes([_I | more | self._number]) + part)

    def _remember(self, block: bytes) -> bytes:
        self._last = block
        return block


class ReaderSide:
    """The reader's end of one activated card; its block number starts at 0."""

    def __init__(self, send: Frame) -> None:
        self._send = send
        self._number = 0

    def exchange(self, apdu: bytes) -> bytes | None:
        """The answer to an APDU; None when the card said nothing, or nonsense."""
        room = CARD_FRAME - 1 - _CRC
        parts = [apdu[n : n + room] for n in range(0, len(apdu), room)] or [b""]
        block: bytes | None = None
        for part in parts:
            more = 0 if part is parts[-1] else _MORE
            block = self._block(bytes([_I | more | self._number]) + part)
            if block is None:
                return None
            self._number ^= 1
        answer = b""
        while block and block[0] & 0xE6 == _I:
            answer += block[1:]
            if not block[0] & _MORE:
                return answer
            block = self._block(bytes([_R_ACK | self._number]))
            self._number ^= 1
        return None

    def present(self) -> bool:
        """Ask whether the card is there, changing nothing on it."""
        return self._send(bytes([_R_NAK | self._number])) is not None

    def deselect(self) -> bool:
        """Send the card to sleep."""
        return self._send(bytes([_DESELECT])) is not None

    def _block(self, block: bytes) -> bytes | None:
        answer = self._send(block)
        while answer and answer[0] == _WTX:
            answer = self._send(answer)
        return answer
