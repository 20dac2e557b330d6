"""A card on our reader: what was read already is answered here, the rest by the card."""

from __future__ import annotations

from collections.abc import Sequence

from host.readers.base import CardGone, CardLink, ReaderGone
from host.readers.panel_frames import MAX_PAYLOAD, Payload, Value
from host.readers.panel_line import PanelLine
from host.readers.panel_words import Request, Status, Tag

SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
READ_FILE_2 = bytes.fromhex("90AD0000070200000000000000")
"""The two APDUs of a tap, as the firmware sends them (`reader/tap.py`)."""
_ROOM = MAX_PAYLOAD - 3
_GOOD = (0x9000, 0x9100, 0x91AF)
"""After any other status word the rest of what lay ahead is not sent."""


class GoneLink(CardLink):
    """A card that left before it could be read."""

    def __init__(self, seen_ns: int) -> None:
        self.seen_ns = seen_ns

    @property
    def uid(self) -> None:
        return None

    def transceive(self, apdu: bytes) -> bytes:
        raise CardGone("the card was taken away too early")


class PanelLink(CardLink):
    """A card for as long as it stays. From the first APDU of its own the tap's are sent too."""

    def __init__(self, line: PanelLine, tap: Payload, seen_ns: int) -> None:
        self._line = line
        self._uid = tap.get(Tag.UID)
        self._known: dict[bytes, bytes] = {}
        self._ahead: list[bytes] = []
        self._told: list[tuple[bytes, bytes]] = []
        self._over = False
        self.seen_ns = seen_ns
        file = tap.get(Tag.NDEF)
        if file is not None:
            # Another Type 4 tag was read by ReadBinary: its file is answered as if by ReadData.
            self._known = {SELECT_APPLICATION: b"\x90\x00", READ_FILE_2: file + b"\x91\x00"}

    @property
    def uid(self) -> bytes | None:
        return self._uid

    def end(self) -> None:
        """The card is gone, or is another's now."""
        self._over = True

    def transceive(self, apdu: bytes) -> bytes:
        if self._over:
            raise CardGone("the card was taken away")
        known = self._known.pop(apdu, None)
        if known is not None:
            return known
        if self._told and self._told[0][0] == apdu:
            return self._told.pop(0)[1]
        ahead, self._ahead, self._told = self._ahead, [], []
        if ahead[:1] != [apdu]:
            return self.batch([apdu])[0]
        answers = self.batch(ahead, _GOOD)
        self._told = list(zip(ahead[1:], answers[1:], strict=False))
        return answers[0]

    def ahead(self, apdus: Sequence[bytes]) -> None:
        self._ahead, self._told = list(apdus), []

    def batch(self, apdus: Sequence[bytes], stop_unless: Sequence[int] = ()) -> list[bytes]:
        """Many APDUs with as few round trips as their answers allow.

        With `stop_unless` the first answer whose status word is none of these is the last one.
        """
        self._known.clear()
        answers: list[bytes] = []
        words = b"".join(word.to_bytes(2, "big") for word in stop_unless)
        while len(answers) < len(apdus):
            part = _that_fit(apdus[len(answers) :], len(words) + 3)
            got = self._ask(words, part)
            answers += got
            if words and got[-1][-2:] not in _pairs(words):
                break
        return answers

    def _ask(self, words: bytes, apdus: Sequence[bytes]) -> list[bytes]:
        if self._over:
            raise CardGone("the card was taken away")
        records: list[tuple[int, Value]] = [(Tag.STOP_UNLESS, words)] if words else []
        records += [(Tag.C_APDU, apdu) for apdu in apdus]
        payload = self._line.ask(Request.APDU, *records)
        answers = payload.all(Tag.R_APDU)
        match payload.number(Tag.STATUS):
            case Status.OK | Status.MORE if answers:
                return answers
            case Status.NO_CARD:
                self._over = True
                raise CardGone("the card was taken away")
            case status:
                raise ReaderGone(f"the reader at {self._line.path} refuses APDUs: {status}")


def _that_fit(apdus: Sequence[bytes], used: int) -> Sequence[bytes]:
    """As many as one request takes; the longest single APDU always does."""
    count = 0
    for apdu in apdus:
        used += len(apdu) + 3
        if count and used > _ROOM:
            break
        count += 1
    return apdus[:count]


def _pairs(words: bytes) -> set[bytes]:
    return {words[at : at + 2] for at in range(0, len(words), 2)}
