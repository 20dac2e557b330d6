"""T=1, the card's side: blocks to APDUs and back (ISO/IEC 7816-3 §11). Pure.

A real contactless reader takes whole APDUs; libccid's serial readers take blocks, so the twin of
a CCID reader on a serial line needs this between the line and the card.
"""

from __future__ import annotations

from collections.abc import Callable

from hardware.twin.ccid_frames import checksum

_LARGEST = 254
_MORE, _SEQUENCE = 0x20, 0x40
_R_BLOCK, _S_BLOCK, _S_ANSWER = 0x80, 0xC0, 0x20
_R_SEQUENCE, _R_BROKEN = 0x10, 0x01


class BlockCard:
    """A card that speaks T=1; `transceive` answers its APDUs."""

    def __init__(self, transceive: Callable[[bytes], bytes]) -> None:
        self._transceive = transceive
        self._expected = 0  # the sequence bit of the reader's next I-block
        self._own = 0  # ours
        self._coming = b""
        self._left = b""
        self._last = b""

    def exchange(self, block: bytes) -> bytes:
        """The block that answers a block. Raises what the card raises."""
        if len(block) < 4 or checksum(block) or block[2] != len(block) - 4:
            return self._block(_R_BLOCK | self._expected * _R_SEQUENCE | _R_BROKEN)
        control, information = block[1], block[3:-1]
        if control & _S_BLOCK == _S_BLOCK:
            if control & 0x1F == 0:  # RESYNCH
                self.__init__(self._transceive)  # type: ignore[misc]
            return self._block(control | _S_ANSWER, information)
        if control & _R_BLOCK:
            acknowledged = bool(control & _R_SEQUENCE) == bool(self._own)
            return self._next() if acknowledged and self._left else self._last
        return self._information(control, information)

    def _information(self, control: int, information: bytes) -> bytes:
        self._expected = 1 - (1 if control & _SEQUENCE else 0)
        self._coming += information
        if control & _MORE:
            self._last = self._block(_R_BLOCK | self._expected * _R_SEQUENCE)
            return self._last
        apdu, self._coming = self._coming, b""
        self._left = self._transceive(apdu)
        return self._next()

    def _next(self) -> bytes:
        part, self._left = self._left[:_LARGEST], self._left[_LARGEST:]
        control = self._own * _SEQUENCE | (_MORE if self._left else 0)
        self._own = 1 - self._own
        self._last = self._block(control, part)
        return self._last

    @staticmethod
    def _block(control: int, information: bytes = b"") -> bytes:
        block = bytes((0, control, len(information))) + information
        return block + bytes((checksum(block),))
