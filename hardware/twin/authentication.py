"""Mutual authentication and the counters that slow a guesser down (AN12196 §7.4, figures 11, 12).

A failure is counted when part 1 is answered, so an authentication torn in the middle is a failure.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

from hardware.twin.apdu import Refused
from hardware.twin.chip import Chip
from hardware.twin.session import Session
from hardware.twin.settings import KEYS
from hardware.twin.state import KeySlot
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, aes_cbc_encrypt
from host.ntag424.status import Status

_FREE_FAILURES = 50
_MOST_FAILURES = 255
_CAPABILITIES = 6
_WANTS_LRP = 0x02


@dataclass(frozen=True, slots=True)
class _Challenge:
    """Part 1 was answered: the card waits for the host's proof."""

    key_no: int
    rnd_b: bytes
    host_capabilities: bytes | None
    ti: bytes
    counter: int

    def proceed(self, chip: Chip, data: bytes) -> tuple[bytes, Status]:
        if len(data) != 32:
            raise Refused(Status.LENGTH_ERROR)
        key = chip.state.keys[self.key_no].key
        plain = aes_cbc_decrypt(key, ZERO_IV, data)
        rnd_a, proof = plain[:16], plain[16:]
        if not hmac.compare_digest(proof, _rotated(self.rnd_b)):
            raise Refused(Status.AUTHENTICATION_ERROR)
        _count_success(chip, self.key_no)
        session = Session.derive(self.key_no, key, rnd_a, self.rnd_b, self.ti, self.counter)
        chip.session = session
        answer = _rotated(rnd_a)
        if self.host_capabilities is not None:
            answer = self.ti + answer + _capabilities(chip) + self.host_capabilities
        return aes_cbc_encrypt(key, ZERO_IV, answer), Status.OPERATION_OK


class _UnspokenLrp:
    """Part 1 was answered in LRP: whatever proof comes is taken for a wrong one."""

    def proceed(self, chip: Chip, data: bytes) -> tuple[bytes, Status]:
        raise Refused(Status.AUTHENTICATION_ERROR)


def first(chip: Chip, data: bytes) -> tuple[bytes, Status]:
    """AuthenticateEV2First, part 1. A card in AES mode answers a wish for LRP in AES."""
    chip.session = None
    if len(data) < 2 or len(data) != 2 + data[1]:
        raise Refused(Status.LENGTH_ERROR)
    if data[1] > _CAPABILITIES:
        raise Refused(Status.PARAMETER_ERROR)
    capabilities = data[2:].ljust(_CAPABILITIES, b"\x00")
    if chip.state.configuration.lrp and capabilities[0] & _WANTS_LRP:
        return _lrp_challenge(chip, data[0])
    return _challenge(chip, data[0], capabilities, chip.random(4), 0)


def non_first(chip: Chip, data: bytes) -> tuple[bytes, Status]:
    """AuthenticateEV2NonFirst, part 1: new keys, the running transaction goes on."""
    session, chip.session = chip.session, None
    if len(data) != 1:
        raise Refused(Status.LENGTH_ERROR)
    if session is None:
        raise Refused(Status.PERMISSION_DENIED)
    return _challenge(chip, data[0], None, session.ti, session.counter)


def _challenge(
    chip: Chip, key_no: int, capabilities: bytes | None, ti: bytes, counter: int
) -> tuple[bytes, Status]:
    _check_key(chip, key_no)
    if chip.state.configuration.lrp:
        raise Refused(Status.PERMISSION_DENIED)
    _count_attempt(chip, key_no)
    rnd_b = chip.random(16)
    chip.pending = _Challenge(key_no, rnd_b, capabilities, ti, counter)
    encrypted = aes_cbc_encrypt(chip.state.keys[key_no].key, ZERO_IV, rnd_b)
    return encrypted, Status.ADDITIONAL_FRAME


def _lrp_challenge(chip: Chip, key_no: int) -> tuple[bytes, Status]:
    """A card in LRP mode is recognised by this answer; its LRP goes no further here."""
    _check_key(chip, key_no)
    _count_attempt(chip, key_no)
    chip.pending = _UnspokenLrp()
    return b"\x01" + chip.random(16), Status.ADDITIONAL_FRAME


def _check_key(chip: Chip, key_no: int) -> None:
    """At PICC level the numbers mean NXP's originality keys, which speak LRP only."""
    if key_no not in KEYS or (not chip.in_application and key_no == 0):
        raise Refused(Status.NO_SUCH_KEY)
    if not chip.in_application:
        raise Refused(Status.PERMISSION_DENIED)


def _count_attempt(chip: Chip, key_no: int) -> None:
    configuration, slot = chip.state.configuration, chip.state.keys[key_no]
    if not configuration.count_failures:
        return
    if slot.total_failures >= configuration.failure_limit:
        raise Refused(Status.PERMISSION_DENIED)
    if slot.spent_time < _delay(slot):
        _keep(chip, key_no, replace(slot, spent_time=slot.spent_time + 1))
        raise Refused(Status.AUTHENTICATION_DELAY)
    attempt = replace(
        slot,
        sequence_failures=min(slot.sequence_failures + 1, _MOST_FAILURES),
        total_failures=slot.total_failures + 1,
        spent_time=0,
    )
    _keep(chip, key_no, attempt)


def _count_success(chip: Chip, key_no: int) -> None:
    configuration, slot = chip.state.configuration, chip.state.keys[key_no]
    if configuration.count_failures:
        total = max(0, slot.total_failures - configuration.failure_decrement)
        _keep(chip, key_no, replace(slot, sequence_failures=0, total_failures=total))


def _delay(slot: KeySlot) -> int:
    """How many 91AD an attempt costs: none for fifty failures, then two, later up to five.

    The real curve is not published; cards were seen to ask for two to five retries.
    """
    beyond = slot.sequence_failures - _FREE_FAILURES
    return 0 if beyond < 0 else min(2 + beyond // 50, 5)


def _keep(chip: Chip, key_no: int, slot: KeySlot) -> None:
    chip.state = chip.state.with_key(key_no, slot)


def _capabilities(chip: Chip) -> bytes:
    """PDCap2: the first byte says AES, the last two are the user's."""
    return bytes(4) + bytes.fromhex(chip.state.configuration.capabilities)


def _rotated(number: bytes) -> bytes:
    return number[1:] + number[:1]
