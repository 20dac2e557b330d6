"""What a printer says of itself: the real-time status of ESC/POS, and that a job has come out.

`DLE EOT` is answered at once, whatever the printer is busy with; `GS r` only when everything
before it was printed (Epson, ESC/POS command reference). Cheap printers answer neither, or the
first alone: what they do not say is not held against them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from host.printers.errors import PrinterTrouble
from host.printers.wire import SLICE_S, STOPPING, Wire

ANSWER_S: Final = 1.0
PRINTED_S: Final = 8.0
"""How long a receipt may take to come out."""

_ONLINE: Final = b"\x10\x04\x01"
_CAUSE: Final = b"\x10\x04\x02"
_PAPER: Final = b"\x10\x04\x04"
_AFTER_ALL: Final = b"\x1dr\x01"

_OFFLINE: Final = 0x08
_COVER: Final = 0x04
_STOPPED: Final = 0x20
_BROKEN: Final = 0x40
_NO_PAPER: Final = 0x60

COVER_WORDS: Final = "its cover is open"
PAPER_WORDS: Final = "the paper is out"
BROKEN_WORDS: Final = "it reports an error: switch it off and on"
OFFLINE_WORDS: Final = "it is not ready: look at its lamps"
SILENT_WORDS: Final = "it does not answer any more"


def check(wire: Wire) -> bool:
    """Whether the printer answers; raises `PrinterTrouble` with words when it cannot print."""
    online = _real_time(wire, _ONLINE) if wire.two_way else None
    if online is None:
        return False
    if online & _OFFLINE:
        raise PrinterTrouble(_words(_real_time(wire, _CAUSE) or 0))
    paper = _real_time(wire, _PAPER)
    if paper is not None and paper & _NO_PAPER:
        raise PrinterTrouble(PAPER_WORDS)
    return True


def wait_printed(wire: Wire) -> bool:
    """True as soon as what was sent has come out; False when this printer does not tell.

    Only for one that answers; raises `PrinterTrouble` when it cannot print, or is silent now.
    """
    wire.send(_AFTER_ALL)
    if _answer(wire, PRINTED_S, lambda one: not one & 0x90) is not None:
        return True
    if not check(wire):
        raise PrinterTrouble(SILENT_WORDS)
    return False


def _words(cause: int) -> str:
    for bit, words in (
        (_COVER, COVER_WORDS),
        (_STOPPED, PAPER_WORDS),
        (_BROKEN, BROKEN_WORDS),
    ):
        if cause & bit:
            return words
    return OFFLINE_WORDS


def _real_time(wire: Wire, question: bytes) -> int | None:
    """One status byte; its fixed bits tell it from anything else that was on its way."""
    wire.send(question)
    return _answer(wire, ANSWER_S, lambda one: one & 0x93 == 0x12)


def _answer(wire: Wire, within_s: float, fits: Callable[[int], bool]) -> int | None:
    until = time.monotonic() + within_s
    while (left := until - time.monotonic()) > 0:
        if wire.over():
            raise PrinterTrouble(STOPPING)
        found = [one for one in wire.receive(min(left, SLICE_S)) if fits(one)]
        if found:
            return found[-1]
    return None
