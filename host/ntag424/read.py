"""Reading a tap: from a card in the field to the text of its URL.

An NTAG 424 DNA takes two APDUs: select the application, ReadData to the end of file 2. Its 256
bytes and the status word just fit a short answer. Any other Type 4 tag, such as a phone that
plays a card, refuses ReadData and is read the slow way that the NFC Forum prescribes.
"""

from __future__ import annotations

from collections.abc import Callable

from host.ntag424 import ndef
from host.ntag424.commands import (
    FID_CC,
    FID_NDEF,
    Ins,
    file_range,
    iso_read_binary,
    iso_select_application,
    iso_select_file,
    native,
    split,
)
from host.ntag424.errors import Unreadable
from host.ntag424.files import FileNo
from host.ntag424.status import Status

_SELECT = iso_select_application()
_READ = native(Ins.READ_DATA, file_range(FileNo.NDEF, 0, 0))
_CC_LENGTH = 15
_NDEF_FILE_TLV = bytes([0x04, 0x06])
_SMALLEST_READ = 15
"""What every Type 4 tag can answer at once (Type 4 Tag 2.0 §5.1.2)."""
_MAX_NDEF = 1024
"""No card we know needs more; a phone that claims more would hold up the till."""

Transceive = Callable[[bytes], bytes]


def read_tap_url(transceive: Transceive) -> str:
    """The URL on the card, mirrors filled in; on an NTAG 424 DNA this counts as one tap.

    Raises `Unreadable` for what is no Type 4 tag or lets nobody read it, and `ndef.NdefError` for
    a file without a URI (`NdefEmpty`: a blank card). The link's errors pass through.
    """
    _, status = split(transceive(_SELECT))
    if status != Status.ISO_OK:
        raise Unreadable(f"not an NDEF card: {status}")
    file, status = split(transceive(_READ))
    if status != Status.OPERATION_OK:
        file = _read_as_type4(transceive, status)
    return ndef.parse_file(file)


def _read_as_type4(transceive: Transceive, refusal: Status) -> bytes:
    """The NDEF file by ISO commands; `refusal` is why ReadData did not do."""

    def ask(apdu: bytes) -> bytes:
        answer, status = split(transceive(apdu))
        if status != Status.ISO_OK:
            raise Unreadable(f"ReadData: {refusal}; {apdu[:4].hex()}: {status}")
        return answer

    fid, at_once = _find_file(ask)
    ask(iso_select_file(fid))
    file = ask(iso_read_binary(0, 2))
    end = 2 + int.from_bytes(file, "big")
    if len(file) != 2 or end > _MAX_NDEF:
        raise Unreadable("NDEF: an impossible length")
    while len(file) < end:
        part = ask(iso_read_binary(len(file), min(at_once, end - len(file))))
        if not part:
            raise Unreadable("NDEF: the file ends too early")
        file += part
    return file


def _find_file(ask: Transceive) -> tuple[int, int]:
    """FID of the NDEF file and how much may be read at once, from the capability container.

    Where there is none that can be read, the usual FID is tried, in small steps.
    """
    try:
        ask(iso_select_file(FID_CC))
        container = ask(iso_read_binary(0, _CC_LENGTH))
    except Unreadable:
        return FID_NDEF, _SMALLEST_READ
    if len(container) < _CC_LENGTH or container[7:9] != _NDEF_FILE_TLV:
        return FID_NDEF, _SMALLEST_READ
    at_once = int.from_bytes(container[3:5], "big")
    fid = int.from_bytes(container[9:11], "big")
    return fid, max(_SMALLEST_READ, min(at_once, 255))
