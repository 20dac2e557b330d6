"""The NDEF file: NLEN, then a message of records (NFC Forum Type 4 Tag, NDEF, URI RTD).

NdefError      the file holds no URI that can be read: not a Boltcard
└── NdefEmpty  NLEN is zero: a blank or wiped card
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from host.ntag424.files import NDEF_SIZE
from host.ntag424.sun import SunFormatError, parse_url


class NdefError(ValueError):
    """The file holds no URI that can be read, or the URI does not fit a file."""


class NdefEmpty(NdefError):
    """The file holds no message at all: a blank card."""


CC_FACTORY = bytes.fromhex("001720010000FF0406E104010000000506E10500808283").ljust(32, b"\x00")
"""The capability container at delivery (NT4H2421Gx §8.2.3.2)."""

EMPTY_FILE = bytes(2)
"""What a wiped card's file begins with: NLEN 0."""

_WELL_KNOWN = 0x01
_CHUNKED, _SHORT, _HAS_ID, _LAST = 0x20, 0x10, 0x08, 0x40
_URI_HEADER = bytes([0xD1, 0x01])
"""One record, first and last, short, well known; its type has one letter, U."""
_TEXT_AT = 7
"""Where the URI's text begins: NLEN 2, header 2, payload length 1, type 1, prefix code 1."""
MAX_URI = NDEF_SIZE - _TEXT_AT

_P_TAIL = "p=" + "0" * 32
_C_TAIL = "c=" + "0" * 16
MAX_BASE = MAX_URI - len(f"?{_P_TAIL}&{_C_TAIL}")
"""The longest URL base that fits a card, in characters."""

_PREFIXES = (
    *("", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:"),
    *("ftp://anonymous:anonymous@", "ftp://ftp.", "ftps://", "sftp://", "smb://", "nfs://"),
    *("ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:", "sip:"),
    *("sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://"),
    *("file://", "urn:epc:id:", "urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:"),
    "urn:nfc:",
)
"""URI RTD 1.0, table 3: the text that each prefix code stands for."""


@dataclass(frozen=True, slots=True)
class NdefTemplate:
    """A Boltcard's file as it is written, and where the card mirrors its values into it."""

    url: str
    file: bytes
    p_offset: int
    c_offset: int


def build_template(base: str) -> NdefTemplate:
    """The file for a URL base such as `lnurlw://shop.example/ln`, or one with a query already.

    Raises `NdefError` for more than `MAX_BASE` characters, and for a base that would make a URL
    we could not read back from the card (`sun.parse_url`).
    """
    mark, query = base.partition("?")[1:]
    joint = "?" if not mark else "" if not query or query.endswith("&") else "&"
    url = f"{base}{joint}{_P_TAIL}&{_C_TAIL}"
    try:
        parse_url(url)
    except SunFormatError as error:
        raise NdefError(f"url base: {error}") from error
    if len(url) > MAX_URI:
        raise NdefError(f"url base: at most {MAX_BASE} characters fit a card")
    c_offset = _TEXT_AT + len(url) - 16
    return NdefTemplate(url, encode_file(url), c_offset - len("&c=") - 32, c_offset)


def encode_file(uri: str) -> bytes:
    """NLEN and one URI record; prefix code 0 always, so that offsets follow from the text alone."""
    payload = b"\x00" + uri.encode()
    message = _URI_HEADER + bytes([len(payload) & 0xFF]) + b"U" + payload
    if len(message) + 2 > NDEF_SIZE:
        raise NdefError(f"uri: at most {MAX_URI} bytes fit a card")
    return len(message).to_bytes(2, "big") + message


def parse_file(file: bytes) -> str:
    """The first URI in the file; bytes behind the message are ignored."""
    size = int.from_bytes(file[:2], "big")
    if len(file) < 2 or len(file) < size + 2:
        raise NdefError("NDEF: the message is longer than the file")
    if not size:
        raise NdefEmpty("NDEF: the file is empty")
    for kind, payload in _records(file[2 : size + 2]):
        if kind == b"U" and payload:
            return _uri(payload)
    raise NdefError("NDEF: no URI in the message")


def _uri(payload: bytes) -> str:
    if payload[0] >= len(_PREFIXES):
        raise NdefError("NDEF: an unknown URI prefix")
    try:
        return _PREFIXES[payload[0]] + payload[1:].decode()
    except UnicodeDecodeError as error:
        raise NdefError("NDEF: the URI is not UTF-8") from error


def _records(message: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and payload of each record; the type is empty unless it is a well-known one."""
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        if at + count > len(message):
            raise NdefError("NDEF: a record is cut short")
        at += count
        return message[at - count : at]

    while at < len(message):
        header, type_length = take(2)
        if header & _CHUNKED:
            raise NdefError("NDEF: chunked records are not read")
        payload_length = int.from_bytes(take(1 if header & _SHORT else 4), "big")
        id_length = take(1)[0] if header & _HAS_ID else 0
        kind = take(type_length)
        take(id_length)
        payload = take(payload_length)
        yield (kind if header & 7 == _WELL_KNOWN else b""), payload
        if header & _LAST:
            return
