"""The three inter-industry commands (NT4H2421Gx §10.9): always plain, never in a session."""

from __future__ import annotations

from hardware.twin import files
from hardware.twin.apdu import Command, Refused
from hardware.twin.chip import Chip
from hardware.twin.settings import Mode
from hardware.twin.state import FILE_IDS
from host.ntag424.status import Status

SELECT, READ_BINARY, UPDATE_BINARY = 0xA4, 0xB0, 0xD6

_PICC_NAME = bytes.fromhex("D2760000850100")
_APPLICATION_NAME = bytes.fromhex("D2760000850101")
_MASTER_ID, _APPLICATION_ID = 0x3F00, 0xE110
_BY_ID, _CHILD, _FILE, _PARENT, _BY_NAME = range(5)


def execute(chip: Chip, command: Command) -> bytes:
    """The answer's data; success is 9000. Raises `Refused`."""
    if chip.pending:
        raise Refused(Status.ISO_CONDITIONS_NOT_SATISFIED)
    if command.ins == SELECT:
        chip.reading = None
        _select(chip, command)
        return b""
    if command.ins == READ_BINARY:
        return _read_binary(chip, command)
    if command.ins == UPDATE_BINARY:
        chip.reading = None
        _update_binary(chip, command)
        return b""
    raise Refused(Status.ISO_INS_NOT_SUPPORTED)


def _select(chip: Chip, command: Command) -> None:
    """There is no FCI on this card, so both values of P2 give the same bare answer."""
    if command.p1 > _BY_NAME or command.p2 not in (0x00, 0x0C):
        raise Refused(Status.ISO_WRONG_P1P2)
    if command.p1 == _BY_NAME:
        _select_by_name(chip, command.data)
    elif command.p1 == _PARENT:
        _demand(not command.data, Status.ISO_WRONG_LC)
        _enter(chip, application=False)
    elif command.p1 == _BY_ID and not command.data:
        _enter(chip, application=False)
    else:
        _demand(len(command.data) == 2, Status.ISO_WRONG_LC)
        _select_by_id(chip, command.p1, int.from_bytes(command.data, "big"))


def _select_by_name(chip: Chip, name: bytes) -> None:
    _demand(1 <= len(name) <= 16, Status.ISO_WRONG_LC)
    _demand(name in (_PICC_NAME, _APPLICATION_NAME), Status.ISO_FILE_NOT_FOUND)
    _enter(chip, application=name == _APPLICATION_NAME)


def _select_by_id(chip: Chip, how: int, identifier: int) -> None:
    if how == _BY_ID and identifier == _MASTER_ID:
        _enter(chip, application=False)
    elif how in (_BY_ID, _CHILD) and identifier == _APPLICATION_ID:
        _enter(chip, application=True)
    elif how in (_BY_ID, _FILE) and chip.in_application and identifier in FILE_IDS:
        chip.selected_file = FILE_IDS[identifier]
    else:
        raise Refused(Status.ISO_FILE_NOT_FOUND)


def _enter(chip: Chip, *, application: bool) -> None:
    chip.forget()
    chip.in_application = application
    chip.selected_file = None


def _read_binary(chip: Chip, command: Command) -> bytes:
    _demand(command.le is not None and not command.data, Status.ISO_WRONG_LENGTH)
    number, offset = _target(chip, command)
    try:
        files.read_mode(chip, number)
    except Refused:
        raise Refused(Status.ISO_SECURITY_NOT_SATISFIED) from None
    data = files.read(chip, number, offset, READ_BINARY, files.ISO_WORDS)
    return data[: command.le]


def _update_binary(chip: Chip, command: Command) -> None:
    # A trailing Le is refused by real silicon, although AN12196 table 17 prints one.
    _demand(bool(command.data) and command.le is None, Status.ISO_WRONG_LENGTH)
    number, offset = _target(chip, command)
    try:
        allowed = files.write_mode(chip, number) is Mode.PLAIN
    except Refused:
        allowed = False
    _demand(allowed, Status.ISO_SECURITY_NOT_SATISFIED)
    files.write(chip, number, offset, command.data, files.ISO_WORDS)


def _target(chip: Chip, command: Command) -> tuple[int, int]:
    """File number and offset; a short file identifier also selects that file."""
    _demand(chip.session is None, Status.ISO_SECURITY_NOT_SATISFIED)
    offset = (command.p1 & 0x7F) << 8 | command.p2
    if command.p1 & 0x80:
        short = command.p1 & 0x7F
        offset = command.p2
        _demand(short < 0x1F, Status.ISO_WRONG_P1P2)
        if short:
            number = FILE_IDS.get(0xE100 | short)
            if number is None or not chip.in_application:
                raise Refused(Status.ISO_FILE_NOT_FOUND)
            chip.selected_file = number
    if chip.selected_file is None:
        raise Refused(Status.ISO_CONDITIONS_NOT_SATISFIED)
    return chip.selected_file, offset


def _demand(condition: bool, otherwise: Status) -> None:
    if not condition:
        raise Refused(otherwise)
