"""Native commands in their ISO wrapping, CLA 90 (NT4H2421Gx §10): framing, access, dispatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hardware.twin import authentication, files, management
from hardware.twin.apdu import Command, Refused
from hardware.twin.chip import Chip
from hardware.twin.session import Session
from hardware.twin.settings import Mode
from host.ntag424.status import Status

READ_DATA = 0xAD
_NEXT_FRAME = 0xAF
_MOST_DATA = 256
_FRAME = 125
"""Bytes of an APDU in one frame: FSC 128 without PCB and CRC."""

Begin = Callable[[Chip, bytes], tuple[bytes, Status]]
ModeOf = Callable[[Chip, bytes], Mode]
Run = Callable[[Chip, bytes, bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Single:
    """A command of one frame: `header` bytes travel open, `mode` says how the rest does."""

    header: int
    mode: ModeOf
    run: Run
    at_picc_level: bool = False
    success: Status = Status.OPERATION_OK


def execute(chip: Chip, command: Command, size: int) -> tuple[bytes, Status]:
    """The answer's data and status word. Raises `Refused`. `size` is the APDU's length."""
    if command.le != _MOST_DATA:
        raise Refused(Status.LENGTH_ERROR)
    if command.p1 or command.p2:
        raise Refused(Status.PARAMETER_ERROR)
    pending, chip.pending = chip.pending, None
    if command.ins == _NEXT_FRAME:
        if pending is None:
            raise Refused(Status.ILLEGAL_COMMAND)
        return pending.proceed(chip, command.data)
    if pending:
        raise Refused(Status.COMMAND_ABORTED)
    if command.ins != READ_DATA:
        chip.reading = None
    if begin := _BEGIN.get(command.ins):
        return begin(chip, command.data)
    single = _SINGLE.get(command.ins)
    if single is None:
        raise Refused(Status.ILLEGAL_COMMAND)
    if not chip.in_application and not single.at_picc_level:
        raise Refused(Status.PERMISSION_DENIED)
    return _run(chip, single, command, size)


def _run(chip: Chip, single: _Single, command: Command, size: int) -> tuple[bytes, Status]:
    header, body = command.data[: single.header], command.data[single.header :]
    if len(header) < single.header:
        raise Refused(Status.LENGTH_ERROR)
    mode = single.mode(chip, header)
    session = chip.session
    if session:
        body = session.receive(command.ins, header, body, mode)
        if size > _FRAME and mode is not Mode.PLAIN and not _may_chain(chip):
            raise Refused(Status.PERMISSION_DENIED)
    answer = single.run(chip, header, body)
    if session and chip.session is session:
        answer = session.answer(single.success.return_code, answer, mode)
    if len(answer) > _MOST_DATA:
        raise Refused(Status.LENGTH_ERROR)
    return answer, single.success


def _may_chain(chip: Chip) -> bool:
    return chip.state.configuration.chained_writes


@dataclass(frozen=True, slots=True)
class _Version:
    """GetVersion after its first frame; in a session one MAC covers all three."""

    session: Session | None
    shown: bytes
    rest: tuple[bytes, ...]

    def proceed(self, chip: Chip, data: bytes) -> tuple[bytes, Status]:
        if data:
            raise Refused(Status.LENGTH_ERROR)
        part, *rest = self.rest
        shown = self.shown + part
        if rest:
            chip.pending = _Version(self.session, shown, tuple(rest))
            return part, Status.ADDITIONAL_FRAME
        if self.session:
            part += self.session.answer(0, shown, Mode.MAC)[len(shown) :]
        return part, Status.OPERATION_OK


def _get_version(chip: Chip, data: bytes) -> tuple[bytes, Status]:
    if chip.session:
        data = chip.session.receive(0x60, b"", data, Mode.MAC)
    if data:
        raise Refused(Status.LENGTH_ERROR)
    hardware, software, production = management.version(chip)
    chip.pending = _Version(chip.session, hardware, (software, production))
    return hardware, Status.ADDITIONAL_FRAME


def _read_data(chip: Chip, header: bytes, body: bytes) -> bytes:
    if body:
        raise Refused(Status.LENGTH_ERROR)
    offset, length = (int.from_bytes(header[n : n + 3], "little") for n in (1, 4))
    number = header[0]
    if offset + length > len(chip.file(number).content):
        raise Refused(Status.BOUNDARY_ERROR)
    data = files.read(chip, number, offset, READ_DATA, files.NATIVE_WORDS)
    return data[:length] if length else data


def _write_data(chip: Chip, header: bytes, body: bytes) -> bytes:
    offset, length = (int.from_bytes(header[n : n + 3], "little") for n in (1, 4))
    if length == 0:
        raise Refused(Status.PARAMETER_ERROR)
    if length != len(body):
        raise Refused(Status.LENGTH_ERROR)
    files.write(chip, header[0], offset, body, files.NATIVE_WORDS)
    return b""


def _always(mode: Mode) -> ModeOf:
    return lambda chip, header: mode


def _master(chip: Chip, header: bytes) -> Mode:
    return chip.master()


_BEGIN: dict[int, Begin] = {
    0x71: authentication.first,
    0x77: authentication.non_first,
    0x60: _get_version,
}

_SINGLE: dict[int, _Single] = {
    0x51: _Single(0, management.card_uid_mode, management.card_uid, at_picc_level=True),
    0x64: _Single(1, _always(Mode.MAC), management.key_version, at_picc_level=True),
    0xF5: _Single(1, _always(Mode.MAC), management.file_settings),
    0xF6: _Single(1, management.file_counters_mode, management.file_counters),
    0x5F: _Single(1, management.change_settings_mode, management.change_settings),
    0xC4: _Single(1, _master, management.change_key),
    0x5C: _Single(1, _master, management.set_configuration),
    0x3C: _Single(
        1, management.signature_mode, management.signature, True, success=Status.SIGNATURE_OK
    ),
    READ_DATA: _Single(7, lambda chip, header: files.read_mode(chip, header[0]), _read_data),
    0x8D: _Single(7, lambda chip, header: files.write_mode(chip, header[0]), _write_data),
}
