"""Commands about the card itself: identity, keys, settings, configuration (NT4H2421Gx §10.5–10.7).

`…_mode` says who may and how the data travels; its partner does it. Both raise `Refused`.
"""

from __future__ import annotations

from dataclasses import replace

from hardware.twin.apdu import Refused
from hardware.twin.chip import Chip
from hardware.twin.settings import FREE, KEYS, Mode, Settings
from hardware.twin.state import Configuration, KeySlot
from host.ntag424.crypto import crc32nk
from host.ntag424.status import Status
from host.ntag424.values import Key

_HARDWARE = bytes.fromhex("04040830001105")
_SOFTWARE = bytes.fromhex("04040201021105")
_STANDARD_MODULATION = 0x80


def version(chip: Chip) -> tuple[bytes, bytes, bytes]:
    """The three parts of GetVersion, as current silicon answers; no UID under Random ID."""
    hardware = bytearray(_HARDWARE)
    if not chip.state.configuration.strong_modulation:
        hardware[2] |= _STANDARD_MODULATION
    uid = bytes(7) if chip.random_id else chip.state.uid.raw
    return bytes(hardware), _SOFTWARE, uid + chip.state.batch


def card_uid_mode(chip: Chip, header: bytes) -> Mode:
    chip.authenticated()
    return Mode.FULL


def card_uid(chip: Chip, header: bytes, body: bytes) -> bytes:
    _nothing_more(body)
    return chip.state.uid.raw


def signature_mode(chip: Chip, header: bytes) -> Mode:
    if chip.random_id:
        chip.authenticated()  # it would give the UID away
    return Mode.FULL


def signature(chip: Chip, header: bytes, body: bytes) -> bytes:
    _nothing_more(body)
    if header != b"\x00":
        raise Refused(Status.PARAMETER_ERROR)
    return chip.state.signature


def key_version(chip: Chip, header: bytes, body: bytes) -> bytes:
    _nothing_more(body)
    number = header[0]
    if number not in KEYS or (number == 0 and not chip.in_application):
        raise Refused(Status.NO_SUCH_KEY)
    # At PICC level the numbers mean NXP's originality keys, whose version is 0.
    return bytes([chip.state.keys[number].version if chip.in_application else 0])


def change_key(chip: Chip, header: bytes, body: bytes) -> bytes:
    """Key 0 replaces itself and ends the session; the others prove that the old key is known."""
    number = header[0]
    if number not in KEYS:
        raise Refused(Status.NO_SUCH_KEY)
    if len(body) != (21 if number else 17):
        raise Refused(Status.LENGTH_ERROR)
    new = body[:16]
    if number:
        old = chip.state.keys[number].key.reveal()
        new = bytes(a ^ b for a, b in zip(new, old, strict=True))
        if crc32nk(new) != body[17:]:
            raise Refused(Status.INTEGRITY_ERROR)
    else:
        chip.session = None
    chip.state = chip.state.with_key(number, KeySlot(Key(new), body[16]))
    return b""


def file_settings(chip: Chip, header: bytes, body: bytes) -> bytes:
    _nothing_more(body)
    file = chip.file(header[0])
    return file.settings.report(len(file.content))


def file_counters_mode(chip: Chip, header: bytes) -> Mode:
    sdm = chip.file(header[0]).settings.sdm
    if sdm is None:
        raise Refused(Status.PERMISSION_DENIED)
    if sdm.counter_read == FREE:
        return Mode.MAC  # seen on cards: in a session the counter then travels open, with a MAC
    return chip.access(Mode.FULL, sdm.counter_read)


def file_counters(chip: Chip, header: bytes, body: bytes) -> bytes:
    _nothing_more(body)
    return chip.state.read_counter.to_bytes(3, "little") + bytes(2)


def change_settings_mode(chip: Chip, header: bytes) -> Mode:
    return chip.access(Mode.FULL, chip.file(header[0]).settings.rights.change)


def change_settings(chip: Chip, header: bytes, body: bytes) -> bytes:
    """Switching SDM on sets the read counter to zero; changing it while on keeps the counter."""
    number = header[0]
    file = chip.file(number)
    settings = Settings.decode(body)
    switched_on = settings.sdm is not None and file.settings.sdm is None
    counter = 0 if switched_on else chip.state.read_counter
    settings.check(number, len(file.content), counter)
    changed = chip.state.with_file(number, replace(file, settings=settings))
    chip.state = replace(changed, read_counter=counter)
    return b""


def set_configuration(chip: Chip, header: bytes, body: bytes) -> bytes:
    option = header[0]
    if option not in _OPTIONS:
        raise Refused(Status.PARAMETER_ERROR)
    length, reserved = _OPTIONS[option]
    if len(body) != length:
        raise Refused(Status.LENGTH_ERROR)
    if body[0] & reserved:
        raise Refused(Status.PARAMETER_ERROR)
    configuration = _configured(chip.state.configuration, option, body)
    chip.state = replace(chip.state, configuration=configuration)
    if option == _CAPABILITIES:
        chip.session = None  # answered without a MAC
        if configuration.lrp:
            _drop_sdm(chip)  # its fields have other lengths under LRP
    return b""


_RANDOM_ID, _MESSAGING, _CAPABILITIES, _FAILURES, _MODULATION = 0x00, 0x04, 0x05, 0x0A, 0x0B

_OPTIONS = {
    _RANDOM_ID: (1, 0xFD),
    _MESSAGING: (2, 0xFB),
    _CAPABILITIES: (10, 0x00),
    _FAILURES: (5, 0xFE),
    _MODULATION: (1, 0xFE),
}
"""Option: length of its data, reserved bits of the first byte (NT4H2421Gx table 50)."""


def _configured(now: Configuration, option: int, body: bytes) -> Configuration:
    """Some bits only ever go one way: 0 means "no change"."""
    if option == _RANDOM_ID:
        return replace(now, random_id=now.random_id or bool(body[0] & 2))
    if option == _MESSAGING:
        return replace(now, chained_writes=now.chained_writes and not body[0] & 4)
    if option == _CAPABILITIES:
        return replace(now, lrp=now.lrp or bool(body[4] & 2), capabilities=body[8:].hex())
    if option == _MODULATION:
        return replace(now, strong_modulation=bool(body[0] & 1))
    if not body[0] & 1:
        return replace(now, count_failures=False)
    limit, decrement = (int.from_bytes(body[n : n + 2], "little") for n in (1, 3))
    if limit == 0:
        raise Refused(Status.PARAMETER_ERROR)
    return replace(now, count_failures=True, failure_limit=limit, failure_decrement=decrement)


def _drop_sdm(chip: Chip) -> None:
    for number, file in enumerate(chip.state.files, 1):
        if file.settings.sdm:
            plain = replace(file, settings=replace(file.settings, sdm=None))
            chip.state = chip.state.with_file(number, plain)


def _nothing_more(body: bytes) -> None:
    if body:
        raise Refused(Status.LENGTH_ERROR)
