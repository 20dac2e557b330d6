"""ISO 14443-4 as the reader's side speaks it: chaining, waiting time, recovery. Pure.

Blocks go through `exchange(block, timeout_ms)`, a coroutine function that returns the card's
block without CRC and raises CardLost (silence) or Garbled. Rules are those of ISO 14443-4 §7.5.4.
"""

from reader.errors import CardLost, Garbled

RATS = b"\xe0\x80"  # we take 256-byte frames; no card identifier
FSC = (16, 24, 32, 40, 48, 64, 96, 128, 256)
MAX_ANSWER = 258
RETRIES = 2
LONGEST_MS = 3_000  # a card may ask for more time again and again, but not for ever
WAITING_MS = 10_000


def ats_fields(ats) -> tuple:
    """Frame size of the card, its frame waiting time and its start-up guard time in ms (§5.2)."""
    fsc, fwi, sfgi = 32, 4, 0
    if len(ats) > 1:
        fsc = FSC[min(ats[1] & 0x0F, 8)]
        at = 2 + (ats[1] >> 4 & 1)
        if ats[1] & 0x20 and at < len(ats):
            fwi, sfgi = ats[at] >> 4, ats[at] & 0x0F
    if fwi > 14:
        fwi = 4
    # One unit is 256 * 16 / 13.56 MHz = 302 µs; 0 and the reserved 15 ask for no guard time.
    guard = (302 << sfgi) // 1000 + 1 if 0 < sfgi < 15 else 0
    return fsc, (302 << fwi) // 1000 + 1, guard


class IsoDep:
    """One card after RATS. An answer is valid until the next exchange."""

    def __init__(self, exchange, ats: bytes) -> None:
        self._exchange = exchange
        self.ats = ats
        fsc, self._fwt, self.guard_ms = ats_fields(ats)
        self._chunk = min(fsc, 256) - 3  # one byte PCB, two bytes CRC
        self._number = 0
        self._tx = bytearray(256)
        self._tx_view = memoryview(self._tx)
        self._rx = bytearray(MAX_ANSWER)
        self._rx_view = memoryview(self._rx)

    async def transceive(self, apdu) -> memoryview:
        """One APDU and its answer. Raises CardLost."""
        block = await self._send(apdu)
        n = 0
        while True:
            if block[0] & 0xE2 != 0x02:
                raise CardLost("not an information block")
            more = block[0] & 0x10
            part = len(block) - 1
            if n + part > MAX_ANSWER:
                raise CardLost("an answer too long")
            self._rx[n : n + part] = block[1:]
            n += part
            self._number ^= 1
            if not more:
                return self._rx_view[:n]
            block = await self._block(0xA2, b"", False)

    async def _send(self, apdu):
        """Send in as many blocks as the card's frames ask for; the first block of its answer."""
        at = 0
        total = len(apdu)
        while total - at > self._chunk:
            await self._block(0x12, apdu[at : at + self._chunk], True)
            self._number ^= 1
            at += self._chunk
        return await self._block(0x02, apdu[at:], False)

    async def _block(self, pcb: int, inf, chained: bool):
        """Send one block until its answer came; serves waiting time requests and recovers."""
        n = 1 + len(inf)
        self._tx[0] = pcb | self._number
        self._tx[1:n] = inf
        sending = self._tx_view[:n]
        timeout = self._fwt
        errors = 0
        waited = 0
        while True:
            try:
                answer = await self._exchange(sending, timeout)
            except (CardLost, Garbled):
                answer = None
            if answer is not None and answer[0] == 0xF2 and len(answer) > 1:
                timeout = min(self._fwt * max(answer[1] & 0x3F, 1), LONGEST_MS)
                waited += timeout
                if waited > WAITING_MS:
                    raise CardLost("it wants more time for ever")
                sending = self._supervisory(0xF2, answer[1] & 0x3F)
                continue
            if answer is not None and self._fits(answer, chained):
                return answer
            errors += 1
            if errors > RETRIES:
                raise CardLost("no usable answer")
            timeout = self._fwt
            # Rule 6: an R(ACK) that is not ours means that our block was lost: send it again.
            # Rules 4 and 5: anything else is answered by R(NAK), or by R(ACK) once more.
            lost = answer is not None and answer[0] & 0xF6 == 0xA2
            nak = pcb != 0xA2 and not lost
            sending = self._supervisory(0xB2 | self._number, -1) if nak else self._tx_view[:n]

    def _fits(self, answer, chained: bool) -> bool:
        """Is it the block that must come now, with the number that must come now?"""
        if answer[0] & 1 != self._number:
            return False
        if chained:
            return answer[0] & 0xF6 == 0xA2
        return answer[0] & 0xE2 == 0x02

    def _supervisory(self, pcb: int, inf: int) -> bytes:
        return bytes((pcb,)) if inf < 0 else bytes((pcb, inf))

    async def present(self) -> bool:
        """Is the card still there? R(NAK) is answered by R(ACK) and changes nothing (rule 12)."""
        for _ in range(2):
            try:
                await self._exchange(self._supervisory(0xB2 | self._number, -1), self._fwt)
            except (CardLost, Garbled):
                continue
            return True
        return False
