"""Reading a card's file: two APDUs on an NTAG 424, four on any other Type 4 tag. Pure.

`exchange(apdu)` is a coroutine function that returns the answer with its status word.
Read once per tap: each group of reads moves the card's counter.
"""

from reader.errors import TapFailed
from reader.words import READ_FAILED, READ_ISO, READ_NATIVE

SELECT_APP = b"\x00\xa4\x04\x00\x07\xd2\x76\x00\x00\x85\x01\x01\x00"
READ_FILE_2 = b"\x90\xad\x00\x00\x07\x02\x00\x00\x00\x00\x00\x00\x00"
SELECT_E104 = b"\x00\xa4\x00\x0c\x02\xe1\x04"
READ_BINARY = b"\x00\xb0\x00\x00\x00"


def status(answer) -> int:
    """The status word of an answer; 0 where there is none."""
    return answer[-2] << 8 | answer[-1] if len(answer) >= 2 else 0


async def read_file(exchange, out) -> tuple:
    """Read the file into `out`; returns how (READ_NATIVE or READ_ISO) and its length.

    Raises TapFailed(READ_FAILED); CardLost passes through.
    """
    if status(await exchange(SELECT_APP)) != 0x9000:
        raise TapFailed(READ_FAILED)
    answer = await exchange(READ_FILE_2)
    if status(answer) == 0x9100:
        return READ_NATIVE, _keep(answer, out)
    for apdu in (SELECT_APP, SELECT_E104):  # an unknown class may cost the selection
        if status(await exchange(apdu)) != 0x9000:
            raise TapFailed(READ_FAILED)
    answer = await exchange(READ_BINARY)
    if status(answer) != 0x9000:
        raise TapFailed(READ_FAILED)
    return READ_ISO, _keep(answer, out)


def _keep(answer, out) -> int:
    n = len(answer) - 2
    out[:n] = answer[:-2]
    return n
