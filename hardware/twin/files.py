"""Reading and writing files: one set of rules for the native and the ISO commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hardware.twin import sdm
from hardware.twin.apdu import Refused
from hardware.twin.chip import Chip, Reading
from hardware.twin.settings import COUNTER_MAX, NEVER, Mode
from host.ntag424.status import Status

_PADDING = 15


@dataclass(frozen=True, slots=True)
class Words:
    """How a command family says what went wrong."""

    outside: Status
    limit_reached: Status


NATIVE_WORDS = Words(Status.BOUNDARY_ERROR, Status.PERMISSION_DENIED)
ISO_WORDS = Words(Status.ISO_WRONG_P1P2, Status.ISO_SECURITY_NOT_SATISFIED)


def read_mode(chip: Chip, number: int) -> Mode:
    """How a read of that file travels. Raises `Refused` 91F0, 91AE or 919D."""
    settings = chip.file(number).settings
    rights = settings.rights
    signed = settings.sdm.file_read if settings.sdm else NEVER
    return chip.access(settings.mode, rights.read, rights.read_write, without_session=signed)


def write_mode(chip: Chip, number: int) -> Mode:
    """How a write of that file travels. Raises `Refused` 91F0, 91AE or 919D."""
    settings = chip.file(number).settings
    return chip.access(settings.mode, settings.rights.write, settings.rights.read_write)


def read(chip: Chip, number: int, offset: int, ins: int, words: Words) -> bytes:
    """Everything from `offset` on, mirrored when nobody is authenticated.

    The first read of a file counts; what follows with the same instruction belongs to it.
    """
    file = chip.file(number)
    if offset >= len(file.content):
        raise Refused(words.outside)
    settings = file.settings
    if settings.sdm is None or chip.session:
        chip.reading = None
        return file.content[offset:]
    going_on = chip.reading
    if going_on is None or (going_on.file_no, going_on.ins) != (number, ins):
        limit = COUNTER_MAX if settings.sdm.limit is None else settings.sdm.limit
        if chip.state.read_counter >= limit:
            raise Refused(words.limit_reached)
        state = replace(chip.state, read_counter=chip.state.read_counter + 1)
        image = sdm.image(state, file.content, settings.sdm, chip.random(_PADDING))
        chip.state = state
        going_on = chip.reading = Reading(number, ins, image)
    return going_on.image[offset:]


def write(chip: Chip, number: int, offset: int, data: bytes, words: Words) -> None:
    """Stage new content. Raises `Refused` where it does not fit into the file."""
    file = chip.file(number)
    end = offset + len(data)
    if end > len(file.content):
        raise Refused(words.outside)
    content = file.content[:offset] + data + file.content[end:]
    chip.state = chip.state.with_file(number, replace(file, content=content))
