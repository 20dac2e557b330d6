"""PINs and passwords: kept as scrypt only, compared in constant time, never logged (THREATS 19).

scrypt is slow on purpose, so it never runs under the write lock: `try_pin` is made before the
transaction, and inside it only digests are compared and tries are counted.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from host.ledger.errors import LedgerError

MAX_TRIES: Final = 3
"""Wrong PINs, over all taps, until only a manager can open it again."""

COST: Final = 1 << 14
"""scrypt's N; with r = 8 and p = 1 about 40 ms and 16 MB a try."""

_PIN: Final = re.compile(r"[0-9]{4,12}", re.ASCII)

_OWN_PIN: Final = re.compile(r"[0-9]{4,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Try:
    """A PIN that was offered, already hashed with the salt of one stored hash."""

    stored: str = field(repr=False)
    digest: bytes = field(repr=False)


def check_pin(pin: str) -> str:
    """Return a PIN of 4 to 12 digits, or raise `LedgerError`, which never carries the PIN."""
    if not _PIN.fullmatch(pin):
        raise LedgerError("pin: must be 4 to 12 digits")
    return pin


def check_own_pin(pin: str) -> str:
    """Return the PIN of somebody who works here: 4 to 8 digits, and none that are tried first.

    Raises `LedgerError`, which never carries the PIN.
    """
    if not _OWN_PIN.fullmatch(pin):
        raise LedgerError("pin: must be 4 to 8 digits")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if steps in ({0}, {1}, {9}):
        raise LedgerError("pin: is too easy to guess; no 0000, no 1234, no 4321")
    return pin


def make_hash(secret: str, *, cost: int = COST) -> str:
    """The text to keep: `scrypt$N$salt$digest`, both in hex."""
    salt = os.urandom(16)
    return f"scrypt${cost}${salt.hex()}${_scrypt(secret, salt, cost).hex()}"


def try_pin(stored: str, secret: str) -> Try:
    """Hash what was offered as `stored` was hashed; slow, so never under the write lock."""
    _, cost, salt, _ = stored.split("$")
    return Try(stored, _scrypt(secret, bytes.fromhex(salt), int(cost)))


def fits(offered: Try, stored: str) -> bool:
    """Whether the try fits the hash that is kept now; False when another was set meanwhile."""
    if offered.stored != stored:
        return False
    return hmac.compare_digest(offered.digest, bytes.fromhex(stored.rpartition("$")[2]))


def _scrypt(secret: str, salt: bytes, cost: int) -> bytes:
    # A secret of any length is one digest long here: nobody makes us hash a book.
    short = hashlib.sha256(secret.encode()).digest()
    return hashlib.scrypt(short, salt=salt, n=cost, r=8, p=1, maxmem=64 << 20, dklen=32)
