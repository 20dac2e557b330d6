"""Status words: the last two bytes of every answer (NT4H2421Gx §10.1, ISO/IEC 7816-4)."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Status(IntEnum):
    """What the card says of a command; a value it should not know is kept as `UNKNOWN_xxxx`."""

    # Native commands wrapped in CLA 90.
    OPERATION_OK = 0x9100
    SIGNATURE_OK = 0x9190
    """Read_Sig's own success."""
    ADDITIONAL_FRAME = 0x91AF
    ILLEGAL_COMMAND = 0x911C
    INTEGRITY_ERROR = 0x911E
    NO_SUCH_KEY = 0x9140
    LENGTH_ERROR = 0x917E
    PERMISSION_DENIED = 0x919D
    PARAMETER_ERROR = 0x919E
    AUTHENTICATION_DELAY = 0x91AD
    AUTHENTICATION_ERROR = 0x91AE
    BOUNDARY_ERROR = 0x91BE
    COMMAND_ABORTED = 0x91CA
    MEMORY_ERROR = 0x91EE
    FILE_NOT_FOUND = 0x91F0

    # ISO commands, CLA 00.
    ISO_OK = 0x9000
    ISO_MEMORY_FAILURE = 0x6581
    ISO_WRONG_LENGTH = 0x6700
    ISO_SECURITY_NOT_SATISFIED = 0x6982
    ISO_CONDITIONS_NOT_SATISFIED = 0x6985
    ISO_WRONG_DATA = 0x6A80
    ISO_FILE_NOT_FOUND = 0x6A82
    ISO_WRONG_P1P2 = 0x6A86
    ISO_WRONG_LC = 0x6A87
    ISO_WRONG_LE = 0x6C00
    ISO_INS_NOT_SUPPORTED = 0x6D00
    ISO_CLA_NOT_SUPPORTED = 0x6E00

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFFFF:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = f"UNKNOWN_{value:04X}"
        unknown._value_ = value
        return unknown

    @property
    def raw(self) -> bytes:
        """The two bytes on the wire."""
        return self.to_bytes(2, "big")

    @property
    def return_code(self) -> int:
        """SW2: the RC byte that goes into a response MAC."""
        return self & 0xFF

    @property
    def good(self) -> bool:
        """True when the command was done; `ADDITIONAL_FRAME` is not yet done."""
        return self in (Status.OPERATION_OK, Status.SIGNATURE_OK, Status.ISO_OK)

    def __str__(self) -> str:
        return f"{self:04X} {self.name}"
