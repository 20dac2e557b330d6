"""LRP, the other cipher of this chip: recognised and named, not spoken (AN12304, AN12321).

A card switched to LRP, which is for good, has no SDM in AES and can be no Boltcard. It answers
919D to an AES authentication, and so does a card whose key is used up; only asking in LRP tells
them apart.
"""

from __future__ import annotations

from collections.abc import Callable

from host.ntag424.commands import Ins, native, split
from host.ntag424.status import Status

_PCDCAP2_LRP = bytes.fromhex("020000000000")
_AUTH_MODE_LRP = 1


def authenticate_first(key_no: int) -> bytes:
    """AuthenticateLRPFirst, part 1."""
    return native(Ins.AUTHENTICATE_EV2_FIRST, bytes([key_no, len(_PCDCAP2_LRP)]) + _PCDCAP2_LRP)


def probe(transceive: Callable[[bytes], bytes], key_no: int) -> bool:
    """True when the card speaks LRP.

    Ask only after an AES authentication was refused with 919D: a card in LRP counts the unfinished
    question as one failed authentication. A card in AES ignores the wish and answers in AES.
    """
    answer, status = split(transceive(authenticate_first(key_no)))
    spoken = len(answer) == 17 and answer[0] == _AUTH_MODE_LRP
    return status == Status.ADDITIONAL_FRAME and spoken
